use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::events::{self, Event, EventKind, Log};
use crate::gather::Gather;
use crate::graphql::{self, Answer, DocumentSettings, Opened, Request, open, schema};
use crate::model::caller::{Caller, Scope, Visible};
use crate::model::cx::{Cx, Meter};
use crate::model::id::{Key, NativeId, SourceId, Vendor};
use crate::model::lead::Lead;

const EVENTS: &str = "subscription($after: String) { events(after: $after) { cursor type source { name } lead { name email } } }";

fn cx(caller: Caller) -> Cx {
    Cx {
        deadline: Instant::now() + Duration::from_secs(5),
        now: Timestamp::UNIX_EPOCH,
        request_id: "req-1".into(),
        caller,
        meter: Meter::default(),
        background: false,
        anew: false,
    }
}

/// A gateway without any source: what it tells, it tells of the events alone.
async fn opened(
    log: &Log,
    settings: graphql::Settings,
    caller: Caller,
    query: &str,
    variables: Value,
) -> Opened {
    let gather = Gather::new(crate::gather::settings::Settings::default(), Vec::new());
    let request = Request { query: query.to_owned(), variables, ..Request::default() };
    open(&schema(gather, log.clone(), settings), cx(caller), request).await
}

async fn follow(log: &Log, caller: Caller, variables: Value) -> BoxStream<'static, Answer> {
    match opened(log, graphql::Settings::default(), caller, EVENTS, variables).await {
        Opened::Each(answers) => answers,
        Opened::Once(answer) => panic!("{answer:?}"),
    }
}

fn value(answer: &Answer) -> Value {
    serde_json::to_value(answer).unwrap()
}

/// The next event, without waiting for it.
fn next(answers: &mut BoxStream<'static, Answer>) -> Option<Value> {
    let answer = value(&answers.next().now_or_never()??);
    assert!(answer.get("errors").is_none(), "{answer}");
    Some(answer["data"]["events"].clone())
}

fn lead_of(source: &str, name: &str) -> Event {
    let source = SourceId::new(source).unwrap();
    let mut lead = Lead::bare(
        Key { source: source.clone(), native: NativeId::new(name).unwrap(), day: None },
        Vendor::Spelo,
    );
    lead.name = Some(name.to_owned());
    let mut event = Event::new(EventKind::LeadCreated, source, Vendor::Spelo, Timestamp::UNIX_EPOCH);
    event.lead = Some(lead.into());
    event
}

/// A budget that writes down what is taken, and refuses once there was so much.
#[derive(Clone, Default)]
struct Purse(std::sync::Arc<std::sync::Mutex<Vec<u32>>>);

impl graphql::Budget for Purse {
    fn take(&self, caller: &Caller, cost: u32) -> Result<(), Duration> {
        assert_eq!(&*caller.name, "anonymous");
        let mut taken = self.0.lock().unwrap();
        if taken.len() >= 3 {
            return Err(Duration::from_millis(1_500));
        }
        taken.push(cost);
        Ok(())
    }

    fn give_back(&self, _: &Caller, cost: u32) {
        panic!("{cost} was not needed")
    }
}

#[tokio::test]
async fn following_is_paid_for_when_it_begins_and_by_each_event_and_held_up_by_the_beginning_alone() {
    let (log, purse) = (Log::default(), Purse::default());
    let gather = Gather::new(crate::gather::settings::Settings::default(), Vec::new());
    let schema = graphql::schema_within(gather, log.clone(), graphql::Settings::default(), purse.clone());
    let request = || Request { query: EVENTS.to_owned(), ..Request::default() };
    let Opened::Each(mut answers) = open(&schema, cx(Caller::anonymous()), request()).await else {
        panic!("it is refused")
    };
    for name in ["Grace", "Hugo", "Ida"] {
        log.publish(lead_of("site", name));
        assert_eq!(next(&mut answers).unwrap()["lead"]["name"], name, "told whatever is left");
    }
    let taken = purse.0.lock().unwrap().clone();
    assert!(taken.len() == 3 && taken.iter().all(|cost| *cost > 0 && *cost == taken[0]), "{taken:?}");

    let Opened::Once(refused) = open(&schema, cx(Caller::anonymous()), request()).await else {
        panic!("it is opened")
    };
    assert_eq!((refused.refusal(), refused.status()), (Some("COST_RATE_EXCEEDED"), 429));
    assert_eq!(refused.retry_after(), Some(Duration::from_millis(1_500)));
    assert_eq!(value(&refused)["errors"][0]["extensions"]["retryAfterMs"], 1_500);
    // What is no subscription is paid for once, though it is looked at twice.
    purse.0.lock().unwrap().clear();
    let query = Request { query: "{ viewer { name } }".to_owned(), ..Request::default() };
    assert!(
        matches!(open(&schema, cx(Caller::anonymous()), query).await, Opened::Once(answer) if answer.status() == 200)
    );
    assert_eq!(purse.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn event_holds_what_is_told_of_it() {
    let log = Log::default();
    let mut answers = follow(&log, Caller::anonymous(), Value::Null).await;
    log.publish(lead_of("site", "Grace"));
    let event = next(&mut answers).unwrap();
    assert_eq!(event["lead"], json!({ "name": "Grace", "email": null }), "though no source is there");
    assert_eq!((&event["type"], &event["source"]["name"]), (&json!("LEAD_CREATED"), &json!("site")));
    assert_eq!(next(&mut answers), None);
}

#[tokio::test]
async fn caller_hears_of_the_sources_that_it_sees_alone() {
    let log = Log::default();
    let seen = Visible::Only([SourceId::new("site").unwrap()].into());
    let caller = Caller { sources: seen, ..Caller::unrestricted("dashboard") };
    let mut answers = follow(&log, caller.clone(), Value::Null).await;
    let mut all = follow(&log, Caller::unrestricted("other"), Value::Null).await;
    for (source, name) in [("site", "a"), ("elsewhere", "b"), ("site-2", "c"), ("site/agent", "d")] {
        log.publish(lead_of(source, name));
    }
    let names = |answers: &mut BoxStream<'static, Answer>| {
        let events: Vec<_> = std::iter::from_fn(|| next(answers)).collect();
        let names = events.iter().map(|event| event["lead"]["name"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), events.last().unwrap()["cursor"].as_str().unwrap().to_owned())
    };
    assert_eq!(names(&mut answers).0, ["a", "d"]);
    let (heard, cursor) = names(&mut all);
    assert_eq!(heard, ["a", "b", "c", "d"]);
    let stolen = json!({ "after": cursor });
    let Opened::Once(refused) = opened(&log, graphql::Settings::default(), caller, EVENTS, stolen).await
    else {
        panic!("another caller's cursor is taken")
    };
    assert_eq!(value(&refused)["errors"][0]["extensions"]["code"], "CURSOR_INVALID");
}

#[tokio::test]
async fn caller_without_the_scope_hears_nothing() {
    let log = Log::default();
    let scopes = Scope::ALL.into_iter().filter(|scope| *scope != Scope::EventsRead).collect();
    let caller = Caller { scopes, ..Caller::unrestricted("dashboard") };
    let Opened::Once(refused) = opened(&log, graphql::Settings::default(), caller, EVENTS, Value::Null).await
    else {
        panic!("opened")
    };
    let refused = value(&refused);
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("events:read"), "{refused}");
    assert_eq!(log.listeners(), 0);
}

#[tokio::test]
async fn where_trusted_documents_run_alone_they_alone_can_be_followed() {
    let documents = DocumentSettings { only_trusted: true, ..DocumentSettings::default() };
    let settings = graphql::Settings { documents, ..graphql::Settings::default() };
    for query in [EVENTS, "{ viewer { name } }"] {
        let opened = opened(&Log::default(), settings.clone(), Caller::anonymous(), query, Value::Null).await;
        let Opened::Once(refused) = opened else { panic!("{query}") };
        assert!(refused.refusal().is_some(), "{refused:?}");
        assert_eq!(refused.status(), 403, "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn subscription_lives_longer_than_a_request_may_take() {
    let log = Log::default();
    let mut answers = follow(&log, Caller::anonymous(), Value::Null).await;
    for name in ["a", "b"] {
        tokio::time::advance(Duration::from_secs(3_000)).await;
        log.publish(lead_of("site", name));
        assert_eq!(next(&mut answers).unwrap()["lead"]["name"], name, "each event has its own deadline");
    }
}

#[tokio::test]
async fn subscriber_that_is_too_slow_is_told_and_may_come_back() {
    let log = Log::new(events::Settings { max_waiting: 3, ..events::Settings::default() });
    let mut answers = follow(&log, Caller::anonymous(), Value::Null).await;
    log.publish(lead_of("site", "a"));
    let first = next(&mut answers).unwrap();
    (0..4).for_each(|number| log.publish(lead_of("site", &format!("b{number}"))));
    let told = answers.next().await.unwrap();
    assert_eq!(told.refusal(), Some("SUBSCRIBER_TOO_SLOW"));
    assert!(answers.next().await.is_none(), "that was the last");
    drop(answers);
    assert_eq!(log.listeners(), 0);
    let mut again = follow(&log, Caller::anonymous(), json!({ "after": first["cursor"] })).await;
    let names: Vec<_> =
        std::iter::from_fn(|| next(&mut again)).map(|event| event["lead"]["name"].clone()).collect();
    assert_eq!(names, ["b0", "b1", "b2", "b3"]);
}

#[tokio::test]
async fn dropped_subscription_listens_no_more() {
    let log = Log::default();
    let answers = follow(&log, Caller::anonymous(), Value::Null).await;
    assert_eq!(log.listeners(), 1);
    drop(answers);
    assert_eq!(log.listeners(), 0);
}
