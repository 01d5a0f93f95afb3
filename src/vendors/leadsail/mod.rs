//! LeadSail: lead routing with AI calls and text messages. One account is one tenant and one source.
//!
//! It lists leads, reads and changes them, and tells the interactions of one lead; it has no list of all interactions, so it
//! lists no conversations (LEADSAIL-31). What we know of it, and what we only believe, stands numbered in `README.md`.

mod dialect;
mod interactions;
mod leads;
mod normalize;
mod redact;
#[cfg(feature = "simulator")]
#[expect(clippy::indexing_slicing, reason = "a vendor that is made up looks into what it made itself")]
mod simulator;
#[cfg(test)]
#[cfg(feature = "simulator")]
mod tests;
mod text;
mod webhook;
mod wire;
mod writes;

use std::sync::Arc;

use serde::Deserialize;

use self::dialect::Signed;
use self::webhook::Hook;
use super::{Account, Entry, Problem, Setup, kit};
use crate::model::id::{SourceId, Vendor};
use crate::model::interaction::Interaction;
use crate::model::lead::Lead;
use crate::model::source::{Health, Quota};
use crate::model::write::{LeadReview, LeadUpdate};
use crate::source::{DynHistories, DynList, DynRead, DynRecordings, DynWrite, Source, Webhook};
use crate::upstream::client::Client;
use crate::upstream::policy::Policy;

/// What the rest of the program must know of LeadSail.
pub(super) const ENTRY: Entry = Entry {
    name: "leadsail",
    vendor: Vendor::LeadSail,
    // The documentation lives on a host named "dev" and under another brand; the address is configurable (LEADSAIL-29).
    base_url: "https://api.leadsail.app/api/v1",
    policy,
    open,
    leads_page: leads::first_page,
    #[cfg(feature = "simulator")]
    simulate: |stage| Arc::new(simulator::Tenant::new(stage)),
};

/// Nobody knows LeadSail's limits, so the pace is a polite 5 a second, 4 at a time. The burst lets one page of 50 leads with
/// their interactions (51 calls, since no call answers for many leads) go at once instead of in ten seconds (LEADSAIL-28).
fn policy() -> Policy {
    Policy { concurrency: 4, burst: 60, ..Policy::default() }
}

/// LeadSail's own settings. All default to reading everything the key can see.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// What `startDate` and `endDate` are believed to go by.
    date_filter: DateFilter,
    /// Only leads of these campaigns.
    campaigns: Vec<String>,
    /// Only leads of these clients (buyers).
    clients: Vec<String>,
    /// Only leads of these offers.
    offers: Vec<String>,
}

/// What LeadSail's date filter goes by. Unless someone has tried it, it is unknown and not used: a filter by another time
/// than the creation would lose leads without a word (LEADSAIL-11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DateFilter {
    /// Nobody knows: it is not used.
    #[default]
    Unknown,
    /// The creation.
    Created,
}

/// One tenant of LeadSail.
struct LeadSail {
    id: SourceId,
    client: Client,
    dates: DateFilter,
    /// Parameters of every list call.
    scope: Vec<(&'static str, String)>,
    webhooks: bool,
}

fn open(setup: Setup) -> Result<Account, Vec<Problem>> {
    let mut problems = Vec::new();
    let settings: Settings = kit::settings(&setup.settings).unwrap_or_else(|bad| {
        problems.extend(bad);
        Settings::default()
    });
    let mut scope = Vec::new();
    for (setting, parameter, ids) in [
        ("campaigns", "campaignIds", &settings.campaigns),
        ("clients", "clientIds", &settings.clients),
        ("offers", "offerIds", &settings.offers),
    ] {
        problems.extend(ids.iter().filter(|id| !listable(id)).map(|id| Problem {
            path: vec!["settings".to_owned(), setting.to_owned()],
            what: format!("{id:?} cannot be an id at LeadSail"),
            hint: "write each id as an element of its own, without commas and spaces".to_owned(),
        }));
        if !ids.is_empty() {
            scope.push((parameter, ids.join(",")));
        }
    }
    let signed = Signed::new(setup.key.expose());
    if signed.is_none() {
        problems.push(Problem {
            path: vec!["api_key_env".to_owned()],
            what: "the key is empty or has characters that a header may not have".to_owned(),
            hint: "copy the key anew from LeadSail's settings page".to_owned(),
        });
    }
    let client = signed.map(|signed| Client::new(setup.name.as_str(), &setup.base_url, signed, setup.policy));
    let hook = setup.webhook.map(|webhook| Hook::new(&setup.name, webhook)).transpose();
    let hook = hook.map_err(|found| problems.extend(found)).ok().flatten();
    match client {
        Some(Ok(client)) if problems.is_empty() => {
            let way = client.clone();
            let (id, dates, webhooks) = (setup.name.clone(), settings.date_filter, hook.is_some());
            Ok(Account {
                name: setup.name,
                sources: vec![Arc::new(LeadSail { id, client, dates, scope, webhooks })],
                discovery: None,
                client: Some(way),
                webhook: hook.map(|hook| Arc::new(hook) as Arc<dyn Webhook>),
            })
        }
        Some(Err(error)) => {
            problems.push(Problem {
                path: vec!["base_url".to_owned()],
                what: format!("no client can be made for this address: {:?}", error.kind),
                hint: "use https, or http on loopback".to_owned(),
            });
            Err(problems)
        }
        _ => Err(problems),
    }
}

/// Whether an id can stand in a comma-separated list. Campaign ids come in three formats, so nothing more is asked of
/// them (LEADSAIL-15).
fn listable(id: &str) -> bool {
    (1..=128).contains(&id.len()) && !id.chars().any(|c| c == ',' || c.is_whitespace() || c.is_control())
}

impl Source for LeadSail {
    fn id(&self) -> &SourceId {
        &self.id
    }
    fn vendor(&self) -> Vendor {
        Vendor::LeadSail
    }
    fn health(&self) -> Health {
        kit::health(&self.client)
    }
    fn quota(&self) -> Quota {
        kit::quota(&self.client)
    }
    fn side_by_side(&self) -> usize {
        self.client.side_by_side()
    }
    fn leads(&self) -> Option<&dyn DynList<Lead>> {
        Some(self)
    }
    fn lead_by_id(&self) -> Option<&dyn DynRead<Lead>> {
        Some(self)
    }
    fn interaction_by_id(&self) -> Option<&dyn DynRead<Interaction>> {
        Some(self)
    }
    fn histories(&self) -> Option<&dyn DynHistories> {
        Some(self)
    }
    fn recordings(&self) -> Option<&dyn DynRecordings> {
        Some(self)
    }
    fn lead_update(&self) -> Option<&dyn DynWrite<LeadUpdate>> {
        Some(self)
    }
    fn lead_review(&self) -> Option<&dyn DynWrite<LeadReview>> {
        Some(self)
    }
    fn webhooks(&self) -> bool {
        self.webhooks
    }
}
