//! What can be configured, and what is said about a configuration that cannot be.

use std::time::Duration;

use super::bench::{Tested, agents, all, calls, leads_failure, open, problems, serve, setup, spec, team};
use crate::model::failure::SourceErrorKind;
use crate::model::id::{SourceId, Vendor};
use crate::model::lead::Lead;
use crate::model::source::SourceState;
use crate::secret::Secret;
use crate::source::LeadQuery;
use crate::vendors::chatzuri::ENTRY;
use crate::vendors::simulation::{Fault, Rule};

#[tokio::test]
async fn each_named_agent_is_a_source() {
    let vendor = team(3).await;
    let account = open(&vendor, "agents = [\"agt_2\", \"agt_1\"]");
    let names: Vec<&str> = account.sources.iter().map(|source| source.id().as_str()).collect();
    assert_eq!(names, ["acme/agt_2", "acme/agt_1"]);
    assert!(account.sources.iter().all(|source| source.vendor() == Vendor::Chatzuri));
    assert!(account.discovery.is_none());
    assert_eq!(vendor.ledger.count(), 0, "opening makes no call");
}

#[tokio::test]
async fn two_keys_of_one_team_are_two_accounts() {
    // CHATZURI-3: a team may have many keys.
    let vendor = serve(spec(3, 5, 1)).await;
    let mut second = setup(&vendor, "agents = [\"agt_1\"]");
    second.name = SourceId::new("other").unwrap();
    let second = (ENTRY.open)(second).ok().unwrap().sources.remove(0);
    let first = open(&vendor, "agents = [\"agt_1\"]").sources.remove(0);
    let of = all::<Lead>(&*first, &LeadQuery::default(), 10).await;
    let same = all::<Lead>(&*second, &LeadQuery::default(), 10).await;
    assert_eq!((of.len(), same.len()), (3, 3));
    assert!(of.iter().zip(&same).all(|(a, b)| a.key.native == b.key.native && a.key != b.key));
}

#[tokio::test]
async fn an_agent_that_is_refused_costs_the_others_of_its_team_nothing() {
    let vendor = team(3).await;
    let sources = agents(&vendor);
    let refused = Fault::Status { status: 403, retry_after: None };
    vendor.faults.set([Rule::always(refused).times(1)]);
    assert_eq!(leads_failure(&*sources[0]).await, SourceErrorKind::Unauthorized);
    assert!(Lead::page_of(&*sources[1], &LeadQuery::default(), None).await.is_ok());
    let again = Lead::page_of(&*sources[0], &LeadQuery::default(), None).await.unwrap_err();
    assert_eq!(again.kind, SourceErrorKind::Unauthorized);
    assert!(again.retry_after.unwrap() > Duration::from_secs(50));
    assert_eq!(calls(&vendor), ["GET get-leads 403", "GET get-leads 202"], "the refused one is left alone");
    let states = [0, 1].map(|agent| sources[agent].health().state);
    assert_eq!(states, [SourceState::Unauthorized, SourceState::Up]);
    let health = sources[0].health();
    assert!(health.retry_at > Some(health.since), "it says when it will be asked again");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(sources[0].health().state, SourceState::Up);
}

#[tokio::test]
async fn every_problem_is_told_at_once() {
    let vendor = team(3).await;
    let settings = "agents = [\"agt_1\", \"a b\", \"agt_1\", \"\"]\n";
    let mut bad = setup(&vendor, settings);
    bad.key = Secret::new(" ");
    let found = problems(bad);
    let told: Vec<(String, &str)> =
        found.iter().map(|problem| (problem.path.join("."), &*problem.what)).collect();
    assert_eq!(
        told,
        [
            ("settings.agents".to_owned(), "entry 2 cannot be part of a source's name"),
            ("settings.agents".to_owned(), "entry 3 is there twice"),
            ("settings.agents".to_owned(), "entry 4 cannot be part of a source's name"),
            ("api_key_env".to_owned(), "the key is empty or has characters that no key has"),
        ]
    );
}

#[tokio::test]
async fn settings_that_mean_nothing_are_refused() {
    let vendor = team(3).await;
    let paths = |settings: &str| -> Vec<String> {
        problems(setup(&vendor, settings)).iter().map(|problem| problem.path.join(".")).collect()
    };
    assert_eq!(paths("agents = []"), ["settings.agents"]);
    assert_eq!(paths("agents = \"agt_1\""), ["settings.agents"]);
    assert_eq!(
        paths("agent = \"agt_1\"\nlegacy_param_names = 1"),
        ["settings.agent", "settings.legacy_param_names"]
    );

    let mut insecure = setup(&vendor, "");
    insecure.key = Secret::new("two\nlines");
    assert_eq!(problems(insecure)[0].path, ["api_key_env"]);
}

#[test]
fn account_is_treated_gently_by_default() {
    let policy = (ENTRY.policy)();
    assert_eq!((policy.quota, policy.quota_window.as_secs()), (120, 60));
    assert_eq!((policy.burst, policy.concurrency), (4, 2));
    assert_eq!(ENTRY.base_url, "https://www.chatzuri.com/api/v1");
}
