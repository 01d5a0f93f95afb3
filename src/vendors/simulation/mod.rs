//! Simulated vendors: real HTTP servers on loopback that tell one world in three vendors' words.
//!
//! Used by `leadgraph demo`, by `leadgraph simulate` and by the tests. Each vendor's own words live in its folder
//! (`simulator.rs`); here is what they share: the world, the faults that can be dialled at run time, the call ledger.

pub mod control;
pub mod faults;
pub mod ledger;
mod server;
pub(super) mod webhooks;
pub mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

pub use self::faults::{Fault, Faults, Rule};
pub use self::ledger::{Entry as LedgerEntry, Ledger};
pub use self::server::Simulator;
pub use self::webhooks::{Delivery, WebhookOrder};
pub use self::world::{Person, World, WorldSpec};

/// What a vendor's simulator is given to play on.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The one world that all vendors tell.
    pub world: Arc<World>,
    /// The vendor's switches, by name; read at each request.
    pub switches: Switches,
}

/// A vendor's simulator, without the server around it.
pub trait Simulated: Send + Sync {
    /// The vendor's endpoints. Faults and ledger are added around them.
    fn router(&self) -> axum::Router;
    /// A key that the vendor accepts.
    fn key(&self) -> String;
    /// The vendor's own settings with which an account reads everything there is.
    fn settings(&self) -> toml::Table;
    /// The leads there are now, as (native id, creation), in no order.
    fn leads(&self) -> Vec<(String, Timestamp)>;
    /// Adds a lead created at `at`; answers its native id.
    fn add_lead(&self, at: Timestamp) -> String;
    /// Deletes a lead; answers whether there was one.
    fn delete_lead(&self, id: &str) -> bool;
    /// The switches it understands, each with a sentence.
    fn switches(&self) -> &'static [(&'static str, &'static str)];
    /// What a webhook's account must set to understand all that is sent, in its `[sources.webhook]`.
    fn webhook_settings(&self) -> toml::Table {
        toml::Table::new()
    }
    /// Its word for what it tells of a lead first.
    fn webhook_event(&self) -> &'static str;
    /// What it sends to a webhook: one delivery for each of the order's leads, in their order.
    ///
    /// # Errors
    /// A sentence, if it knows no such event, variant or lead.
    fn webhook(&self, order: &WebhookOrder) -> Result<Vec<Delivery>, String>;
}

/// Named switches, changed at run time.
#[derive(Clone, Debug, Default)]
pub struct Switches(Arc<Mutex<BTreeMap<String, String>>>);

impl Switches {
    /// Sets a switch. The empty text turns it off.
    pub fn set(&self, name: &str, value: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if value.is_empty() {
            all.remove(name);
        } else {
            all.insert(name.to_owned(), value.to_owned());
        }
    }

    /// A switch's value, if it is on.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Whether a switch is on.
    #[must_use]
    pub fn on(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}
