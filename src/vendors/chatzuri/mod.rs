//! Chatzuri: chatbots on websites and messaging channels.
//!
//! One account is one key, and a key opens every agent of its team; each agent is a source of its own, named
//! `<account>/<agent>`. The agents stand in the settings or are found at the vendor (`agents.rs`). An adapter answers one
//! raw vendor page: day windows, which make the vendor's offsets stable, are read in `gather/`. What is known of the
//! vendor, and how surely, stands in README.md by number.

mod agent;
mod agents;
mod conversations;
mod dialect;
mod leads;
mod normalize;
mod request;
#[cfg(feature = "simulator")]
#[expect(clippy::indexing_slicing, reason = "a vendor that is made up looks into what it made itself")]
mod simulator;
#[cfg(test)]
mod tests;
mod webhook;
mod wire;

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;

use self::agent::Agent;
use self::agents::Agents;
use self::dialect::Bearer;
use self::request::Team;
use self::webhook::Hook;
use super::{Account, Entry, Problem, Setup, kit};
use crate::model::id::{SourceId, Vendor};
use crate::source::{DynDiscovery, Source, Webhook};
use crate::upstream::client::Client;
use crate::upstream::policy::Policy;

/// What the rest of the program must know of Chatzuri.
pub(super) const ENTRY: Entry = Entry {
    name: "chatzuri",
    vendor: Vendor::Chatzuri,
    // CHATZURI-1: with `www`, since the other host may redirect and redirects are never followed.
    base_url: "https://www.chatzuri.com/api/v1",
    policy,
    open,
    leads_page: leads::any_page,
    #[cfg(feature = "simulator")]
    simulate: |stage| Arc::new(simulator::Office::new(stage)),
};

/// CHATZURI-22: the vendor publishes no limit, so a team is asked twice a second at most, two calls at a time. The first
/// page of one agent takes about three calls (a day window, the page that proves its end, sometimes a wider window), so a
/// burst of four lets it go out at once with one retry to spare, and the 3 s that a source may take hold ten calls in all:
/// the first pages of three agents.
fn policy() -> Policy {
    Policy { quota: 120, burst: 4, concurrency: 2, ..Policy::default() }
}

/// What can be set about an account.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// The ids of the agents to read. Absent: all agents that the vendor names for the key.
    agents: Option<Vec<String>>,
    /// Call the agent `chatbotId` in requests, as the vendor's older pages do. Off.
    legacy_param_names: bool,
}

fn open(setup: Setup) -> Result<Account, Vec<Problem>> {
    let mut problems = Vec::new();
    let settings: Settings = kit::settings(&setup.settings).unwrap_or_else(|found| {
        problems = found;
        Settings::default()
    });
    if let Some(agents) = &settings.agents {
        problems.extend(wrong_agents(&setup.name, agents));
    }
    let client = client(&setup).map_err(|problem| problems.push(problem)).ok();
    let hook = setup.webhook.map(|webhook| Hook::new(&setup.name, webhook)).transpose();
    let hook = hook.map_err(|found| problems.extend(found)).ok().flatten();
    let Some(client) = client.filter(|_| problems.is_empty()) else { return Err(problems) };
    let team = Team::new(setup.name.clone(), client.clone(), settings.legacy_param_names, hook.is_some());
    let team = Arc::new(team);
    // CHATZURI-8: how agents are listed is the least known of all, so an explicit list always wins.
    let (sources, discovery) = match settings.agents {
        Some(agents) => (agents.iter().filter_map(|agent| Agent::source(&team, agent)).collect(), None),
        None => {
            let agents = Arc::new(Agents::new(team));
            let stand_in: Arc<dyn Source> = Arc::clone(&agents) as _;
            (vec![stand_in], Some(agents as Arc<dyn DynDiscovery>))
        }
    };
    let webhook = hook.map(|hook| Arc::new(hook) as Arc<dyn Webhook>);
    Ok(Account { name: setup.name, sources, discovery, client: Some(client), webhook })
}

fn client(setup: &Setup) -> Result<Client, Problem> {
    let bearer = Bearer::new(&setup.key).ok_or_else(|| Problem {
        path: vec!["api_key_env".to_owned()],
        what: "the key is empty or has characters that no key has".to_owned(),
        hint: "copy it again from the team's settings".to_owned(),
    })?;
    let client = Client::new(setup.name.as_str(), &setup.base_url, bearer, setup.policy.clone());
    client.map_err(|error| Problem {
        path: vec!["base_url".to_owned()],
        what: format!("no client can be made for it: {:?}", error.kind),
        hint: "use https, or http on loopback".to_owned(),
    })
}

/// What is wrong with a list of agents. Entries are told by number: a key pasted into the wrong place stays unseen.
fn wrong_agents(account: &SourceId, agents: &[String]) -> Vec<Problem> {
    let problem = |what: String, hint: &str| Problem {
        path: vec!["settings".to_owned(), "agents".to_owned()],
        what,
        hint: hint.to_owned(),
    };
    if agents.is_empty() {
        let hint = "name at least one, or leave `agents` out to read all agents of the key";
        return vec![problem("it names no agent".to_owned(), hint)];
    }
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    for (number, agent) in (1..).zip(agents) {
        if agents::source_name(account, agent).is_none() {
            let hint = "use the agent's id as the vendor shows it, not its name";
            problems.push(problem(format!("entry {number} cannot be part of a source's name"), hint));
        } else if !seen.insert(agent) {
            problems.push(problem(format!("entry {number} is there twice"), "name each agent once"));
        }
    }
    problems
}
