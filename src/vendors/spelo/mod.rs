//! Spelo: voice agents on websites. One key opens one site, which is one source.
//!
//! Reads leads, conversations and links to recordings, and changes a lead's status and note; a site's interactions are its conversations, derived in `gather/`.
//! What is known of the vendor, and how well, stands in the ledger (`README.md`); code cites it by number.

mod calls;
mod conversations;
mod dialect;
mod leads;
mod normalize;
#[cfg(feature = "simulator")]
#[expect(clippy::indexing_slicing, reason = "a vendor that is made up looks into what it made itself")]
mod simulator;
#[cfg(test)]
mod tests;
mod webhook;
mod wire;
mod writes;

use std::sync::Arc;

use serde::Deserialize;

use self::dialect::SiteKey;
use self::webhook::Hook;
use super::{Account, Entry, Problem, Setup, kit};
use crate::model::conversation::Conversation;
use crate::model::id::{SourceId, Vendor};
use crate::model::lead::Lead;
use crate::model::source::{Health, Quota};
use crate::model::write::LeadUpdate;
use crate::source::{DynList, DynRead, DynRecordings, DynWrite, Source, Webhook};
use crate::upstream::client::Client;
use crate::upstream::policy::Policy;

/// What the rest of the program must know of Spelo.
pub(super) const ENTRY: Entry = Entry {
    name: "spelo",
    vendor: Vendor::Spelo,
    base_url: "https://api.spelo.ai",
    policy,
    open,
    leads_page: leads::first_page,
    #[cfg(feature = "simulator")]
    simulate: simulator::simulate,
};

/// The vendor gives a site 60 calls a minute and shares them among all that the customer runs (SPELO-14), so a quarter is
/// left to the others. Ten at once answer one dashboard; together with a minute at full pace they stay below 60.
fn policy() -> Policy {
    Policy { quota: 45, burst: 10, ..Policy::default() }
}

/// Spelo has no settings of its own: its key says which site it opens (SPELO-1).
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {}

fn open(setup: Setup) -> Result<Account, Vec<Problem>> {
    let mut problems = kit::settings::<Settings>(&setup.settings).err().unwrap_or_default();
    let key = SiteKey::new(&setup.key).map_err(|problem| problems.push(problem)).ok();
    let client = key.and_then(|key| {
        Client::new(setup.name.as_str(), &setup.base_url, key, setup.policy)
            .map_err(|error| problems.push(unusable(&error)))
            .ok()
    });
    let hook = setup.webhook.map(|webhook| Hook::new(&setup.name, webhook)).transpose();
    let hook = hook.map_err(|found| problems.extend(found)).ok().flatten();
    match client {
        Some(client) if problems.is_empty() => {
            let source = Spelo { id: setup.name.clone(), client: client.clone(), webhooks: hook.is_some() };
            Ok(Account {
                name: setup.name,
                sources: vec![Arc::new(source)],
                discovery: None,
                client: Some(client),
                webhook: hook.map(|hook| Arc::new(hook) as Arc<dyn Webhook>),
            })
        }
        _ => Err(problems),
    }
}

fn unusable(error: &crate::upstream::failure::UpstreamError) -> Problem {
    Problem {
        path: vec!["base_url".to_owned()],
        what: format!("no client can be made for this address ({:?})", error.kind),
        hint: "an https address, or http on loopback; the system must have CA certificates".to_owned(),
    }
}

/// One site.
struct Spelo {
    id: SourceId,
    client: Client,
    webhooks: bool,
}

impl Source for Spelo {
    fn id(&self) -> &SourceId {
        &self.id
    }
    fn vendor(&self) -> Vendor {
        Vendor::Spelo
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
    fn conversations(&self) -> Option<&dyn DynList<Conversation>> {
        Some(self)
    }
    fn conversation_by_id(&self) -> Option<&dyn DynRead<Conversation>> {
        Some(self)
    }
    fn recordings(&self) -> Option<&dyn DynRecordings> {
        Some(self)
    }
    fn lead_update(&self) -> Option<&dyn DynWrite<LeadUpdate>> {
        Some(self)
    }
    fn webhooks(&self) -> bool {
        self.webhooks
    }
}
