//! Tokens of an issuer: which are good, whose they are, and for how long.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use leadgraph::callers::{Algorithm, Issuer, Keys, Rates, Share};
use leadgraph::model::caller::{Scope, Visible};
use serde_json::{Value, json};

use super::{ask, known, names};
use crate::harness::issuer::{Keyhouse, Signer, in_secs, ok, signed_by_secret, unsigned};
use crate::harness::{CHATZURI, Plan, Query, SPELO, World};

const ISS: &str = "https://login.example/";

/// An issuer whose keys are told at this path.
pub(crate) fn issuer(house: &Keyhouse, name: &str, path: &str) -> Issuer {
    Issuer {
        name: name.into(),
        issuer: format!("{ISS}{name}"),
        audience: "leadgraph".to_owned(),
        keys: Keys::At(house.url(path).parse().unwrap()),
        algorithms: ["RS256", "PS256", "ES256", "EdDSA"].map(|word| Algorithm::parse(word).unwrap()).to_vec(),
        leeway: Duration::from_secs(60),
        name_claim: "sub".to_owned(),
        scope_claim: "scope".to_owned(),
        scopes: Scope::ALL.into_iter().collect(),
        sources: Visible::All,
        share: Share::Named("sources".to_owned()),
        rates: Rates { requests_per_second: 1_000, cost_per_second: 1_000_000 },
    }
}

/// What a good token of `corp` says.
pub(crate) fn claims(subject: &str) -> Value {
    json!({"iss": format!("{ISS}corp"), "aud": "leadgraph", "sub": subject, "exp": in_secs(600), "nbf": in_secs(-10),
           "scope": "openid leads:read pii:read", "sources": ["chatzuri", "spelo"]})
}

/// As above, but for this.
fn but(name: &str, value: Value) -> Value {
    let mut claims = claims("ann");
    claims[name] = value;
    claims
}

/// As above, but without this.
fn without(name: &str) -> Value {
    let mut claims = claims("ann");
    claims.as_object_mut().unwrap().remove(name);
    claims
}

/// The status, the code and the answer that a token gets.
async fn shown(world: &World, token: &str) -> (u16, Value) {
    let request = world.request("{ viewer { name } leads(first: 1) { nodes { id } } }").bearer_auth(token);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    if status == 503 {
        assert_eq!(response.headers()["retry-after"], "1");
    }
    (status, response.json().await.unwrap())
}

fn code(body: &Value) -> &str {
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

/// Lets so many seconds pass at once.
async fn pass(secs: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(secs)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn good_token_is_its_subject_with_what_both_sides_give() {
    let house = Keyhouse::start();
    let signers = ["RS256", "PS256", "ES256", "EdDSA"].map(|algorithm| Signer::new(algorithm, algorithm));
    house.tells_keys("/keys", &signers.each_ref());
    let corp = Issuer {
        scopes: [Scope::LeadsRead, Scope::Admin].into_iter().collect(),
        ..issuer(&house, "corp", "/keys")
    };
    let world =
        Plan::new(10, 3).callers(vec![known("ann", &Scope::ALL, &[])]).issuers(vec![corp]).start().await;
    for signer in &signers {
        let token = signer.token(&claims("ann"));
        let answer =
            ask(&world, &token, "{ viewer { name scopes } sources { name } leads { nodes { name } } }").await;
        let data = answer.data();
        assert_eq!(
            data["viewer"],
            json!({"name": "corp:ann", "scopes": ["leads:read"]}),
            "{}",
            signer.algorithm
        );
        assert_eq!(names(&data["sources"]), ["chatzuri/agt_1", "spelo"]);
        assert!(data["leads"]["nodes"][0]["name"].as_str().unwrap().contains("***"), "{data}");
    }
    assert_eq!(house.asked("/keys"), 1, "the set is fetched once for all of them");
    let viewer = ask(&world, "ann", "{ viewer { name } }").await;
    assert_eq!(viewer.data()["viewer"]["name"], "ann", "keys go on being keys");
    let token = signers[2].token(&but("aud", json!(["other", "leadgraph"])));
    assert_eq!(shown(&world, &token).await.0, 200, "one audience of several is ours");
    for (name, value) in [("exp", json!(in_secs(-30))), ("nbf", json!(in_secs(30)))] {
        assert_eq!(
            shown(&world, &signers[2].token(&but(name, value))).await.0,
            200,
            "clocks may differ: {name}"
        );
    }
}

#[tokio::test]
async fn none_that_is_not_a_good_token_is_taken() {
    let house = Keyhouse::start();
    let (rsa, ec) = (Signer::new("rsa", "RS256"), Signer::new("ec", "ES256"));
    let (strange, other) = (Signer::new("ec", "ES256"), Signer::new("other", "ES256"));
    let narrow = Signer::new("narrow", "ES256");
    let mut pinned = narrow.jwk();
    pinned["alg"] = "ES384".into();
    house.tells("/keys", Some(ok(&json!({"keys": [rsa.jwk(), ec.jwk(), pinned]}).to_string())));
    house.tells_keys("/other", &[&other]);
    let issuers = vec![issuer(&house, "corp", "/keys"), issuer(&house, "other", "/other")];
    let world = Plan::new(5, 2).issuers(issuers).start().await;
    let good = ec.token(&claims("ann"));
    assert_eq!(shown(&world, &good).await.0, 200);
    let before = world.calls();

    let text = claims("ann").to_string();
    let header = |algorithm: &str, id: &str| json!({"alg": algorithm, "kid": id}).to_string();
    let parts: Vec<&str> = good.split('.').collect();
    let forged = BASE64.encode(but("scope", json!("admin")).to_string());
    let of_other = rsa.token(&but("iss", json!(format!("{ISS}other"))));
    let rs256 = header("RS256", "rsa");
    let mut bad: Vec<(&str, String)> = vec![
        ("unsigned", unsigned(&header("none", "ec"), &text)),
        ("unsigned, in capitals", unsigned(&header("NONE", "ec"), &text)),
        ("unsigned, and says it is signed", unsigned(&header("ES256", "ec"), &text)),
        (
            "signed by a secret that is the public key",
            signed_by_secret(&header("HS256", "rsa"), &text, &rsa.public_bytes()),
        ),
        (
            "signed by a secret that is the public key's number",
            signed_by_secret(&header("HS256", "rsa"), &text, rsa.jwk()["n"].as_str().unwrap().as_bytes()),
        ),
        (
            "such, and says it is signed by a key",
            signed_by_secret(&header("RS256", "rsa"), &text, &rsa.public_bytes()),
        ),
        ("over", ec.token(&but("exp", json!(in_secs(-65))))),
        ("never over", ec.token(&without("exp"))),
        ("over at no time", ec.token(&but("exp", json!("tomorrow")))),
        ("not yet", ec.token(&but("nbf", json!(in_secs(75))))),
        ("not yet, at no time", ec.token(&but("nbf", json!("now")))),
        ("for another", ec.token(&but("aud", json!("other")))),
        ("for nobody", ec.token(&without("aud"))),
        ("for none of several", ec.token(&but("aud", json!(["a", "b"])))),
        ("of someone unknown", ec.token(&but("iss", json!("https://evil.example/")))),
        ("of nobody", ec.token(&without("iss"))),
        ("of several", ec.token(&but("iss", json!([format!("{ISS}corp")])))),
        ("of another issuer, by our key", of_other),
        ("ours, by another issuer's key", other.token(&claims("ann"))),
        ("by a strange key of a known name", strange.token(&claims("ann"))),
        ("by a key for something else", narrow.token(&claims("ann"))),
        ("by an unknown key", ec.signed(&header("ES256", "new"), &text)),
        ("by a key that is not named, of several", ec.signed(&json!({"alg": "ES256"}).to_string(), &text)),
        ("as no issuer signs here", rsa.signed(&header("RS512", "rsa"), &text)),
        (
            "two algorithms, the good one first",
            rsa.signed(&rs256.replace("\"RS256\"", "\"RS256\",\"alg\":\"none\""), &text),
        ),
        (
            "two algorithms, the good one last",
            rsa.signed(&rs256.replace("\"RS256\"", "\"none\",\"alg\":\"RS256\""), &text),
        ),
        ("two issuers", rsa.signed(&rs256, &text.replace("{", &format!("{{\"iss\":\"{ISS}corp\",")))),
        (
            "with something that must be understood",
            rsa.signed(&json!({"alg": "RS256", "kid": "rsa", "crit": ["b64"]}).to_string(), &text),
        ),
        ("another payload", format!("{}.{forged}.{}", parts[0], parts[2])),
        ("another head", format!("{}.{}.{}", BASE64.encode(header("ES256", "rsa")), parts[1], parts[2])),
        ("cut short", good[..good.len() - 2].to_owned()),
        ("with more behind it", format!("{good}.x")),
        ("with nothing in it", "..".to_owned()),
        ("no JSON", format!("{}.{}.{}", BASE64.encode("x"), BASE64.encode("y"), parts[2])),
        ("without a name", ec.token(&without("sub"))),
        ("with an empty name", ec.token(&but("sub", json!("")))),
        ("too long", ec.token(&but("more", json!("x".repeat(8_000))))),
    ];
    // Every bit of the signature counts, and of what is signed.
    for at in (0..good.len()).step_by(7).filter(|at| good.as_bytes()[*at] != b'.') {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        bad.push(("a letter changed", String::from_utf8(bytes).unwrap()));
    }
    for (what, token) in bad {
        let (status, body) = shown(&world, &token).await;
        assert_eq!((status, code(&body)), (401, "UNAUTHENTICATED"), "{what}: {token}");
        assert!(body.get("data").is_none(), "{what}");
    }
    assert_eq!(world.calls(), before);
    assert_eq!(shown(&world, &good).await.0, 200, "the good one still is");
}

#[tokio::test]
async fn changed_key_is_taken_up_and_the_one_before_is_let_go() {
    let house = Keyhouse::start();
    let (old, new) = (Signer::new("old", "ES256"), Signer::new("new", "ES256"));
    house.tells_keys("/keys", &[&old]);
    let world = Plan::new(5, 2).issuers(vec![issuer(&house, "corp", "/keys")]).start().await;
    assert_eq!(shown(&world, &old.token(&claims("ann"))).await.0, 200);
    house.tells_keys("/keys", &[&new]);
    assert_eq!(
        shown(&world, &new.token(&claims("ann"))).await.0,
        401,
        "the set is half a minute old at most"
    );
    pass(31).await;
    assert_eq!(shown(&world, &new.token(&claims("ann"))).await.0, 200);
    assert_eq!(shown(&world, &old.token(&claims("ann"))).await.0, 401);
    assert_eq!(house.asked("/keys"), 2);
    house.tells("/keys", None);
    pass(3_600).await;
    assert_eq!(
        shown(&world, &new.token(&claims("ann"))).await.0,
        200,
        "the issuer is down, its keys are known"
    );
}

#[tokio::test]
async fn nobody_is_let_in_while_no_keys_are_known_and_they_are_once_they_can_be_had() {
    let house = Keyhouse::start();
    let key = Signer::new("key", "ES256");
    let set = json!({"keys": [key.jwk()]}).to_string();
    let padded = format!("{{\"more\":\"{}\",{}", "x".repeat(256 * 1024), &set[1..]);
    house.tells_keys("/elsewhere", &[&key]);
    let elsewhere = house.url("/elsewhere");
    let broken: Vec<(&str, Option<String>)> = vec![
        ("down", None),
        ("garbage", Some(ok("keys"))),
        ("empty", Some(ok("{\"keys\":[]}"))),
        ("secret", Some(ok("{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"kid\":\"key\"}]}"))),
        ("page", Some(ok("<html></html>"))),
        ("large", Some(ok(&padded))),
        ("failing", Some("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".to_owned())),
        ("moved", Some(format!("HTTP/1.1 302 Found\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n"))),
    ];
    let issuers = broken.iter().map(|(name, reply)| {
        house.tells(&format!("/{name}"), reply.clone());
        issuer(&house, name, &format!("/{name}"))
    });
    let world = Plan::new(5, 2).issuers(issuers.collect()).start().await;
    let token = |name: &str| {
        let mut claims = claims("ann");
        claims["iss"] = format!("{ISS}{name}").into();
        key.token(&claims)
    };
    let before = world.calls();
    for (name, _) in &broken {
        let (status, body) = shown(&world, &token(name)).await;
        assert_eq!((status, code(&body)), (503, "AUTHENTICATION_UNAVAILABLE"), "{name}");
        assert!(!body.to_string().contains("127.0.0.1"), "{body}");
    }
    assert_eq!((world.calls(), house.asked("/elsewhere")), (before, 0));
    for (name, _) in &broken {
        house.tells_keys(&format!("/{name}"), &[&key]);
    }
    pass(61).await;
    for (name, _) in &broken {
        assert_eq!(shown(&world, &token(name)).await.0, 200, "{name}");
    }
}

#[tokio::test]
async fn two_subjects_share_neither_cursors_nor_rates() {
    let house = Keyhouse::start();
    let key = Signer::new("key", "ES256");
    house.tells_keys("/keys", &[&key]);
    let slow = Rates { requests_per_second: 5, cost_per_second: 1_000_000 };
    let corp = Issuer { rates: slow, ..issuer(&house, "corp", "/keys") };
    let world = Plan::new(30, 5).issuers(vec![corp]).start().await;
    let (ann, bob) = (key.token(&claims("ann")), key.token(&claims("bob")));
    let query =
        "query($after: String) { leads(first: 5, after: $after) { nodes { id } pageInfo { endCursor } } }";
    let first = ask(&world, &ann, query).await;
    let cursor = first.data()["leads"]["pageInfo"]["endCursor"].as_str().unwrap();
    let stolen = ask(&world, &bob, Query::new(query).with("after", cursor)).await;
    assert_eq!(stolen.codes(), ["CURSOR_INVALID"]);
    // Another token of the same subject is no other caller.
    let again = key
        .token(&json!({"iss": format!("{ISS}corp"), "aud": "leadgraph", "sub": "ann", "exp": in_secs(300),
                                  "scope": "leads:read", "sources": "chatzuri spelo", "jti": "2"}));
    assert!(ask(&world, &again, Query::new(query).with("after", cursor)).await.codes().is_empty());
    let asks = (0..60).map(|turn| shown(&world, if turn % 2 == 0 { &ann } else { &again }));
    let answers = futures_util::future::join_all(asks).await;
    let limited =
        answers.iter().filter(|(status, body)| (*status, code(body)) == (429, "RATE_LIMITED")).count();
    assert!(limited >= 30, "{limited}");
    assert_eq!(shown(&world, &bob).await.0, 200);
}

#[tokio::test]
async fn fields_and_sources_of_a_token_are_its_own() {
    let house = Keyhouse::start();
    let key = Signer::new("key", "ES256");
    house.tells_keys("/keys", &[&key]);
    let world = Plan::new(20, 3)
        .only(&[CHATZURI, SPELO])
        .issuers(vec![issuer(&house, "corp", "/keys")])
        .start()
        .await;
    let lead = "{ leads(first: 1) { nodes { raw } } }";
    let refused = world.request(lead).bearer_auth(key.token(&claims("ann"))).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    let raw = key.token(&but("scope", json!("leads:read pii:read raw:read")));
    assert!(ask(&world, &raw, lead).await.codes().is_empty());
    let nothing = key.token(&without("sources"));
    assert_eq!(
        names(&ask(&world, &nothing, "{ sources { name } }").await.data()["sources"]),
        Vec::<&str>::new()
    );
    let one = key.token(&but("sources", json!("spelo")));
    assert_eq!(names(&ask(&world, &one, "{ sources { name } }").await.data()["sources"]), ["spelo"]);
}
