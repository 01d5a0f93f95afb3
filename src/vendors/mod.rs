//! The vendors leadgraph can read: what each of them has to say, in its own folder, behind one [`Entry`].
//!
//! Only the composition root imports this room. A vendor's folder is private: nothing outside can name what is in it.
//! Adding a vendor is two neighbouring lines here (its `mod` and its place in [`ALL`]) and one member of `Vendor`.

mod chatzuri;
mod days;
mod kit;
mod leadsail;
mod lenient;
mod moment;
mod reader;
mod signature;
#[cfg(feature = "simulator")]
#[expect(clippy::indexing_slicing, reason = "a world that is made up looks into what it made itself")]
pub mod simulation;
mod spelo;
mod unread;

use std::sync::Arc;

use url::Url;

use crate::model::failure::SourceError;
use crate::model::id::{SourceId, Vendor};
use crate::model::lead::Lead;
use crate::model::page::Page;
use crate::secret::Secret;
use crate::source::{DynDiscovery, Source, Webhook};
use crate::upstream::client::Client;
use crate::upstream::policy::Policy;

/// All vendors, in the order of their names.
pub const ALL: &[&Entry] = &[&chatzuri::ENTRY, &leadsail::ENTRY, &spelo::ENTRY];

/// What the rest of the program must know of a vendor to offer it.
#[expect(missing_debug_implementations, reason = "holds functions")]
pub struct Entry {
    /// Its name in the configuration: lower case.
    pub name: &'static str,
    /// Its member of the enum.
    pub vendor: Vendor,
    /// Where its API lives, without a trailing slash. `base_url` in the configuration overrides it.
    pub base_url: &'static str,
    /// How its accounts are treated if nothing is configured.
    pub policy: fn() -> Policy,
    /// Opens an account. Makes no call.
    pub open: fn(Setup) -> Result<Account, Vec<Problem>>,
    /// What a page of leads says, from its bytes as they are sent, read as a source of an account reads it.
    pub leads_page: fn(&SourceId, &[u8]) -> Result<Page<Lead>, SourceError>,
    /// Its simulator.
    #[cfg(feature = "simulator")]
    pub simulate: fn(simulation::Stage) -> Arc<dyn simulation::Simulated>,
}

/// What is configured about one account.
#[expect(missing_debug_implementations, reason = "holds the key")]
pub struct Setup {
    /// Its name.
    pub name: SourceId,
    /// Where its API lives.
    pub base_url: Url,
    /// Its key.
    pub key: Secret,
    /// How it is treated.
    pub policy: Policy,
    /// The vendor's own settings, not yet read.
    pub settings: toml::Table,
    /// Its webhook, if it takes one.
    pub webhook: Option<WebhookSetup>,
}

/// What is configured about an account's webhook.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct WebhookSetup {
    /// What both sides know: one secret, or two while it is replaced.
    pub secrets: Vec<Secret>,
    /// The vendor's own settings about it, not yet read.
    pub settings: toml::Table,
}

/// An account, opened.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "holds trait objects")]
pub struct Account {
    /// Its name.
    pub name: SourceId,
    /// Its sources as far as the configuration names them.
    pub sources: Vec<Arc<dyn Source>>,
    /// Finds its sources at the vendor, where they are not configured. Until it has succeeded once, `sources` holds a
    /// stand-in that reports the failure.
    pub discovery: Option<Arc<dyn DynDiscovery>>,
    /// Its way to its vendor, which knows how the account stands there.
    pub client: Option<Client>,
    /// Reads what its webhook gets, if it takes one.
    pub webhook: Option<Arc<dyn Webhook>>,
}

/// Something wrong with an account's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: keys below the account's table, such as `["settings", "agents"]` or `["base_url"]`.
    pub path: Vec<String>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}
