//! Webhooks, from a delivery to what is published about it.
//!
//! A delivery is verified, told from repeats, put into a bounded queue and answered; the rest happens behind. What it tells is
//! believed only after it was read from the vendor: so a delivery that is forged, old or out of order writes nothing. Hints about
//! one record wait a moment for each other and are one read; hints about many records of a source are read together.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::seen::ToldTo;
use super::{Event, EventKind, Log};
use crate::gather::{Anew, Gather};
use crate::model::cx::Cx;
use crate::model::failure::SourceErrorKind;
use crate::model::id::SourceId;
use crate::source::{Delivery, Hint, News, Refusal, Subject, Webhook};

/// How what comes in is worked off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxSettings {
    /// Deliveries of one webhook that may wait; more are sent away to come again. 1,024.
    pub queue: usize,
    /// How long hints wait for others about the same record. 250 ms.
    pub linger: Duration,
}

impl Default for InboxSettings {
    fn default() -> Self {
        Self { queue: 1_024, linger: Duration::from_millis(250) }
    }
}

/// Records that are worked on at a time.
const BATCH: usize = 256;
/// How long hints of a conversation that goes on wait for each other: each message is one, and none is published.
const TALK: Duration = Duration::from_secs(5);
/// When a record that could not be read is tried again, one time after the other.
const AGAIN: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(8), Duration::from_secs(30), Duration::from_secs(60)];
/// When a record is read that we had no room for ourselves: the vendor was not asked, so that costs no try.
const ROOM: Duration = Duration::from_secs(1);

/// The longest that a vendor may have us wait.
const LONGEST: Duration = Duration::from_secs(60);
/// How often a record that the vendor does not have (yet) is looked for again: each time costs calls.
const AGAIN_ABSENT: usize = 1;

/// Makes the circumstances of work that nobody asked for.
pub type Circumstances = Arc<dyn Fn() -> Cx + Send + Sync>;

/// Why a delivery is sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentAway {
    /// It is not to be believed, or cannot be read.
    Refused(Refusal),
    /// Too many wait already.
    Full,
}

/// Takes the deliveries of one webhook.
#[expect(missing_debug_implementations, reason = "holds a trait object")]
pub struct Inbox {
    webhook: Arc<dyn Webhook>,
    told: ToldTo,
    gather: Gather,
    queue: mpsc::Sender<Arrival>,
}

struct Arrival {
    hint: Hint,
    at: Timestamp,
}

impl Inbox {
    /// An inbox, and the work behind it, which ends with the inbox once all that was taken is done.
    pub fn open(
        webhook: Arc<dyn Webhook>,
        told: ToldTo,
        settings: InboxSettings,
        gather: Gather,
        log: Log,
        circumstances: Circumstances,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, queue) = mpsc::channel(settings.queue.max(1));
        let desk = Desk { gather: gather.clone(), log, circumstances, linger: settings.linger };
        (Self { webhook, told, gather, queue: sender }, desk.work(queue))
    }

    /// Takes a delivery: once, however often it comes. Waits for nothing.
    ///
    /// # Errors
    /// Where it is refused, without any effect; or where there is no place, so that the same one may come again.
    pub fn take(&self, delivery: &Delivery<'_>) -> Result<(), SentAway> {
        let told = self.webhook.read(delivery).map_err(SentAway::Refused)?;
        let Some(hint) = told.hint else { return Ok(()) };
        // Held until it has its place, so that of two at once only one finds one.
        let mut seen = self.told.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.holds(&told.mark) {
            return Ok(());
        }
        let place = self.queue.try_reserve().map_err(|_| SentAway::Full)?;
        if hint.news != News::ConversationChanged {
            // At once, so that nobody is shown what was before, however long it takes until the record is read.
            self.gather.doubt(&hint);
        }
        place.send(Arrival { hint, at: delivery.now });
        seen.add(told.mark);
        Ok(())
    }
}

/// All that is known to have happened to one record.
struct Job {
    source: SourceId,
    subject: Subject,
    /// Each thing once, with when it was first heard of.
    news: BTreeMap<News, Arrival>,
    due: Instant,
    tries: usize,
}

impl Job {
    fn hint(&self) -> Option<&Hint> {
        self.news.values().next().map(|arrival| &arrival.hint)
    }

    /// Whether there is a record to be read.
    fn reads(&self) -> bool {
        self.subject != Subject::Unnamed && self.news.keys().any(|news| *news != News::ConversationChanged)
    }

    /// Whether listeners are told of it.
    fn tells(&self) -> bool {
        self.news.keys().any(|news| kind(*news).is_some())
    }
}

/// Who works off what came in.
struct Desk {
    gather: Gather,
    log: Log,
    circumstances: Circumstances,
    linger: Duration,
}

impl Desk {
    async fn work(self, mut queue: mpsc::Receiver<Arrival>) {
        let (mut jobs, mut open) = (Vec::<Job>::new(), true);
        while open || !jobs.is_empty() {
            let due = jobs.iter().map(|job| job.due).min();
            tokio::select! {
                arrival = queue.recv(), if open && jobs.len() < BATCH => match arrival {
                    Some(arrival) => self.add(&mut jobs, arrival),
                    None => open = false,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let (due, later) = self.due(jobs);
                    jobs = later;
                    jobs.extend(self.run(due).await);
                }
            }
        }
    }

    fn add(&self, jobs: &mut Vec<Job>, arrival: Arrival) {
        let hint = &arrival.hint;
        let goes_on = hint.news == News::ConversationChanged;
        let (subject, wait) = if goes_on {
            // One of its kind for a source is enough.
            (Subject::Unnamed, TALK)
        } else {
            (hint.subject.clone(), self.linger)
        };
        if let Some(job) = jobs.iter_mut().find(|job| job.source == hint.source && job.subject == subject) {
            // It may have given up almost, or wait for long: what is new is read as if it came alone.
            (job.due, job.tries) = (job.due.min(Instant::now() + wait), 0);
            job.news.entry(hint.news).or_insert(arrival);
            return;
        }
        jobs.push(Job {
            source: hint.source.clone(),
            subject,
            due: Instant::now() + wait,
            tries: 0,
            news: BTreeMap::from([(hint.news, arrival)]),
        });
    }

    /// What is due, with what else of the same source is about to be: one round for each source while hints wait.
    fn due(&self, jobs: Vec<Job>) -> (Vec<Job>, Vec<Job>) {
        let now = Instant::now();
        let sources: HashSet<SourceId> =
            jobs.iter().filter(|job| job.due <= now).map(|job| job.source.clone()).collect();
        jobs.into_iter().partition(|job| sources.contains(&job.source) && job.due <= now + self.linger)
    }

    /// Does what is due; gives back what must be tried again.
    async fn run(&self, due: Vec<Job>) -> Vec<Job> {
        let mut by_source: Vec<(SourceId, Vec<Job>)> = Vec::new();
        for job in due {
            match by_source.iter_mut().find(|(source, _)| *source == job.source) {
                Some((_, jobs)) => jobs.push(job),
                None => by_source.push((job.source.clone(), vec![job])),
            }
        }
        let mut again = Vec::new();
        for (source, jobs) in by_source {
            again.extend(self.round(&source, jobs).await);
        }
        again
    }

    async fn round(&self, source: &SourceId, jobs: Vec<Job>) -> Vec<Job> {
        let cx = (self.circumstances)();
        let Some(view) = self.gather.source(&cx.caller, source) else {
            tracing::info!(%source, "a webhook told of a source that is not known");
            return Vec::new();
        };
        let (mut jobs, rest): (Vec<_>, Vec<_>) = jobs.into_iter().partition(Job::reads);
        rest.iter().flat_map(|job| job.news.values()).for_each(|arrival| self.gather.doubt(&arrival.hint));
        let hints: Vec<_> = jobs.iter().filter_map(Job::hint).collect();
        if hints.is_empty() {
            return Vec::new();
        }
        let read = self.gather.anew(&cx, source, &hints).await;
        let (mut again, mut missed) = (Vec::new(), false);
        for (mut job, anew) in jobs.drain(..).zip(read) {
            let (kind, wait) = match anew {
                Ok(Anew::Nothing) => (None, None),
                Ok(anew) => {
                    job.news.values().for_each(|arrival| self.publish(source, arrival, &anew));
                    continue;
                }
                Err(error) if is_ours(error.kind) => {
                    let pause = error.retry_after.map_or(ROOM, |wait| wait.max(ROOM).min(LONGEST));
                    job.due = Instant::now() + pause;
                    again.push(job);
                    continue;
                }
                Err(error) if error.kind.retryable() => (Some(error.kind), error.retry_after),
                Err(error) => {
                    tracing::warn!(%source, error = ?error.kind, "what a webhook told could not be read");
                    missed |= job.tells();
                    continue;
                }
            };
            let most = if kind.is_none() { AGAIN_ABSENT } else { AGAIN.len() };
            match AGAIN.get(job.tries).filter(|_| job.tries < most) {
                Some(pause) => {
                    if kind.is_none() {
                        // What is not there is remembered for a while, too.
                        job.hint().into_iter().for_each(|hint| self.gather.doubt(hint));
                    }
                    let pause = wait.map_or(*pause, |wait| wait.max(*pause).min(LONGEST));
                    (job.due, job.tries) = (Instant::now() + pause, job.tries + 1);
                    again.push(job);
                }
                None => {
                    tracing::warn!(%source, error = ?kind, "what a webhook told was not to be had");
                    // What the vendor does not have, nobody misses.
                    missed |= kind.is_some() && job.tells();
                }
            }
        }
        if missed {
            self.log.publish(Event::new(EventKind::Missed, source.clone(), view.vendor, cx.now));
        }
        again
    }

    fn publish(&self, source: &SourceId, arrival: &Arrival, anew: &Anew) {
        let Some(kind) = kind(arrival.hint.news) else { return };
        let vendor = match anew {
            Anew::Lead(lead) => lead.vendor,
            Anew::Conversation(conversation) => conversation.vendor,
            Anew::Nothing => return,
        };
        let mut event = Event::new(kind, source.clone(), vendor, arrival.at);
        event.occurred_at = arrival.hint.at;
        match anew {
            Anew::Lead(lead) => event.lead = Some(Arc::clone(lead)),
            Anew::Conversation(conversation) => {
                if kind == EventKind::InteractionAdded {
                    event.interaction = Some(Arc::new(conversation.to_interaction()));
                }
                event.conversation = Some(Arc::clone(conversation));
            }
            Anew::Nothing => {}
        }
        self.log.publish(event);
    }
}

/// Whether it was we who did not let the call out.
fn is_ours(kind: SourceErrorKind) -> bool {
    matches!(kind, SourceErrorKind::Overloaded | SourceErrorKind::QuotaExhausted)
}

/// What is told of news, if anything.
fn kind(news: News) -> Option<EventKind> {
    Some(match news {
        News::LeadCreated => EventKind::LeadCreated,
        News::LeadUpdated => EventKind::LeadUpdated,
        News::ConversationStarted => EventKind::InteractionAdded,
        News::ConversationChanged => return None,
        News::ConversationEnded => EventKind::ConversationEnded,
        News::RecordingReady => EventKind::RecordingReady,
    })
}
