//! How agents are found where the settings do not name them.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::bench::{Tested, all, calls, cx, leads_failure, open, setup, team};
use crate::model::conversation::Conversation;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::lead::Lead;
use crate::secret::Secret;
use crate::source::{ConversationQuery, LeadQuery, Source};
use crate::vendors::Account;
use crate::vendors::chatzuri::ENTRY;
use crate::vendors::simulation::{Fault, Rule};

async fn discover(account: &Account) -> Result<Vec<Arc<dyn Source>>, SourceError> {
    account.discovery.as_ref().unwrap().discover_dyn(&cx()).await
}

fn names(sources: &[Arc<dyn Source>]) -> Vec<&str> {
    sources.iter().map(|source| source.id().as_str()).collect()
}

#[tokio::test]
async fn stand_in_bears_the_accounts_name_and_is_unreachable_until_tried() {
    let vendor = team(3).await;
    let account = open(&vendor, "");
    assert_eq!(names(&account.sources), ["acme"]);
    let stand_in = &*account.sources[0];
    assert_eq!(leads_failure(stand_in).await, SourceErrorKind::Unreachable);
    let talks = Conversation::page_of(stand_in, &ConversationQuery::default(), None).await;
    assert_eq!(talks.unwrap_err().op, "conversations.list");
    assert_eq!(vendor.ledger.count(), 0);
}

#[tokio::test]
async fn stand_in_fails_as_the_last_search_failed() {
    let vendor = team(3).await;
    let account = open(&vendor, "");
    vendor.faults.set([Rule::always(Fault::Status { status: 429, retry_after: Some("7".to_owned()) })]);
    let failed = discover(&account).await.err().unwrap();
    assert_eq!((failed.kind, failed.source.as_str()), (SourceErrorKind::RateLimited, "acme"));
    assert_eq!(leads_failure(&*account.sources[0]).await, SourceErrorKind::RateLimited);
    let again = Lead::page_of(&*account.sources[0], &LeadQuery::default(), None).await.unwrap_err();
    assert_eq!(again.retry_after, failed.retry_after);
    assert_eq!(calls(&vendor), ["GET get-agents 429"], "no other endpoint is tried for such a failure");
}

#[tokio::test]
async fn refused_key_is_told_as_such() {
    let vendor = team(3).await;
    let mut wrong = setup(&vendor, "");
    wrong.key = Secret::new("not-the-key");
    let account = (ENTRY.open)(wrong).ok().unwrap();
    assert_eq!(discover(&account).await.err().unwrap().kind, SourceErrorKind::Unauthorized);
    assert_eq!(leads_failure(&*account.sources[0]).await, SourceErrorKind::Unauthorized);
}

#[tokio::test]
async fn agents_are_found_at_get_agents() {
    let vendor = team(3).await;
    let found = discover(&open(&vendor, "")).await.unwrap();
    assert_eq!(names(&found), ["acme/agt_1", "acme/agt_2"]);
    assert_eq!(calls(&vendor), ["GET get-agents 200"]);
    for agent in &found {
        assert_eq!(all::<Lead>(&**agent, &LeadQuery::default(), 10).await.len(), 3);
    }
}

#[tokio::test]
async fn agents_are_found_at_get_chatbots_where_get_agents_is_missing() {
    let vendor = team(3).await;
    vendor.switches.set("no_agents_endpoint", "on");
    let found = discover(&open(&vendor, "")).await.unwrap();
    assert_eq!(names(&found), ["acme/agt_1", "acme/agt_2"]);
    assert_eq!(calls(&vendor), ["GET get-agents 404", "GET get-chatbots 200"]);
}

#[tokio::test]
async fn agents_are_found_by_post_where_get_is_refused() {
    let vendor = team(3).await;
    vendor.switches.set("post_only", "on");
    let account = open(&vendor, "");
    let found = discover(&account).await.unwrap();
    assert_eq!(names(&found), ["acme/agt_1", "acme/agt_2"]);
    assert_eq!(calls(&vendor), ["GET get-agents 405", "GET get-chatbots 405", "POST get-chatbots 200"]);

    // The next search remembers how; the agents that were found share what they learn.
    vendor.ledger.clear();
    let found = discover(&account).await.unwrap();
    assert_eq!(calls(&vendor), ["GET get-agents 405", "POST get-chatbots 200"]);
    vendor.ledger.clear();
    for agent in &found {
        Lead::page_of(&**agent, &LeadQuery::default(), None).await.unwrap();
    }
    assert_eq!(calls(&vendor), ["GET get-leads 405", "POST get-leads 202", "POST get-leads 202"]);
}

/// A vendor that lists these agents, and an account on it.
async fn listing(agents: Value) -> (Account, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router =
        Router::new().route("/get-agents", get(move || async move { Json(json!({"data": agents})) }));
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let vendor = team(0).await;
    let mut setup = setup(&vendor, "");
    setup.base_url = format!("http://{address}").parse().unwrap();
    ((ENTRY.open)(setup).ok().unwrap(), task)
}

#[tokio::test]
async fn agents_whose_ids_make_no_name_are_left_out() {
    let rows =
        json!([{"id": "agt 1"}, {"id": 7}, {"agent_id": "agt_2"}, {"chatbot_id": "agt_2"}, {"name": "x"}]);
    let (account, task) = listing(rows).await;
    assert_eq!(names(&discover(&account).await.unwrap()), ["acme/7", "acme/agt_2"]);
    task.abort();
}

#[tokio::test]
async fn team_without_agents_is_no_failure_but_agents_without_ids_are() {
    let (account, task) = listing(json!([])).await;
    assert!(discover(&account).await.unwrap().is_empty());
    task.abort();
    let (account, task) = listing(json!([{"name": "x"}])).await;
    assert_eq!(discover(&account).await.err().unwrap().kind, SourceErrorKind::Protocol);
    task.abort();
}
