//! What nobody tells us by itself: looked for from time to time, and only while somebody listens.
//!
//! Sources without a webhook are looked at every minute. Sources with one are looked at every five minutes, since deliveries
//! can be lost. A look costs a page of the source's list, which is the page that clients ask for first; where interactions are
//! listed lead by lead, it also costs one call for each lead that is new, has changed, or has a call in progress. All of it is
//! background work, which stops by itself where a vendor's quota runs low.
//!
//! What was seen is kept while nobody listens, for as long as a listener may come back with a cursor: the first look then finds
//! what has changed meanwhile. Where that cannot be found, it is told that something was missed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::echo::alike;
use super::{Circumstances, Event, EventKind, Log};
use crate::gather::Gather;
use crate::gather::answer::{InteractionListing, SourceView};
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::id::{EntityKind, NativeId, SourceId};
use crate::model::interaction::{Interaction, InteractionStatus};
use crate::model::lead::Lead;

/// How often sources are looked at while somebody listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollSettings {
    /// Those without a webhook; zero: never. 60 s.
    pub every: Duration,
    /// Those with one; zero: never. 5 min.
    pub reconcile: Duration,
}

impl Default for PollSettings {
    fn default() -> Self {
        Self { every: Duration::from_secs(60), reconcile: Duration::from_secs(300) }
    }
}

/// Between two looks at what is due, so that a source that was found meanwhile is not left out for long.
const LOOK: Duration = Duration::from_secs(5);
/// How long before the look that missed it a lead may have been created and still be told of: vendors' lists lag.
const LATE: SignedDuration = SignedDuration::from_mins(15);
/// So many leads on the page of a source that had none say that there may be more.
const MANY: usize = 20;
/// Leads whose interactions may wait to be read; those that are beyond it are missed.
const UNREAD: usize = 200;
/// Leads whose interactions are read in one look.
const HISTORIES: usize = 10;
/// Looks for which a lead is watched that has an interaction in progress.
const PATIENCE: u32 = 60;
/// Leads of a source that are remembered; beyond that, only those of the last page.
const REMEMBERED: usize = 2_000;

/// What sources looked like when they were last looked at. Outlives those who listen, and every configuration. Clones share it.
#[derive(Clone, Default)]
#[expect(missing_debug_implementations, reason = "holds personal data")]
pub struct Looked(Arc<Mutex<Memory>>);

#[derive(Default)]
struct Memory {
    watches: HashMap<SourceId, Watch>,
    /// The number of the first event that was not yet looked at.
    read: u64,
    /// Whether somebody listened who may come back.
    listened: bool,
}

/// Looks at sources for as long as it is not dropped.
pub async fn poll(
    gather: Gather,
    log: Log,
    settings: PollSettings,
    circumstances: Circumstances,
    looked: Looked,
) {
    let shortest = [settings.every, settings.reconcile].into_iter().filter(|every| !every.is_zero()).min();
    let Some(pause) = shortest.map(|shortest| shortest.min(LOOK)) else { return };
    let poll = Poll { gather, log, settings, circumstances };
    loop {
        poll.awaited(&looked, pause).await;
        looked.0.lock().await.listened = true;
        loop {
            // Not at once: who only looks in costs nothing.
            sleep(pause).await;
            if poll.log.listeners() == 0 {
                break;
            }
            poll.look(&mut *looked.0.lock().await).await;
        }
    }
}

struct Poll {
    gather: Gather,
    log: Log,
    settings: PollSettings,
    circumstances: Circumstances,
}

/// What is known of a source.
#[derive(Default)]
struct Watch {
    due: Option<Instant>,
    /// When it was last looked at; `None` before the first time, which only shows what there is.
    looked_at: Option<Timestamp>,
    /// Whether it could not be looked at before it ever was, though somebody listened.
    failed: bool,
    /// What leads were last known to be.
    leads: HashMap<NativeId, Known>,
    /// Leads with something in progress, and for how many looks more they are watched.
    busy: HashMap<NativeId, (Arc<Lead>, u32)>,
    /// Leads whose interactions are yet to be read, the next first.
    unread: VecDeque<Arc<Lead>>,
    /// Interactions that were seen, and whether they were in progress.
    touches: HashMap<NativeId, bool>,
}

/// What a lead was last known to be.
enum Known {
    /// As it looked in a list.
    Seen(u64),
    /// As someone else told it.
    Told(Arc<Lead>),
}

impl Known {
    /// Whether a lead, as it looks in a list now, is something else. What else a list tells or leaves out is no change.
    fn is_not(&self, lead: &Lead) -> bool {
        match self {
            Self::Seen(before) => *before != shown(lead),
            Self::Told(told) => match (told.updated_at, lead.updated_at) {
                (Some(then), Some(now)) if !lead.sparse => now > then && !alike(told, lead),
                _ => (&told.vendor_status, &told.status_detail) != (&lead.vendor_status, &lead.status_detail),
            },
        }
    }
}

impl Poll {
    /// Waits for somebody who listens; tells whoever comes back too late for what is known that something was missed.
    async fn awaited(&self, looked: &Looked, pause: Duration) {
        if looked.0.lock().await.listened {
            if timeout(pause, self.log.awaited()).await.is_ok() {
                return;
            }
            // Of a source that was never looked at, nobody will know what has changed.
            self.lose(&mut *looked.0.lock().await, |watch| watch.looked_at.is_none());
            if timeout(self.log.memory(), self.log.awaited()).await.is_ok() {
                return;
            }
            let mut memory = looked.0.lock().await;
            self.lose(&mut memory, |_| true);
            memory.listened = false;
        }
        self.log.awaited().await;
    }

    /// Forgets sources, and tells that what happens there from now on is missed.
    fn lose(&self, memory: &mut Memory, lost: impl Fn(&Watch) -> bool) {
        let cx = (self.circumstances)();
        for (view, _) in self.polled(&cx) {
            if memory.watches.get(&view.id).is_none_or(&lost) {
                self.miss(&view, cx.now);
            }
        }
        memory.watches.retain(|_, watch| !lost(watch));
    }

    fn miss(&self, view: &SourceView, now: Timestamp) {
        self.log.publish(Event::new(EventKind::Missed, view.id.clone(), view.vendor, now));
    }

    /// The sources that are looked at, and how often.
    fn polled(&self, cx: &Cx) -> Vec<(SourceView, Duration)> {
        let all = self.gather.sources(&cx.caller).into_iter().filter(|view| view.capabilities.leads);
        let with_pace = all.map(|view| {
            let every =
                if view.capabilities.webhooks { self.settings.reconcile } else { self.settings.every };
            (view, every)
        });
        with_pace.filter(|(_, every)| !every.is_zero()).collect()
    }

    async fn look(&self, memory: &mut Memory) {
        let cx = (self.circumstances)();
        let (events, next) = self.log.since(memory.read);
        memory.read = next;
        // The last that was told of a lead counts; what a look told itself is what it saw.
        let mut told = HashSet::new();
        for event in events.iter().rev() {
            let (Some(watch), Some(lead)) = (memory.watches.get_mut(&event.source), &event.lead) else {
                continue;
            };
            if told.insert(&lead.key) {
                let seen = watch.leads.get(&lead.key.native);
                if !seen.is_some_and(|known| matches!(known, Known::Seen(seen) if *seen == shown(lead))) {
                    watch.leads.insert(lead.key.native.clone(), Known::Told(Arc::clone(lead)));
                }
            }
        }
        let polled = self.polled(&cx);
        for (view, every) in &polled {
            let watch = memory.watches.entry(view.id.clone()).or_default();
            if watch.due.is_none_or(|due| due <= Instant::now()) {
                watch.due = Some(Instant::now() + *every);
                if let Err(error) = self.look_at(view, watch).await {
                    watch.failed |= watch.looked_at.is_none();
                    tracing::debug!(source = %view.id, error = ?error.kind, "a source could not be looked at");
                }
            }
        }
    }

    async fn look_at(&self, view: &SourceView, watch: &mut Watch) -> Result<(), SourceError> {
        // What others are served meanwhile stays: nobody knows yet whether anything has changed, nor whether it can be read.
        let cx = Cx { anew: true, ..(self.circumstances)() };
        let leads = self.gather.newest_leads(&cx, &view.id).await?;
        let since = watch.looked_at.map(|at| at.checked_sub(LATE).unwrap_or(at));
        let mut moved = Vec::new();
        // There may be more than this page that nobody has seen, or leads that came before it could be looked at.
        let known = |lead: &Arc<Lead>| watch.leads.contains_key(&lead.key.native);
        let many = if watch.leads.is_empty() { MANY } else { 1 };
        let strange = leads.len() >= many && !leads.iter().any(known);
        if watch.looked_at.is_some() && strange || std::mem::take(&mut watch.failed) {
            self.miss(view, cx.now);
        }
        for lead in &leads {
            let before = watch.leads.insert(lead.key.native.clone(), Known::Seen(shown(lead)));
            let kind = match before {
                // An older one turns up where others went.
                None => since
                    .zip(lead.created_at)
                    .and_then(|(since, at)| (at >= since).then_some(EventKind::LeadCreated)),
                Some(before) => before.is_not(lead).then_some(EventKind::LeadUpdated),
            };
            if let Some(kind) = kind {
                if moved.is_empty() {
                    // Whoever is told of it is shown no list of before.
                    self.gather.forget_lists(&view.id, EntityKind::Lead);
                }
                self.publish(kind, lead, None, cx.now);
                moved.push(Arc::clone(lead));
            }
        }
        let first = watch.looked_at.is_none();
        watch.looked_at = Some(cx.now);
        if watch.leads.len() > REMEMBERED {
            watch.leads.retain(|native, _| leads.iter().any(|lead| lead.key.native == *native));
        }
        if view.capabilities.interactions == InteractionListing::PerLead {
            watch.unread.retain(|lead| moved.iter().all(|moved| moved.key != lead.key));
            watch.unread.extend(moved);
            if watch.unread.len() > UNREAD {
                watch.unread.drain(..watch.unread.len() - UNREAD);
                self.miss(view, cx.now);
            }
            let unread = watch.unread.iter().cloned();
            let watched = watch.busy.values().map(|(lead, _)| Arc::clone(lead));
            let watched = watched.filter(|lead| watch.unread.iter().all(|unread| unread.key != lead.key));
            // At first nobody knows who is being called; most likely one of the newest.
            let newest = leads.iter().filter(|_| first).cloned();
            let leads: Vec<_> = unread.chain(watched).chain(newest).take(HISTORIES).collect();
            self.look_into(&cx, &view.id, &leads, watch, first).await;
        }
        Ok(())
    }

    /// Looks for interactions that are new or have ended. What cannot be read is left for the next look.
    async fn look_into(
        &self,
        cx: &Cx,
        source: &SourceId,
        leads: &[Arc<Lead>],
        watch: &mut Watch,
        first: bool,
    ) {
        for lead in leads {
            let touches = match self.gather.touches(cx, &lead.key).await {
                Ok(touches) => touches,
                Err(error) => {
                    tracing::debug!(%source, error = ?error.kind, "a lead could not be looked into");
                    // It comes again, behind those that wait already.
                    let at = watch.unread.iter().position(|unread| unread.key == lead.key);
                    let unread = at.and_then(|at| watch.unread.remove(at));
                    watch.unread.extend(unread.filter(|_| error.kind.retryable()));
                    continue;
                }
            };
            watch.unread.retain(|unread| unread.key != lead.key);
            let known = !first && touches.iter().any(|touch| watch.touches.contains_key(&touch.key.native));
            for touch in &touches {
                let busy = touch.status == InteractionStatus::InProgress;
                let before = watch.touches.insert(touch.key.native.clone(), busy);
                let is_news = match before {
                    Some(before) => before && !busy,
                    // Of a lead that was never looked into, what is older than the last look is no news.
                    None => !busy && !first && (known || recent(touch, cx.now)),
                };
                if is_news {
                    self.publish(EventKind::InteractionAdded, lead, Some(touch), cx.now);
                }
            }
            let busy = touches.iter().any(|touch| touch.status == InteractionStatus::InProgress);
            let left = watch.busy.get(&lead.key.native).map_or(PATIENCE, |(_, left)| left - 1);
            if busy && left > 0 {
                watch.busy.insert(lead.key.native.clone(), (Arc::clone(lead), left));
            } else {
                watch.busy.remove(&lead.key.native);
            }
        }
        if watch.touches.len() > REMEMBERED {
            watch.touches.retain(|_, busy| *busy);
        }
    }

    fn publish(&self, kind: EventKind, lead: &Arc<Lead>, touch: Option<&Arc<Interaction>>, now: Timestamp) {
        let mut event = Event::new(kind, lead.key.source.clone(), lead.vendor, now);
        event.lead = Some(Arc::clone(lead));
        event.interaction = touch.map(Arc::clone);
        event.occurred_at = match touch {
            Some(touch) => touch.updated_at.or(touch.occurred_at),
            None if kind == EventKind::LeadCreated => lead.created_at,
            None => lead.updated_at,
        };
        self.log.publish(event);
    }
}

fn recent(touch: &Interaction, now: Timestamp) -> bool {
    touch.occurred_at.is_some_and(|at| at >= now.checked_sub(LATE).unwrap_or(now))
}

/// What would show that a lead has changed.
fn shown(lead: &Lead) -> u64 {
    let mut hasher = DefaultHasher::new();
    (lead.updated_at, lead.last_activity_at, &lead.vendor_status, &lead.status_detail).hash(&mut hasher);
    hasher.finish()
}
