//! Webhooks: an account that takes them believes its vendor and nobody else, and tells what is the vendor's of it.

use jiff::Timestamp;
use leadgraph::model::id::SourceId;
use leadgraph::secret::Secret;
use leadgraph::source::{Delivery, Refusal, Subject, Told, Webhook};
use leadgraph::vendors::simulation::WebhookOrder;
use leadgraph::vendors::{Account, Problem, Setup, WebhookSetup};
use serde_json::{Value, json};

use super::bench::Bench;
use super::check;

const SECRET: &str = "whsec_of_the_contract";

fn open(bench: &Bench, webhook: Option<(&[&str], toml::Table)>) -> Result<Account, Vec<Problem>> {
    (bench.entry.open)(Setup {
        name: SourceId::new("acme").unwrap(),
        base_url: bench.simulator.base_url(bench.entry).parse().unwrap(),
        key: Secret::new(bench.simulator.vendor.key()),
        policy: (bench.entry.policy)(),
        settings: bench.simulator.vendor.settings(),
        webhook: webhook.map(|(secrets, settings)| WebhookSetup {
            secrets: secrets.iter().map(|secret| Secret::new(*secret)).collect(),
            settings,
        }),
    })
}

fn account(bench: &Bench) -> Account {
    open(bench, Some((&[SECRET], bench.simulator.vendor.webhook_settings()))).ok().unwrap()
}

/// What the vendor sends about its newest lead. `more` goes over the usual order.
fn delivered(bench: &Bench, more: Value) -> (http::HeaderMap, Vec<u8>) {
    let mut leads = bench.leads();
    leads.sort_by_key(|(_, at)| *at);
    let lead = leads.last().unwrap().0.as_str();
    let event = bench.simulator.vendor.webhook_event();
    let mut order = json!({"url": "http://127.0.0.1/", "secret": SECRET, "event": event, "leads": [lead]});
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let order: WebhookOrder = serde_json::from_value(order).unwrap();
    let delivery = bench.simulator.vendor.webhook(&order).unwrap().remove(0);
    let headers = delivery.headers.iter().map(|(name, value)| {
        (http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())
    });
    (headers.collect(), delivery.body)
}

fn read(webhook: &dyn Webhook, (headers, body): &(http::HeaderMap, Vec<u8>)) -> Result<Told, Refusal> {
    webhook.read(&Delivery { headers, body, now: Timestamp::now() })
}

#[tokio::test]
async fn what_the_vendor_sends_is_believed_and_is_about_a_source_of_the_account() {
    check(20, async |bench| {
        let webhook = account(bench).webhook.unwrap();
        let told = read(&*webhook, &delivered(bench, json!({}))).unwrap();
        let hint = told.hint.unwrap();
        let source = hint.source.as_str();
        assert!(source == "acme" || source.starts_with("acme/"), "{source}");
        assert!(hint.news.is_of_lead() && hint.subject != Subject::Unnamed, "{}", bench.name());
        let again = read(&*webhook, &delivered(bench, json!({}))).unwrap();
        assert!(again.hint.unwrap().subject == hint.subject, "{}", bench.name());
    })
    .await;
}

#[tokio::test]
async fn one_delivery_has_one_mark_and_another_has_another() {
    check(20, async |bench| {
        let webhook = account(bench).webhook.unwrap();
        let first = delivered(bench, json!({}));
        let mark = |delivery| read(&*webhook, delivery).unwrap().mark;
        assert_eq!(mark(&first), mark(&first), "{}", bench.name());
        let other = bench.leads().remove(0).0;
        assert_ne!(
            mark(&first),
            mark(&delivered(bench, json!({"leads": [other.as_str()]}))),
            "{}",
            bench.name()
        );
    })
    .await;
}

#[tokio::test]
async fn nobody_else_is_believed() {
    check(20, async |bench| {
        let webhook = account(bench).webhook.unwrap();
        let (headers, body) = delivered(bench, json!({}));
        let refused = |case: &str, headers: http::HeaderMap, body: Vec<u8>| {
            let told = read(&*webhook, &(headers, body));
            assert_eq!(told.err(), Some(Refusal::Unproven), "{}: {case}", bench.name());
        };
        refused("bare", http::HeaderMap::new(), body.clone());
        let (wrong, _) = delivered(bench, json!({"wrong_signature": true}));
        refused("wrong secret", wrong, body.clone());
        for name in headers.keys() {
            let mut twice = headers.clone();
            twice.append(name, headers[name].clone());
            // A header that proves nothing is not looked at.
            if read(&*webhook, &(without(&headers, name), body.clone())).is_err() {
                refused("twice", twice, body.clone());
            }
        }
        let strange = open(bench, Some((&["whsec_of_others"], toml::Table::new()))).ok().unwrap().webhook;
        assert_eq!(read(&*strange.unwrap(), &(headers, body)).err(), Some(Refusal::Unproven));
    })
    .await;
}

fn without(headers: &http::HeaderMap, name: &http::HeaderName) -> http::HeaderMap {
    let mut headers = headers.clone();
    headers.remove(name);
    headers
}

#[tokio::test]
async fn account_without_a_webhook_has_none_and_one_without_a_good_secret_does_not_open() {
    check(5, async |bench| {
        let bare = open(bench, None).ok().unwrap();
        assert!(bare.webhook.is_none() && bare.sources.iter().all(|source| !source.webhooks()));
        assert!(account(bench).sources.iter().all(|source| source.webhooks()), "{}", bench.name());
        for secrets in [&[][..], &[""], &[SECRET, ""]] {
            let problems = open(bench, Some((secrets, toml::Table::new()))).err().unwrap();
            assert_eq!(problems[0].path, ["webhook"], "{}", bench.name());
        }
        let unknown = toml::Table::from_iter([("unheard_of".to_owned(), 1.into())]);
        let problems = open(bench, Some((&[SECRET], unknown))).err().unwrap();
        assert_eq!(problems[0].path, ["webhook", "unheard_of"], "{}", bench.name());
        assert!(!format!("{problems:?}").contains(SECRET));
    })
    .await;
}
