//! Orders: who may give them, what is remembered of them, and that the writes of one lead wait for each other. On a paused clock.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::{advance, sleep};

use super::model::{NOW, cx};
use crate::gather::Gather;
use crate::gather::settings::Settings;
use crate::gather::write::{Outcome, WriteErrorCode, WriteOrder, Written};
use crate::model::caller::{Caller, Scope, Visible};
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{Key, NativeId, SourceId, Vendor};
use crate::model::lead::{Lead, LeadNote, LeadStatus};
use crate::model::source::{Health, Quota, SourceState};
use crate::model::write::{Answered, Fate, LeadEdit, LeadUpdate, Misfit, NoteEdit, Prior, WriteFailure};
use crate::source::{DynRead, DynWrite, Read, Source, Write};

/// A vendor with one lead, whose notes are written as a whole, as they were when the writer read them.
struct Shelf {
    id: SourceId,
    lead: Mutex<Lead>,
    writes: AtomicU32,
    /// What comes of the next write instead of an answer, and whether it is made.
    fails: Mutex<Option<(Fate, bool)>>,
    /// Says that a write is made, no more, and has become this meanwhile.
    claims: Mutex<Option<Lead>>,
}

impl Shelf {
    fn new() -> Arc<Self> {
        let id = SourceId::new("shelf").unwrap();
        let key = Key { source: id.clone(), native: NativeId::new("l1").unwrap(), day: None };
        let lead = Lead { updated_at: Some(at(0)), ..Lead::bare(key, Vendor::LeadSail) };
        let (fails, claims) = (Mutex::default(), Mutex::default());
        Arc::new(Self { id, lead: Mutex::new(lead), writes: AtomicU32::new(0), fails, claims })
    }

    fn notes(&self) -> Vec<String> {
        self.lead.lock().unwrap().notes.iter().map(|note| note.text.clone()).collect()
    }

    fn writes(&self) -> u32 {
        self.writes.load(Ordering::SeqCst)
    }
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(NOW + milliseconds).unwrap()
}

impl Source for Shelf {
    fn id(&self) -> &SourceId {
        &self.id
    }
    fn vendor(&self) -> Vendor {
        Vendor::LeadSail
    }
    fn health(&self) -> Health {
        let (state, since) = (SourceState::Up, Timestamp::UNIX_EPOCH);
        Health { state, since, last_success_at: None, last_error: None, retry_at: None }
    }
    fn quota(&self) -> Quota {
        Quota { limit: 60, window: Duration::from_secs(60), remaining: 60, reset_at: None }
    }
    fn lead_by_id(&self) -> Option<&dyn DynRead<Lead>> {
        Some(self)
    }
    fn lead_update(&self) -> Option<&dyn DynWrite<LeadUpdate>> {
        Some(self)
    }
}

impl Read<Lead> for Shelf {
    async fn get(&self, _: &Cx, _: &NativeId) -> Result<Option<Lead>, SourceError> {
        sleep(Duration::from_millis(10)).await;
        Ok(Some(self.lead.lock().unwrap().clone()))
    }
}

impl Write<LeadUpdate> for Shelf {
    fn edit(&self, change: &LeadUpdate) -> Result<LeadEdit, Misfit> {
        Ok(LeadEdit {
            status: change.vendor_status.clone().map(|word| (word, LeadStatus::Unknown)),
            note: change.notes.clone().map(NoteEdit::Add),
            approval: None,
        })
    }

    async fn prior(&self, cx: &Cx, id: &NativeId) -> Result<Option<Prior>, SourceError> {
        Ok(self.get(cx, id).await?.map(|lead| Prior { lead, own: None }))
    }

    async fn write(&self, _: &Cx, prior: &Prior, edit: &LeadEdit) -> Result<Answered, WriteFailure> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_millis(10)).await;
        if let Some(lead) = self.claims.lock().unwrap().take() {
            *self.lead.lock().unwrap() = lead;
            return Ok(Answered::Done);
        }
        let fails = self.fails.lock().unwrap().take();
        if fails.is_none_or(|(_, made)| made) {
            let mut lead = self.lead.lock().unwrap();
            let updated_at = lead.updated_at.map(|at| at + Duration::from_millis(1));
            *lead = Lead { updated_at, ..edit.onto(&prior.lead) };
        }
        match fails {
            Some((fate, _)) => {
                let error = SourceError::new(&self.id, "leads.update", SourceErrorKind::Timeout);
                Err(WriteFailure { error, fate })
            }
            None => Ok(Answered::Lead(Box::new(self.lead.lock().unwrap().clone()))),
        }
    }
}

fn open(shelf: &Arc<Shelf>) -> Gather {
    let settings = Settings { writable: Visible::All, ..Settings::default() };
    Gather::new(settings, vec![Arc::clone(shelf) as Arc<dyn Source>])
}

async fn order(gather: &Gather, cx: &Cx, note: &str, key: Option<&str>) -> Written {
    let lead =
        Key { source: SourceId::new("shelf").unwrap(), native: NativeId::new("l1").unwrap(), day: None };
    let change = LeadUpdate { notes: Some(note.to_owned()), ..LeadUpdate::default() };
    let idempotency_key = key.map(str::to_owned);
    gather.update_lead(cx, WriteOrder { lead, change, if_updated_at: None, idempotency_key }).await
}

fn called(name: &str) -> Cx {
    Cx { caller: Caller::unrestricted(name), ..cx() }
}

fn code(written: &Written) -> WriteErrorCode {
    assert_eq!(written.errors.len(), 1);
    written.errors[0].code
}

#[tokio::test(start_paused = true)]
async fn without_the_scope_nothing_is_written() {
    let shelf = Shelf::new();
    let scopes = Scope::ALL.into_iter().filter(|scope| *scope != Scope::LeadsWrite).collect();
    let caller = Caller { scopes, ..Caller::unrestricted("reader") };
    let written = order(&open(&shelf), &Cx { caller, ..cx() }, "n", None).await;
    assert_eq!((written.outcome, code(&written)), (Outcome::NotApplied, WriteErrorCode::Forbidden));
    assert_eq!(shelf.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lead_of_a_source_that_the_caller_may_not_see_is_not_there() {
    let shelf = Shelf::new();
    let caller = Caller { sources: Visible::Only(Arc::default()), ..Caller::unrestricted("stranger") };
    let written = order(&open(&shelf), &Cx { caller, ..cx() }, "n", None).await;
    assert_eq!(code(&written), WriteErrorCode::NotFound);
    assert_eq!(shelf.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn writes_of_one_lead_wait_for_each_other_so_none_is_lost() {
    let shelf = Shelf::new();
    let gather = open(&shelf);
    let notes: Vec<String> = (0..20).map(|n| format!("note {n}")).collect();
    let cx = cx();
    let written = join_all(notes.iter().map(|note| order(&gather, &cx, note, None))).await;
    assert!(written.iter().all(|written| written.outcome == Outcome::Applied));
    let mut kept = shelf.notes();
    kept.sort();
    let mut notes = notes;
    notes.sort();
    assert_eq!(kept, notes);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_one_callers_own_and_good_for_a_day() {
    let shelf = Shelf::new();
    let gather = open(&shelf);
    assert_eq!(order(&gather, &called("a"), "n", Some("k")).await.outcome, Outcome::Applied);
    assert_eq!(order(&gather, &called("a"), "n", Some("k")).await.outcome, Outcome::Applied);
    assert_eq!(shelf.writes(), 1);
    assert_eq!(order(&gather, &called("b"), "other", Some("k")).await.outcome, Outcome::Applied);
    assert_eq!(shelf.writes(), 2);
    assert_eq!(code(&order(&gather, &called("a"), "m", Some("k")).await), WriteErrorCode::Invalid);
    advance(Duration::from_secs(24 * 3600 - 5)).await;
    assert_eq!(code(&order(&gather, &called("a"), "m", Some("k")).await), WriteErrorCode::Invalid);
    advance(Duration::from_secs(10)).await;
    assert_eq!(order(&gather, &called("a"), "m", Some("k")).await.outcome, Outcome::Applied);
    assert_eq!(shelf.writes(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_lead_of_an_order_that_is_given_again_is_told_for_an_hour() {
    let shelf = Shelf::new();
    let (gather, cx) = (open(&shelf), called("one"));
    let first = order(&gather, &cx, "note", Some("key")).await;
    assert!(first.lead.is_some());
    tokio::time::advance(Duration::from_secs(3_599)).await;
    assert_eq!(order(&gather, &cx, "note", Some("key")).await.lead, first.lead);
    tokio::time::advance(Duration::from_secs(1)).await;
    let again = order(&gather, &cx, "note", Some("key")).await;
    assert_eq!((again.outcome, again.lead), (first.outcome, None));
    assert_eq!(shelf.writes(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_is_not_known_is_kept_and_one_that_was_not_sent_is_not() {
    let shelf = Shelf::new();
    let gather = open(&shelf);
    *shelf.fails.lock().unwrap() = Some((Fate::Unsent, false));
    assert_eq!(code(&order(&gather, &cx(), "n", Some("k")).await), WriteErrorCode::SourceFailed);
    *shelf.fails.lock().unwrap() = Some((Fate::Unknown, false));
    assert_eq!(code(&order(&gather, &cx(), "n", Some("k")).await), WriteErrorCode::OutcomeUnknown);
    assert_eq!(code(&order(&gather, &cx(), "n", Some("k")).await), WriteErrorCode::OutcomeUnknown);
    assert_eq!((shelf.writes(), shelf.notes().len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn keys_are_remembered_within_a_bound_the_oldest_go_first() {
    let shelf = Shelf::new();
    let gather = open(&shelf);
    let cx = cx();
    // As many as are kept, and one more. None of them can be sent, and yet each holds its key while it is under way.
    let first = order(&gather, &cx, "first", Some("first")).await;
    assert_eq!(first.outcome, Outcome::Applied);
    let gather = &gather;
    for at in 0..10_000 {
        *shelf.fails.lock().unwrap() = Some((Fate::Invalid, false));
        order(gather, &cx, "n", Some(&at.to_string())).await;
    }
    let writes = shelf.writes();
    order(gather, &cx, "n", Some("9999")).await;
    assert_eq!(shelf.writes(), writes, "the newest are known");
    order(gather, &cx, "first", Some("first")).await;
    assert_eq!(shelf.writes(), writes + 1, "the oldest is not");
}

#[tokio::test(start_paused = true)]
async fn a_caller_with_many_keys_pushes_out_its_own_and_nobody_elses() {
    let shelf = Shelf::new();
    let gather = open(&shelf);
    let (modest, greedy) = (called("modest"), called("greedy"));
    let gather = &gather;
    let given = async |cx: &Cx, key: &str| {
        let writes = shelf.writes();
        *shelf.fails.lock().unwrap() = Some((Fate::Invalid, false));
        order(gather, cx, "n", Some(key)).await;
        shelf.fails.lock().unwrap().take();
        shelf.writes() == writes
    };
    for at in 0..3 {
        assert!(!given(&modest, &at.to_string()).await);
    }
    for at in 0..10_000 {
        assert!(!given(&greedy, &at.to_string()).await);
    }
    for at in 0..3 {
        assert!(given(&modest, &at.to_string()).await, "{at} is known");
    }
    assert!(given(&greedy, "9999").await && given(&greedy, "3").await);
    assert!(!given(&greedy, "2").await, "those of its own that had to go");
}

#[tokio::test(start_paused = true)]
async fn orders_that_could_not_be_sent_push_out_no_key() {
    let shelf = Shelf::new();
    let gather = open(&shelf);
    assert_eq!(order(&gather, &cx(), "first", Some("first")).await.outcome, Outcome::Applied);
    for _ in 0..10_001 {
        *shelf.fails.lock().unwrap() = Some((Fate::Unsent, false));
        order(&gather, &called("other"), "n", Some("k")).await;
    }
    let writes = shelf.writes();
    order(&gather, &cx(), "first", Some("first")).await;
    assert_eq!(shelf.writes(), writes, "it is known");
}

#[tokio::test(start_paused = true)]
async fn a_note_waits_until_the_vendor_shows_the_last_one() {
    let shelf = Shelf::new();
    let gather = open(&shelf);
    let before = shelf.lead.lock().unwrap().clone();
    assert_eq!(order(&gather, &cx(), "a", None).await.outcome, Outcome::Applied);
    let after = std::mem::replace(&mut *shelf.lead.lock().unwrap(), before);
    let early = order(&gather, &cx(), "b", Some("k")).await;
    assert_eq!((early.outcome, code(&early)), (Outcome::NotApplied, WriteErrorCode::SourceFailed));
    assert_eq!((shelf.writes(), early.lead.unwrap().notes.len()), (1, 1));
    *shelf.lead.lock().unwrap() = after;
    assert_eq!(order(&gather, &cx(), "b", Some("k")).await.outcome, Outcome::Applied);
    assert_eq!(shelf.notes(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_note_waits_until_it_is_known_whether_the_last_one_was_written() {
    for made in [true, false] {
        let shelf = Shelf::new();
        let gather = open(&shelf);
        *shelf.fails.lock().unwrap() = Some((Fate::Unknown, false));
        assert_eq!(code(&order(&gather, &cx(), "a", None).await), WriteErrorCode::OutcomeUnknown);
        let early = order(&gather, &cx(), "b", Some("k")).await;
        assert_eq!((early.outcome, code(&early)), (Outcome::NotApplied, WriteErrorCode::SourceFailed));
        assert_eq!(shelf.writes(), 1);
        let lead = shelf.lead.lock().unwrap().clone();
        let status = LeadUpdate { vendor_status: Some("signed".to_owned()), ..LeadUpdate::default() };
        let other =
            WriteOrder { lead: lead.key.clone(), change: status, if_updated_at: None, idempotency_key: None };
        assert_eq!(gather.update_lead(&cx(), other).await.outcome, Outcome::Applied, "which undoes no note");
        if made {
            // The vendor had it all the time, and shows it now.
            let note = LeadNote { id: "1".to_owned(), text: "a".to_owned(), created_at: None, author: None };
            *shelf.lead.lock().unwrap() = Lead { notes: vec![note], updated_at: Some(at(60_000)), ..lead };
        } else {
            advance(Duration::from_secs(10)).await;
        }
        assert_eq!(order(&gather, &cx(), "b", Some("k")).await.outcome, Outcome::Applied);
        assert_eq!(shelf.notes(), if made { vec!["a", "b"] } else { vec!["b"] });
    }
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_says_it_is_done_is_believed_until_a_newer_read_denies_it() {
    for (age, outcome) in [(0, Outcome::Applied), (1, Outcome::Unknown)] {
        let shelf = Shelf::new();
        let lead = Lead { updated_at: Some(at(age)), ..shelf.lead.lock().unwrap().clone() };
        let key = lead.key.clone();
        *shelf.claims.lock().unwrap() = Some(lead);
        let change = LeadUpdate { vendor_status: Some("signed".to_owned()), ..LeadUpdate::default() };
        let order = WriteOrder { lead: key, change, if_updated_at: None, idempotency_key: None };
        assert_eq!(open(&shelf).update_lead(&cx(), order).await.outcome, outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn a_doubtful_write_is_looked_for() {
    for (made, outcome) in [(true, Outcome::Applied), (false, Outcome::Unknown)] {
        let shelf = Shelf::new();
        *shelf.fails.lock().unwrap() = Some((Fate::Unknown, made));
        let written = order(&open(&shelf), &cx(), "n", None).await;
        assert_eq!((written.outcome, shelf.writes()), (outcome, 1));
        assert_eq!(written.lead.unwrap().notes.len(), usize::from(made), "as it was last seen");
    }
}

#[tokio::test(start_paused = true)]
async fn who_listens_is_told_of_what_was_applied_and_of_nothing_else() {
    let shelf = Shelf::new();
    let gather = open(&shelf);
    let heard: Arc<Mutex<Vec<usize>>> = Arc::default();
    let ear = Arc::clone(&heard);
    gather.on_write(move |_, lead| ear.lock().unwrap().push(lead.notes.len()));
    order(&gather, &cx(), "one", None).await;
    *shelf.fails.lock().unwrap() = Some((Fate::Unknown, false));
    order(&gather, &cx(), "two", None).await;
    advance(Duration::from_secs(10)).await;
    order(&gather, &cx(), "three", None).await;
    assert_eq!(*heard.lock().unwrap(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_write_is_laid_over_older_reads_for_ten_seconds_and_not_over_newer_ones() {
    let shelf = Shelf::new();
    let gather = open(&shelf);
    let before = shelf.lead.lock().unwrap().clone();
    let written = order(&gather, &cx(), "ours", None).await.lead.unwrap();
    let seen = async || {
        gather.forget(crate::model::id::EntityKind::Lead, &written.key);
        let found = gather.leads_by_key(&cx(), std::slice::from_ref(&written.key)).await;
        found[&written.key].clone().unwrap().unwrap().notes.len()
    };
    // The vendor tells what was before.
    *shelf.lead.lock().unwrap() = before.clone();
    assert_eq!(seen().await, 1);
    advance(Duration::from_secs(9)).await;
    assert_eq!(seen().await, 1);
    advance(Duration::from_secs(2)).await;
    assert_eq!(seen().await, 0, "it never had it, or lost it: that is not hidden for ever");

    order(&gather, &cx(), "ours", None).await;
    let note = |n: u32| LeadNote { id: n.to_string(), text: n.to_string(), created_at: None, author: None };
    let newer = Lead { updated_at: Some(at(60_000)), notes: (0..5).map(note).collect(), ..before.clone() };
    *shelf.lead.lock().unwrap() = newer;
    assert_eq!(seen().await, 5);
    *shelf.lead.lock().unwrap() = before;
    assert_eq!(seen().await, 0, "once the vendor has shown a newer change, ours is forgotten");
}
