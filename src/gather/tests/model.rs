//! A model vendor: a list in memory that pages by cursor or by offset, in any order, while rows come and go and calls fail.

use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::gather::Gather;
use crate::gather::settings::Settings;
use crate::model::caller::Caller;
use crate::model::caps::{LeadCaps, ListCaps, Paging, TimeFilter};
use crate::model::cx::{Cx, Meter};
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{Key, NativeId, SourceId, Vendor};
use crate::model::lead::{Lead, LeadStatus};
use crate::model::page::{Page, PageToken};
use crate::model::source::{Health, Quota, SourceState};
use crate::source::{DynList, LeadQuery, List, Source};

pub(super) const NOW: i64 = 1_780_000_000_000;
const DAY: i64 = 86_400_000;

/// In which order the vendor lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Newest,
    Oldest,
    Any,
    /// Newest first, but for a row now and then.
    Strays,
}

/// How a model vendor behaves.
#[derive(Clone, Debug)]
pub(super) struct Nature {
    pub(super) paging: Paging,
    pub(super) order: Order,
    /// Filters by day at both ends, as lists that page by offset always do.
    pub(super) dated: bool,
    /// Rows to a page at most, whatever is asked for.
    pub(super) cap: usize,
    /// Hours that the vendor's days are ahead of UTC.
    pub(super) zone: i64,
    /// Calls of a hundred that fail.
    pub(super) failing: u8,
    /// Calls of a hundred before which a row comes, or goes.
    pub(super) churn: u8,
    /// Calls of a hundred whose cursor the vendor no longer knows.
    pub(super) forgetting: u8,
}

impl Nature {
    pub(super) fn calm(paging: Paging) -> Self {
        let dated = paging == Paging::Offset;
        Self { paging, order: Order::Newest, dated, cap: 100, zone: 0, failing: 0, churn: 0, forgetting: 0 }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) at: i64,
}

struct State {
    rows: Vec<Row>,
    dice: fastrand::Rng,
    made: u32,
}

/// A model vendor's account.
pub(super) struct Model {
    id: SourceId,
    nature: Nature,
    state: Mutex<State>,
    pub(super) calls: AtomicU32,
    pub(super) down: AtomicBool,
    /// Leads every page back to the first one.
    pub(super) circling: AtomicBool,
    /// Refuses the key.
    pub(super) locked: AtomicBool,
    /// Takes dates and does not filter by them.
    pub(super) deaf: AtomicBool,
    /// Has no quota left for calls that nobody waits for.
    pub(super) thrifty: AtomicBool,
    /// Its adapter panics.
    pub(super) panicking: AtomicBool,
    /// Milliseconds that each call takes.
    pub(super) slow: AtomicU32,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.id, self.nature)
    }
}

impl Model {
    pub(super) fn new(name: &str, nature: Nature, rows: Vec<Row>, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            id: SourceId::new(name).unwrap(),
            nature,
            state: Mutex::new(State { rows, dice: fastrand::Rng::with_seed(seed), made: 0 }),
            calls: AtomicU32::new(0),
            down: AtomicBool::new(false),
            circling: AtomicBool::new(false),
            locked: AtomicBool::new(false),
            deaf: AtomicBool::new(false),
            thrifty: AtomicBool::new(false),
            panicking: AtomicBool::new(false),
            slow: AtomicU32::new(0),
        })
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        self.state.lock().unwrap().rows.clone()
    }

    pub(super) fn insert(&self, id: &str, at: i64) {
        self.state.lock().unwrap().rows.push(Row { id: id.to_owned(), at });
    }

    /// Deletes the newest row.
    pub(super) fn remove_newest(&self) {
        let rows = &mut self.state.lock().unwrap().rows;
        let newest = (0..rows.len()).max_by_key(|at| rows[*at].at).unwrap();
        rows.remove(newest);
    }

    /// Takes the time from a row.
    pub(super) fn undate(&self, at: usize) {
        self.state.lock().unwrap().rows[at].at = i64::MIN;
    }

    pub(super) fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The rows in the vendor's order. Ties are the vendor's own, not ours.
    fn ordered(&self, rows: &[Row]) -> Vec<Row> {
        let mut rows = rows.to_vec();
        rows.sort_by_key(|row| self.rank(row));
        rows
    }

    fn rank(&self, row: &Row) -> (i64, u64) {
        let mixed = row.id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        match self.nature.order {
            // A row without a time stands where its id puts it.
            Order::Newest if row.at == i64::MIN => (-NOW + i64::from(mixed as u32 % 1_000) * DAY / 40, mixed),
            Order::Newest => (-row.at, mixed),
            Order::Oldest => (row.at, mixed),
            Order::Any => (0, mixed),
            Order::Strays if mixed % 40 == 0 => (-row.at + 20 * DAY, mixed),
            Order::Strays => (-row.at, mixed),
        }
    }

    fn answer(&self, query: &LeadQuery, from: Option<&PageToken>) -> Result<Page<Lead>, SourceErrorKind> {
        let mut state = self.state.lock().unwrap();
        let State { rows, dice, made } = &mut *state;
        if dice.u8(0..100) < self.nature.churn {
            *made += 1;
            let at = if dice.bool() { NOW + i64::from(*made) } else { NOW - dice.i64(0..60) * DAY / 2 };
            rows.push(Row { id: format!("{}-new-{made}", self.id), at });
        }
        let bursts = self.nature.churn > 0 && self.nature.paging == Paging::Cursor && rows.len() < 600;
        if bursts && dice.u8(0..100) == 0 {
            // Many at once, at the head; not more in all than may be collected.
            *made += 1;
            let (made, burst) = (*made, dice.i64(20..150));
            rows.extend((0..burst).map(|n| Row { id: format!("{}-burst-{made}-{n}", self.id), at: NOW + n }));
        }
        if dice.u8(0..100) < self.nature.churn && !rows.is_empty() {
            let at = dice.usize(..rows.len());
            rows.remove(at);
        }
        if self.down.load(Ordering::Relaxed) || dice.u8(0..100) < self.nature.failing {
            return Err(SourceErrorKind::VendorError);
        }
        if matches!(from, Some(PageToken::Cursor(_))) && dice.u8(0..100) < self.nature.forgetting {
            return Err(SourceErrorKind::StaleToken);
        }
        let ordered = self.ordered(rows);
        let (rows, next) = match (self.nature.paging, from) {
            (Paging::Cursor, from) => {
                let after = match from {
                    None => None,
                    Some(PageToken::Cursor(text)) => {
                        let (rank, mixed) = text.split_once('|').unwrap();
                        Some((rank.parse::<i64>().unwrap(), mixed.parse::<u64>().unwrap()))
                    }
                    Some(PageToken::Offset { .. }) => return Err(SourceErrorKind::StaleToken),
                };
                let inside = ordered.into_iter().filter(|row| self.is_asked_for(row, query));
                let rest: Vec<_> = inside.filter(|row| Some(self.rank(row)) > after).collect();
                let more = rest.len() > self.nature.cap;
                let page: Vec<_> = rest.into_iter().take(self.nature.cap).collect();
                if self.circling.load(Ordering::Relaxed) {
                    let other = if matches!(from, Some(PageToken::Cursor(text)) if &**text == "0|1") {
                        "0|2"
                    } else {
                        "0|1"
                    };
                    return Ok(Page {
                        rows: Vec::new(),
                        next: Some(PageToken::Cursor(other.into())),
                        rejected: 0,
                    });
                }
                let next = page.last().filter(|_| more).map(|row| {
                    let (rank, mixed) = self.rank(row);
                    PageToken::Cursor(format!("{rank}|{mixed}").into())
                });
                (page, next)
            }
            (Paging::Offset, from) => {
                let (page, size) = match from {
                    Some(PageToken::Offset { page, size }) => (page.get() as usize, usize::from(size.get())),
                    _ => (1, 100),
                };
                let size = size.min(self.nature.cap);
                let inside = ordered.into_iter().filter(|row| self.is_asked_for(row, query));
                (inside.skip((page - 1) * size).take(size).collect(), None)
            }
        };
        // The adapter cannot read these.
        let (bad, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.id.starts_with("bad"));
        let rows = rows.iter().map(|row| Arc::new(self.lead(row))).collect();
        Ok(Page { rows, next, rejected: bad.len() as u32 })
    }

    /// Whole days of the vendor's own zone, asked one day wider, as an adapter does.
    fn is_asked_for(&self, row: &Row, query: &LeadQuery) -> bool {
        if !self.nature.dated || self.deaf.load(Ordering::Relaxed) {
            return true;
        }
        let utc = |at: Timestamp| at.as_millisecond().div_euclid(DAY);
        let since = query.created.since.map_or(i64::MIN, |at| utc(at) - 1);
        let until = query.created.until.map_or(i64::MAX, |at| (at.as_millisecond() - 1).div_euclid(DAY) + 1);
        (since..=until).contains(&(row.at.saturating_add(self.nature.zone * 3_600_000)).div_euclid(DAY))
    }

    fn lead(&self, row: &Row) -> Lead {
        let native = NativeId::new(&row.id).unwrap();
        let mut lead = Lead::bare(Key { source: self.id.clone(), native, day: None }, Vendor::Chatzuri);
        lead.created_at = (row.at != i64::MIN).then(|| Timestamp::from_millisecond(row.at).unwrap());
        lead.status = Some(if row.at % 7 == 0 { LeadStatus::Qualified } else { LeadStatus::New });
        lead
    }
}

impl Source for Model {
    fn id(&self) -> &SourceId {
        &self.id
    }
    fn vendor(&self) -> Vendor {
        Vendor::Chatzuri
    }
    fn health(&self) -> Health {
        Health {
            state: SourceState::Up,
            since: Timestamp::UNIX_EPOCH,
            last_success_at: None,
            last_error: None,
            retry_at: None,
        }
    }
    fn quota(&self) -> Quota {
        Quota { limit: 60, window: Duration::from_secs(60), remaining: 60, reset_at: None }
    }
    fn leads(&self) -> Option<&dyn DynList<Lead>> {
        Some(self)
    }
}

impl List<Lead> for Model {
    fn caps(&self) -> LeadCaps {
        let time = if self.nature.dated { TimeFilter::Day } else { TimeFilter::None };
        LeadCaps {
            list: ListCaps {
                paging: self.nature.paging,
                page_size: NonZeroU16::new(100).unwrap(),
                since: time,
                until: time,
                vendor_filters: &[],
            },
            status: &[],
            has_status: true,
            has_conversation: false,
            email: false,
        }
    }

    async fn page(
        &self,
        cx: &Cx,
        query: &LeadQuery,
        from: Option<&PageToken>,
    ) -> Result<Page<Lead>, SourceError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        cx.meter.count();
        let slow = self.slow.load(Ordering::Relaxed);
        if slow > 0 {
            tokio::time::sleep(Duration::from_millis(slow.into())).await;
        }
        if self.locked.load(Ordering::Relaxed) {
            return Err(SourceError::new(&self.id, "leads.list", SourceErrorKind::Unauthorized));
        }
        if cx.background && self.thrifty.load(Ordering::Relaxed) {
            return Err(SourceError::new(&self.id, "leads.list", SourceErrorKind::QuotaExhausted));
        }
        assert!(!self.panicking.load(Ordering::Relaxed), "the adapter met what it did not expect");
        self.answer(query, from).map_err(|kind| SourceError::new(&self.id, "leads.list", kind))
    }
}

/// Rows spread over `days` days, some in ties, some on bare days.
pub(super) fn rows(name: &str, count: usize, days: i64, dice: &mut fastrand::Rng) -> Vec<Row> {
    let mut at = NOW;
    (0..count)
        .map(|number| {
            at -= match dice.u8(0..10) {
                0..=2 => 0,
                _ => dice.i64(0..=2 * days * DAY / i64::try_from(count).unwrap()),
            };
            Row { id: format!("{name}-{number}"), at }
        })
        .collect()
}

pub(super) fn gather(models: &[Arc<Model>], settings: Settings) -> Gather {
    Gather::new(settings, models.iter().map(|model| Arc::clone(model) as Arc<dyn Source>).collect())
}

pub(super) fn cx() -> Cx {
    Cx {
        deadline: Instant::now() + Duration::from_secs(60),
        now: Timestamp::from_millisecond(NOW + 60_000).unwrap(),
        request_id: "test".into(),
        caller: Caller::unrestricted("anyone"),
        meter: Meter::default(),
        background: false,
        anew: false,
    }
}

/// Settings under which no test ends for want of time.
pub(super) fn patient() -> Settings {
    let (patience, none) = (Duration::from_secs(30), Duration::ZERO);
    Settings {
        source_timeout: patience,
        straggler_timeout: patience,
        stale_while_revalidate: none,
        list_stale_if_error: none,
        record_stale_if_error: none,
        ..Settings::default()
    }
}
