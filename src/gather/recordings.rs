//! Links to recordings: made by a call for whoever is about to listen, for each caller so many in a second, and never kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Gather, write};
use crate::model::conversation::RecordingLink;
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::Key;

/// Callers of whom it is known when they had links made. More than these share one rate.
const MOST: usize = 10_000;

/// Why there is no link.
#[derive(Clone, Debug)]
pub enum LinkError {
    /// The caller has had as many made as one may in a second. The vendor was not asked.
    TooOften {
        /// When the next one can be made.
        retry_after: Duration,
    },
    /// The source could not make it.
    Source(SourceError),
}

/// How often each caller had links made: the moment at which each may again have all at once.
#[derive(Default)]
pub(super) struct Minted(Mutex<HashMap<Arc<str>, Instant>>);

impl Minted {
    /// Counts one link for a caller, of whom `per_second` may be made in a second and as many at once.
    ///
    /// # Errors
    /// How long to wait.
    fn count(&self, caller: &Arc<str>, per_second: u32) -> Result<(), Duration> {
        let (now, whole) = (Instant::now(), Duration::from_secs(1));
        let unit = whole / per_second.max(1);
        let mut free_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if free_at.len() >= MOST && !free_at.contains_key(caller) {
            free_at.retain(|_, at| *at > now);
        }
        let crowded = free_at.len() >= MOST && !free_at.contains_key(caller);
        let caller = if crowded { Arc::from("") } else { Arc::clone(caller) };
        let at = free_at.entry(caller).or_insert(now);
        let used = at.saturating_duration_since(now);
        match (used + unit).checked_sub(whole) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *at = now + used + unit;
                Ok(())
            }
        }
    }
}

impl Gather {
    /// Has the vendor make a link to the recording of a conversation or interaction. Leaves an audit line, whatever comes of it.
    /// `None` where there is none.
    ///
    /// # Errors
    /// `TooOften` for a caller beyond `Settings::links_per_second`; else what the source says: `Unsupported` where it has no
    /// recordings.
    pub async fn recording_link(&self, cx: &Cx, key: &Key) -> Result<Option<RecordingLink>, LinkError> {
        cx.meter.ground.pass();
        let Some(source) = self.inner.registry.seen_by(&cx.caller).get(&key.source) else { return Ok(None) };
        let unsupported = || SourceError::new(&key.source, "recordings.link", SourceErrorKind::Unsupported);
        let recordings = source.recordings().ok_or_else(|| LinkError::Source(unsupported()))?;
        let link = match self.inner.minted.count(&cx.caller.name, self.inner.settings.links_per_second) {
            Ok(()) => recordings.link_dyn(cx, &key.native).await.map_err(LinkError::Source),
            Err(retry_after) => Err(LinkError::TooOften { retry_after }),
        };
        let outcome = match &link {
            Ok(Some(_)) => "made",
            Ok(None) => "none",
            Err(LinkError::TooOften { .. }) => "too often",
            Err(LinkError::Source(_)) => "failed",
        };
        write::recording(cx, &key.source, key, outcome);
        link
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_caller_has_so_many_in_a_second_and_as_many_at_once() {
        let minted = Minted::default();
        let (one, other) = (Arc::from("one"), Arc::from("other"));
        let second = Duration::from_secs(1);
        assert_eq!(minted.count(&one, 1), Ok(()));
        assert_eq!(minted.count(&one, 1), Err(second));
        assert_eq!(minted.count(&other, 1), Ok(()), "nobody else is held up");
        tokio::time::advance(second / 4).await;
        assert_eq!(minted.count(&one, 1), Err(second * 3 / 4), "what was refused does not count");
        tokio::time::advance(second * 3 / 4).await;
        assert_eq!(minted.count(&one, 1), Ok(()));
        let three = Arc::from("three");
        assert_eq!([(); 4].map(|()| minted.count(&three, 3).is_ok()), [true, true, true, false]);
        tokio::time::advance(Duration::from_millis(334)).await;
        assert_eq!([(); 2].map(|()| minted.count(&three, 3).is_ok()), [true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn callers_are_bounded_in_number_and_none_gets_round_its_rate_by_that() {
        let minted = Minted::default();
        let name = |number: usize| Arc::from(number.to_string());
        (0..MOST).for_each(|number| assert_eq!(minted.count(&name(number), 1), Ok(())));
        assert_eq!(minted.count(&name(MOST), 1), Ok(()), "the first of those that share one rate");
        assert!(minted.count(&name(MOST + 1), 1).is_err());
        assert!(minted.count(&name(0), 1).is_err());
        assert_eq!(minted.0.lock().unwrap().len(), MOST + 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(minted.count(&name(MOST + 1), 1), Ok(()));
        assert_eq!(minted.0.lock().unwrap().len(), 1, "who asked long ago is not kept");
    }
}
