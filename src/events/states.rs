//! Tells when a source is doing better or worse than before.
//!
//! A source's state changes when a call fails, and when a time has passed; nothing tells of the second, so sources are
//! looked at. That costs no call. A change that is undone within one look is not told.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

use super::{Event, EventKind, Log};
use crate::gather::Gather;
use crate::model::caller::Caller;
use crate::model::id::SourceId;
use crate::model::source::SourceState;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// Publishes changes of sources' states, for ever. A source that is new has not changed.
pub async fn watch(gather: Gather, log: Log) {
    let mut states: HashMap<SourceId, SourceState> = HashMap::new();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let mut seen = HashMap::new();
        for source in gather.sources(&Caller::gateway()) {
            let (state, since) = (source.health.state, source.health.since);
            if states.get(&source.id).is_some_and(|before| *before != state) {
                let kind = EventKind::SourceStateChanged;
                let mut event = Event::new(kind, source.id.clone(), source.vendor, Timestamp::now());
                event.occurred_at = Some(since);
                log.publish(event);
            }
            seen.insert(source.id, state);
        }
        states = seen;
    }
}
