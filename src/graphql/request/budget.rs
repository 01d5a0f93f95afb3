//! What an operation costs its caller, out of what the caller may spend in a second.
//!
//! Paid before anything runs, as it is reckoned: its nodes, and [`CALL`] for each upstream call. Calls that it did not take
//! after all, since what they would have read was held, are given back as it ends.

use std::sync::Arc;
use std::time::Duration;

use super::Refusal;
use crate::graphql::error::{COST_RATE_EXCEEDED, millis};
use crate::model::caller::Caller;
use crate::model::cx::Cx;

/// What an upstream call costs, in nodes: vendors allow few of them.
const CALL: u32 = 100;

/// What callers may spend.
pub trait Budget: Send + Sync {
    /// Takes what an operation is reckoned at. Where there is anything left for the caller, there is enough.
    ///
    /// # Errors
    /// How long the caller must wait until there is.
    fn take(&self, caller: &Caller, cost: u32) -> Result<(), Duration>;

    /// Gives back what was taken and not needed.
    fn give_back(&self, caller: &Caller, cost: u32);
}

/// Where callers may spend what they like.
#[derive(Clone, Copy, Debug)]
pub(in crate::graphql) struct Unlimited;

impl Budget for Unlimited {
    fn take(&self, _: &Caller, _: u32) -> Result<(), Duration> {
        Ok(())
    }

    fn give_back(&self, _: &Caller, _: u32) {}
}

/// The budget of a schema.
pub(in crate::graphql) type Purse = Arc<dyn Budget>;

/// What an operation is reckoned at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reckoned {
    pub(super) nodes: u32,
    pub(super) calls: u32,
}

impl Reckoned {
    fn cost(self) -> u32 {
        self.nodes.saturating_add(self.calls.saturating_mul(CALL))
    }

    /// Pays for an operation that is about to run.
    pub(super) fn pay(self, purse: &Purse, caller: &Caller) -> Result<(), Refusal> {
        purse.take(caller, self.cost()).map_err(|wait| {
            let message = "This caller has asked for more than it may in a second, by what its operations cost. Nothing was \
                           read. Ask again in a while, or for less at once.";
            Refusal::new(COST_RATE_EXCEEDED, message, None)
                .with("cost", self.cost())
                .with("retryAfterMs", millis(wait))
        })
    }

    /// Gives back what an operation that has ended did not need.
    pub(super) fn settle(self, purse: &Purse, cx: &Cx) {
        let unused = self.calls.saturating_sub(cx.meter.calls()).saturating_mul(CALL);
        if unused > 0 {
            purse.give_back(&cx.caller, unused);
        }
    }

    /// Pays for an event that has been told, and for what was read for it. It is never held back for that: what comes next is.
    pub(super) fn told(self, purse: &Purse, cx: &Cx) {
        let _ = purse.take(&cx.caller, Self { calls: cx.meter.calls(), ..self }.cost());
    }
}
