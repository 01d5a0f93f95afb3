//! First pages of merged lists that were made before, given again for as long as they would come out the same: no plan, no
//! merge, no cursor sealed anew. Who asks for other fields of the same page pays for those alone. Of pages behind a cursor none is
//! kept: hardly anyone asks for one twice.

use std::any::Any;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant as StdInstant};

use moka::Expiry;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

use super::Gather;
use super::answer::{Connection, GatherError, ReportStatus};
use super::record::Record;
use super::request::Paging;
use crate::model::caller::Visible;
use crate::model::cx::Cx;
use crate::model::lease::{Basis, Lease};
use crate::telemetry::metrics;

/// Who asks for which page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Cursors on it are sealed for one name.
    caller: Arc<str>,
    sources: Visible,
    field: &'static str,
    /// The filter's fingerprint.
    filter: u64,
    first: Option<i32>,
    last: Option<i32>,
}

impl Asked {
    /// `None` where it is asked for behind or before a cursor.
    pub(super) fn of(cx: &Cx, field: &'static str, filter: u64, paging: &Paging) -> Option<Self> {
        let Paging { first, last, after: None, before: None } = *paging else { return None };
        let (caller, sources) = (Arc::clone(&cx.caller.name), cx.caller.sources.clone());
        Some(Self { caller, sources, field, filter, first, last })
    }
}

impl Hash for Asked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.caller.hash(state);
        self.field.hash(state);
        self.filter.hash(state);
        self.first.hash(state);
        self.last.hash(state);
    }
}

#[derive(Clone)]
struct Kept {
    page: Arc<dyn Any + Send + Sync>,
    lease: Lease,
    weight: u32,
}

/// A page is over when its lease is, in any case.
struct Lifetime;

impl Expiry<Asked, Kept> for Lifetime {
    fn expire_after_create(&self, _: &Asked, kept: &Kept, _: StdInstant) -> Option<Duration> {
        Some(kept.lease.until().saturating_duration_since(Instant::now()))
    }
    fn expire_after_update(
        &self,
        asked: &Asked,
        kept: &Kept,
        now: StdInstant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(asked, kept, now)
    }
}

/// All that are kept.
pub(super) struct Pages {
    kept: Cache<Asked, Kept>,
    /// Metrics tell of what is kept for as long as this is there.
    _there: Arc<()>,
}

impl Pages {
    /// As many as fit into `bytes` bytes.
    pub(super) fn new(bytes: u64) -> Self {
        let kept = Cache::builder()
            .max_capacity(bytes)
            .weigher(|_: &Asked, kept: &Kept| kept.weight)
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(Lifetime)
            .build();
        let (told, there) = (kept.clone(), Arc::new(()));
        let weak = Arc::downgrade(&there);
        metrics::watch_cache(move || {
            let gauges = || metrics::Cache { entries: told.entry_count(), bytes: told.weighted_size() };
            (weak.strong_count() > 0).then(gauges)
        });
        Self { kept, _there: there }
    }

    /// The page that was asked for before, where it stands; the answer then rests on what the page rests on.
    pub(super) fn get<T: Record>(&self, cx: &Cx, asked: &Asked) -> Option<Arc<Connection<T>>> {
        let kept = self.kept.get(asked)?;
        if !kept.lease.stands() {
            self.kept.invalidate(asked);
            return None;
        }
        let until = kept.lease.until();
        let basis: Arc<dyn Basis> = Arc::new(kept.lease);
        cx.meter.ground.rest(until, &basis);
        kept.page.downcast().ok()
    }

    /// Keeps a page for as long as its lease stands, if it is whole.
    pub(super) fn keep<T: Record>(&self, asked: Asked, page: &Arc<Connection<T>>, lease: Lease) {
        let lacking =
            |status| matches!(status, ReportStatus::Stale | ReportStatus::Partial | ReportStatus::Failed);
        if page.incomplete || page.reports.iter().any(|report| lacking(report.status)) || !lease.stands() {
            return;
        }
        let weight = page.weight().saturating_add(lease.weight()).saturating_add(512);
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        // Who is given it again costs no call.
        let calls = page.reports.iter().any(|report| report.upstream_calls > 0);
        let page = if calls { Arc::new(page.without_calls()) } else { Arc::clone(page) };
        self.kept.insert(asked, Kept { page, lease, weight });
    }
}

impl Gather {
    /// The page that was asked for: one that was made before and stands, or a new one.
    pub(super) async fn page<T: Record>(
        &self,
        cx: &Cx,
        asked: Option<Asked>,
        make: impl AsyncFnOnce(&Cx) -> Result<Connection<T>, GatherError>,
    ) -> Result<Arc<Connection<T>>, GatherError> {
        let Some(asked) = asked else { return make(cx).await.map(Arc::new) };
        let pages = &self.inner.pages;
        if let Some(page) = pages.get(cx, &asked) {
            metrics::page_again(asked.field);
            return Ok(page);
        }
        // Before anything is read: what changes meanwhile is not to be missed.
        let standing = self.standing();
        let ground = cx.meter.ground.part();
        let mut meter = cx.meter.clone();
        meter.ground = ground.clone();
        let page = Arc::new(make(&Cx { meter, ..cx.clone() }).await?);
        if let Some(lease) = ground.lease() {
            pages.keep(asked, &page, lease.and(standing));
        }
        Ok(page)
    }
}
