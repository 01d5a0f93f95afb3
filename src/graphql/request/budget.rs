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

/// The same circumstances, in which calls behind the answer are paid for as they are made. None is held back for that: what the
/// caller asks for next is. Who has nothing left owes no more for them than that.
pub(super) fn paying(cx: Cx, purse: &Purse) -> Cx {
    let (purse, caller) = (Arc::clone(purse), cx.caller.clone());
    let meter = cx.meter.paid_later(move || {
        let _ = purse.take(&caller, CALL);
    });
    Cx { meter, ..cx }
}

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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::Instant;

    use super::*;
    use crate::model::cx::Meter;

    /// What was taken, and from whom.
    #[derive(Default)]
    struct Taken(AtomicU32);

    impl Budget for Arc<Taken> {
        fn take(&self, caller: &Caller, cost: u32) -> Result<(), Duration> {
            assert_eq!(&*caller.name, "reader");
            self.0.fetch_add(cost, Ordering::Relaxed);
            Ok(())
        }

        fn give_back(&self, _: &Caller, _: u32) {}
    }

    #[test]
    fn calls_behind_the_answer_are_paid_for_as_they_are_made_and_others_are_not() {
        let taken = Arc::new(Taken::default());
        let cx = Cx {
            deadline: Instant::now(),
            now: jiff::Timestamp::UNIX_EPOCH,
            request_id: Arc::from("req-1"),
            caller: Caller::unrestricted("reader"),
            meter: Meter::default(),
            background: false,
            anew: false,
        };
        let purse: Purse = Arc::new(Arc::clone(&taken));
        let cx = paying(cx, &purse);
        cx.meter.count();
        cx.meter.part().count();
        assert_eq!((cx.meter.calls(), taken.0.load(Ordering::Relaxed)), (2, 0));
        for _ in 0..3 {
            cx.meter.part().later().count();
        }
        assert_eq!((cx.meter.calls(), taken.0.load(Ordering::Relaxed)), (2, 3 * CALL));
    }
}
