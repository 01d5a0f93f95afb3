//! Opening an account: what is wrong with it is said at once, and nothing is called.

use super::*;

fn problems(base_url: &str, key: &str, settings: &str) -> Vec<String> {
    match open(base_url, key, settings) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(|problem| problem.path.join(".")).collect(),
    }
}

#[test]
fn every_problem_is_told_at_once() {
    let settings = "campaigns = ['U4D', 'HXZ,QK7P2']\noffers = ['']\ndate_filter = 'updated'\nagents = []";
    let mut told = problems(ENTRY.base_url, "key\nkey", settings);
    told.sort();
    assert_eq!(told, ["api_key_env", "settings.agents", "settings.date_filter"]);
    let told = problems(ENTRY.base_url, "key", "campaigns = ['U4D', 'HXZ,QK7P2']\noffers = ['']");
    assert_eq!(told, ["settings.campaigns", "settings.offers"]);
}

#[test]
fn a_sound_account_opens_without_a_call() {
    let account = open(ENTRY.base_url, "vf_key", "date_filter = 'created'\nclients = ['cl_9']").ok().unwrap();
    let source = &account.sources[0];
    assert_eq!(account.sources.len(), 1);
    assert!(account.discovery.is_none());
    assert!(source.conversations().is_none() && source.conversation_by_id().is_none(), "LEADSAIL-31");
    assert!(source.histories().is_some() && source.recordings().is_some());
}

#[test]
fn a_page_of_fifty_with_interactions_fits_the_burst() {
    let policy = (ENTRY.policy)();
    assert!(policy.burst > 50 && policy.queue + policy.concurrency > 50, "51 calls may go at once");
    assert_eq!(policy.quota, 300);
}
