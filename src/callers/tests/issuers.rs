//! What an issuer says: its keys over time, and the callers that its claims make. Whether signatures are checked is shown over
//! sockets.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::advance;

use super::super::issuer::{Algorithm, Issuer, Keys, Share};
use super::super::jwks::{Fetch, KeySet, Ring};
use super::super::{Callers, Rates, Refused, Settings};
use crate::model::caller::{Caller, Scope, Visible};
use crate::model::id::SourceId;

/// A coordinate of no point in particular: what is looked for here is found by name.
const X: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn key(id: &str) -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": X, "y": X, "kid": id})
}

fn set(ids: &[&str]) -> Vec<u8> {
    json!({ "keys": ids.iter().map(|id| key(id)).collect::<Vec<_>>() }).to_string().into_bytes()
}

/// An issuer's address: what it answers now, and how often it was asked.
#[derive(Clone, Default)]
struct Address(Arc<(Mutex<Option<Vec<u8>>>, AtomicUsize)>);

impl Address {
    fn tells(&self, set: Option<Vec<u8>>) {
        *self.0.0.lock().unwrap() = set;
    }

    fn asked(&self) -> usize {
        self.0.1.load(Ordering::Relaxed)
    }

    fn ring(&self) -> Arc<Ring> {
        let address = self.clone();
        let fetch: Fetch = Arc::new(move || {
            let address = address.clone();
            async move {
                address.0.1.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
                address.0.0.lock().unwrap().clone().map(Into::into)
            }
            .boxed()
        });
        Arc::new(Ring::fetched(&"corp".into(), fetch))
    }
}

/// Whether a key of this id is found.
async fn found(ring: &Arc<Ring>, id: &str) -> Result<(), Refused> {
    ring.key(Some(id)).await.map(|_| ())
}

#[test]
fn keys_that_are_none_to_check_with_are_passed_over() {
    let others = [
        json!({"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}),
        json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}),
        json!({"kty": "EC", "crv": "P-256", "x": X, "y": X, "use": "enc"}),
        json!({"kty": "EC", "crv": "P-256", "x": X, "y": X, "key_ops": ["sign"]}),
        json!({"kty": "EC", "crv": "P-256", "x": X, "y": X, "alg": "HS256"}),
        json!({"kty": "EC", "crv": "P-256", "x": X, "y": X, "alg": "none"}),
        json!({"kty": "EC", "crv": "secp256k1", "x": X, "y": X}),
        json!({"kty": "RSA", "n": "?", "e": "AQAB"}),
        json!({"kty": "RSA"}),
        json!({"kty": "AKP", "pub": "AA"}),
        json!("key"),
        json!(null),
    ];
    for other in &others {
        let alone = json!({ "keys": [other] }).to_string();
        assert!(KeySet::parse(alone.as_bytes()).is_none(), "{other}");
    }
    for garbage in ["", "null", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]}", "<html>", "\u{0}", "{\"keys\":"]
    {
        assert!(KeySet::parse(garbage.as_bytes()).is_none(), "{garbage}");
    }
    let beside: Vec<_> = others.into_iter().chain([key("good")]).collect();
    let mixed = KeySet::parse(json!({ "keys": beside }).to_string().as_bytes()).unwrap();
    let ring = Arc::new(Ring::fixed(&"corp".into(), mixed));
    assert!(found(&ring, "good").now_or_never().unwrap().is_ok());
    assert_eq!(found(&ring, "secret").now_or_never().unwrap(), Err(Refused::Unknown));
}

#[test]
fn token_that_names_no_key_means_the_only_one() {
    let ring = |ids: &[&str]| Arc::new(Ring::fixed(&"corp".into(), KeySet::parse(&set(ids)).unwrap()));
    assert!(ring(&["a"]).key(None).now_or_never().unwrap().is_ok());
    assert_eq!(ring(&["a", "b"]).key(None).now_or_never().unwrap().err(), Some(Refused::Unknown));
}

#[tokio::test(start_paused = true)]
async fn new_key_is_found_by_its_first_token_and_strange_ones_ask_twice_a_minute_at_most() {
    let address = Address::default();
    address.tells(Some(set(&["old"])));
    let ring = address.ring();
    let many = futures_util::future::join_all((0..50).map(|_| found(&ring, "old"))).await;
    assert!(many.iter().all(Result::is_ok));
    assert_eq!(address.asked(), 1, "those who come together wait for one fetch");
    for _ in 0..100 {
        assert_eq!(found(&ring, "new").await, Err(Refused::Unknown));
        advance(Duration::from_millis(200)).await;
    }
    assert_eq!(address.asked(), 1, "within half a minute of the last");
    address.tells(Some(set(&["new"])));
    advance(Duration::from_secs(15)).await;
    assert_eq!(found(&ring, "new").await, Ok(()));
    assert_eq!(address.asked(), 2);
    assert_eq!(
        found(&ring, "old").await,
        Err(Refused::Unknown),
        "what the issuer takes back is no longer good"
    );
    for _ in 0..600 {
        assert_eq!(found(&ring, "strange").await, Err(Refused::Unknown));
        advance(Duration::from_millis(500)).await;
    }
    assert!((10..=13).contains(&address.asked()), "{} in five minutes", address.asked());
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_known_nobody_is_let_in_until_the_issuer_answers() {
    let address = Address::default();
    let ring = address.ring();
    for garbage in [None, Some(b"<html>".to_vec()), Some(b"{\"keys\":[]}".to_vec())] {
        address.tells(garbage);
        assert_eq!(found(&ring, "a").await, Err(Refused::Unavailable));
        assert_eq!(found(&ring, "a").await, Err(Refused::Unavailable));
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(address.asked(), 3, "once a second");
    address.tells(Some(set(&["a"])));
    assert_eq!(found(&ring, "a").await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn keys_are_kept_for_hours_while_the_issuer_is_down_and_no_longer() {
    let address = Address::default();
    address.tells(Some(set(&["a"])));
    let ring = address.ring();
    let keeping = tokio::spawn(Arc::clone(&ring).keep());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(address.asked(), 1, "at the start");
    tokio::time::sleep(Duration::from_secs(1_800)).await;
    assert_eq!(address.asked(), 4, "every ten minutes");
    address.tells(None);
    tokio::time::sleep(Duration::from_secs(5 * 3_600)).await;
    assert_eq!(found(&ring, "a").await, Ok(()));
    assert_eq!(found(&ring, "b").await, Err(Refused::Unavailable), "it may be new, and nobody can tell");
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(found(&ring, "a").await, Err(Refused::Unavailable));
    address.tells(Some(set(&["a"])));
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(found(&ring, "a").await, Ok(()));
    assert_eq!(found(&ring, "b").await, Err(Refused::Unknown));
    keeping.abort();
}

#[tokio::test(start_paused = true)]
async fn what_comes_of_a_fetch_is_told_to_all_who_wait_for_it_however_long_it_takes() {
    let asked = Arc::new(AtomicUsize::new(0));
    let fetch: Fetch = {
        let asked = Arc::clone(&asked);
        Arc::new(move || {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(2)).map(|()| None).boxed()
        })
    };
    let ring = Arc::new(Ring::fetched(&"corp".into(), fetch));
    let found = join_all((0..6).map(|_| found(&ring, "a"))).await;
    assert_eq!(found, vec![Err(Refused::Unavailable); 6]);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_while_keys_are_fetched_has_nobody_ask_more_often() {
    let address = Address::default();
    let ring = address.ring();
    for _ in 0..50 {
        let hung_up = tokio::time::timeout(Duration::from_millis(10), found(&ring, "a")).await;
        assert!(hung_up.is_err() || hung_up == Ok(Err(Refused::Unavailable)));
    }
    assert_eq!(address.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_while_keys_are_fetched_takes_them_from_nobody() {
    let address = Address::default();
    address.tells(Some(set(&["a"])));
    let ring = address.ring();
    assert!(tokio::time::timeout(Duration::from_millis(10), found(&ring, "a")).await.is_err());
    advance(Duration::from_millis(100)).await;
    assert!(found(&ring, "a").await.is_ok());
    assert_eq!(address.asked(), 1);
}

fn corp() -> Issuer {
    Issuer {
        name: "corp".into(),
        issuer: "https://login.example".to_owned(),
        audience: "leadgraph".to_owned(),
        keys: Keys::Fixed(KeySet::parse(&set(&["a"])).unwrap()),
        algorithms: Algorithm::ALL.to_vec(),
        leeway: Duration::from_secs(60),
        name_claim: "sub".to_owned(),
        scope_claim: "scope".to_owned(),
        scopes: [Scope::LeadsRead, Scope::PiiRead].into_iter().collect(),
        sources: Visible::All,
        share: Share::Whole,
        rates: Rates::default(),
    }
}

fn only(names: &[&str]) -> Visible {
    Visible::Only(names.iter().filter_map(|name| SourceId::new(name)).collect())
}

fn caller(issuer: &Issuer, claims: Value) -> Option<Caller> {
    issuer.caller(claims.as_object().unwrap())
}

#[test]
fn no_token_gives_more_than_the_configuration() {
    let scopes = |claim: Value| {
        let caller = caller(&corp(), json!({"sub": "ann", "scope": claim})).unwrap();
        caller.scopes.iter().map(Scope::as_str).collect::<Vec<_>>()
    };
    for both in
        [json!("openid leads:read admin raw:read  pii:read"), json!(["pii:read", 7, "leads:read", "admin"])]
    {
        assert_eq!(scopes(both), ["leads:read", "pii:read"]);
    }
    for nothing in [json!(null), json!("LEADS:READ leads"), json!({"leads:read": true}), json!(7), json!("")]
    {
        assert_eq!(scopes(nothing), Vec::<&str>::new());
    }

    let issuer = Issuer { sources: only(&["shop", "desk"]), share: Share::Named("see".to_owned()), ..corp() };
    let sees = |claims: Value| caller(&issuer, claims).unwrap().sources;
    assert_eq!(sees(json!({"sub": "ann", "see": "shop/agent wall"})), only(&["shop/agent"]));
    assert_eq!(sees(json!({"sub": "ann", "see": ["desk", "a b"]})), only(&["desk"]));
    assert_eq!(sees(json!({"sub": "ann"})), only(&[]), "nothing is said, nothing exists");

    let sources =
        BTreeMap::from([("acme".to_owned(), only(&["shop"])), ("all".to_owned(), only(&["shop", "wall"]))]);
    let share = Share::Given { claim: "tenant".to_owned(), sources };
    let issuer = Issuer { sources: only(&["shop", "desk"]), share, ..corp() };
    let sees = |claims: Value| caller(&issuer, claims).unwrap().sources;
    assert_eq!(sees(json!({"sub": "ann", "tenant": "acme"})), only(&["shop"]));
    assert_eq!(sees(json!({"sub": "ann", "tenant": "all"})), only(&["shop"]));
    for nobody in [
        json!({"sub": "ann", "tenant": "other"}),
        json!({"sub": "ann", "tenant": ["acme"]}),
        json!({"sub": "ann"}),
    ] {
        assert_eq!(sees(nobody), only(&[]));
    }
}

#[test]
fn token_names_its_caller_or_nobody() {
    let name = |claims: Value| caller(&corp(), claims).map(|caller| caller.name.to_string());
    assert_eq!(name(json!({"sub": "ann"})).unwrap(), "corp:ann");
    assert_eq!(name(json!({"sub": "other:ann"})).unwrap(), "corp:other:ann");
    assert_eq!(name(json!({"sub": "a".repeat(255)})).unwrap().len(), 260);
    let nobody = [
        json!({}),
        json!({"sub": ""}),
        json!({"sub": null}),
        json!({"sub": 7}),
        json!({"sub": ["ann"]}),
        json!({"sub": "an\nn"}),
        json!({"sub": "a".repeat(256)}),
    ];
    for claims in nobody {
        assert_eq!(name(claims.clone()), None, "{claims}");
    }
    let by_mail = Issuer { name_claim: "email".to_owned(), ..corp() };
    assert_eq!(
        &*caller(&by_mail, json!({"sub": "ann", "email": "a@example.net"})).unwrap().name,
        "corp:a@example.net"
    );
}

#[tokio::test(start_paused = true)]
async fn those_whom_an_issuer_names_keep_to_its_rates_each_for_itself() {
    let rates = Rates { cost_per_second: 100, ..Rates::default() };
    let settings = Settings { known: Vec::new(), issuers: vec![Issuer { rates, ..corp() }] };
    let callers = Callers::new(settings, |_| panic!("nothing is fetched"));
    for subject in ["ann", "bob", "corp:ann"] {
        let caller = caller(&corp(), json!({ "sub": subject })).unwrap();
        assert_eq!((0..10).filter(|_| callers.spend(&caller, 100).is_ok()).count(), 2, "{subject}");
    }
}

#[test]
fn algorithms_that_a_secret_signs_by_are_none() {
    for word in ["none", "None", "HS256", "HS384", "HS512", "", "rs256"] {
        assert_eq!(Algorithm::parse(word), None, "{word}");
    }
    for algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::parse(algorithm.as_str()), Some(algorithm));
    }
    assert_eq!(Algorithm::of(jsonwebtoken::Algorithm::HS256), None);
}
