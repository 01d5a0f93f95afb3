//! What nobody tells is looked for while somebody listens.

use std::sync::atomic::Ordering;

use super::model::{Model, NOW, circumstances, heard, log};
use super::*;
use crate::events::{Looked, PollSettings, poll};
use crate::model::cx::Cx;

fn begin(model: &Arc<Model>, log: &Log) {
    tokio::spawn(polling(model, log, Looked::default()));
}

fn polling(model: &Arc<Model>, log: &Log, looked: Looked) -> impl Future<Output = ()> + Send + use<> {
    poll(model.gather(), log.clone(), PollSettings::default(), circumstances(), looked)
}

/// A lead as someone else tells it who has just read it.
fn fresh(key: Key) -> Lead {
    Lead { vendor_status: Some("new".to_owned()), ..Lead::bare(key, Vendor::LeadSail) }
}

/// The cursor behind what can be heard now, of which there is something.
fn cursor(listener: &mut Listener) -> String {
    let mut last = None;
    while let Some(heard) = listener.next(|_| true).now_or_never() {
        last = heard.unwrap().mark.cursor();
    }
    last.unwrap()
}

/// A source with one lead that was looked at, and the cursor of somebody who heard of another one there and left.
async fn left(model: &Arc<Model>, log: &Log, mut listener: Listener) -> String {
    begin(model, log);
    after(30).await;
    model.leads.lock().unwrap().insert("heard".to_owned(), now(31));
    after(60).await;
    cursor(&mut listener)
}

async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn now(seconds: i64) -> (i64, &'static str) {
    (NOW + seconds, "new")
}

#[tokio::test(start_paused = true)]
async fn nobody_listens_and_nobody_is_asked() {
    let model = Model::new([("old".to_owned(), NOW - 100)], false);
    let (log, listener) = log();
    drop(listener);
    begin(&model, &log);
    after(3_600).await;
    assert_eq!(model.calls(), 0);
    let mut listener = log.listen(&caller("x"), None).unwrap();
    after(30).await;
    assert_eq!(model.calls(), 2, "its list, and what happened with its newest lead");
    after(60).await;
    assert_eq!(model.calls(), 3, "a minute later its list alone");
    assert_eq!(heard(&mut listener), [], "what there was is no news");
    drop(listener);
    after(10).await;
    let calls = model.calls();
    after(3_600).await;
    assert_eq!(model.calls(), calls);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_takes_nothing_from_those_who_ask() {
    let model = Model::new([("old".to_owned(), NOW - 100)], false);
    let ((log, _listener), gather, circumstances) = (log(), model.gather(), circumstances());
    let (settings, looked) = (PollSettings::default(), Looked::default());
    tokio::spawn(poll(gather.clone(), log.clone(), settings, Arc::clone(&circumstances), looked));
    after(30).await;
    model.failing.store(1_000, Ordering::Relaxed);
    after(60).await;
    let cx = Cx { background: false, ..circumstances() };
    let leads = gather.newest_leads(&cx, &SourceId::new("a").unwrap()).await;
    assert_eq!(leads.map(|leads| leads.len()).ok(), Some(1), "what was read before stands in");
}

#[tokio::test(start_paused = true)]
async fn leads_that_come_and_change_are_told_once() {
    let model = Model::new([("old".to_owned(), NOW - 100_000)], false);
    let (log, mut listener) = log();
    begin(&model, &log);
    after(30).await;
    model.leads.lock().unwrap().insert("new".to_owned(), now(31));
    after(60).await;
    assert_eq!(heard(&mut listener), [(EventKind::LeadCreated, "new".to_owned(), None)]);
    model.leads.lock().unwrap().insert("old".to_owned(), (NOW - 100_000, "contacted"));
    // Older than what could have been missed: it was only not on the page.
    model.leads.lock().unwrap().insert("older".to_owned(), (NOW - 200_000, "new"));
    after(60).await;
    assert_eq!(heard(&mut listener), [(EventKind::LeadUpdated, "old".to_owned(), None)]);
    after(600).await;
    assert_eq!(heard(&mut listener), []);
}

#[tokio::test(start_paused = true)]
async fn source_that_tells_by_itself_is_looked_at_seldom_and_what_it_told_is_not_told_again() {
    let model = Model::new([("old".to_owned(), NOW - 100_000)], true);
    let (log, mut listener) = log();
    begin(&model, &log);
    after(30).await;
    let calls = model.calls();
    for id in ["told", "lost"] {
        model.leads.lock().unwrap().insert(id.to_owned(), now(40));
    }
    let mut event = event(0, "a");
    let key = Key { source: event.source.clone(), native: NativeId::new("told").unwrap(), day: None };
    (event.kind, event.lead) = (EventKind::LeadCreated, Some(Arc::new(fresh(key))));
    log.publish(event);
    assert_eq!(heard(&mut listener).len(), 1);
    after(240).await;
    assert_eq!(model.calls(), calls);
    after(60).await;
    assert_eq!(heard(&mut listener), [(EventKind::LeadCreated, "lost".to_owned(), None)]);
}

#[tokio::test(start_paused = true)]
async fn call_in_progress_is_watched_to_its_end() {
    // C-L4: no event tells the end of a call.
    let model = Model::new([("lead".to_owned(), NOW - 100)], false);
    let touch = |busy| {
        model.touches.lock().unwrap().insert("lead".to_owned(), vec![("call", busy), ("older", false)]);
    };
    touch(true);
    let (log, mut listener) = log();
    begin(&model, &log);
    after(200).await;
    assert_eq!(heard(&mut listener), [], "it goes on");
    touch(false);
    after(60).await;
    let told = (EventKind::InteractionAdded, "lead".to_owned(), Some("call".to_owned()));
    assert_eq!(heard(&mut listener), [told]);
    let calls = model.calls();
    after(120).await;
    assert_eq!(heard(&mut listener), []);
    assert_eq!(model.calls() - calls, 2, "its list only");
}

#[tokio::test(start_paused = true)]
async fn history_that_cannot_be_read_is_read_at_the_next_look_and_the_others_at_once() {
    let model = Model::new([("old".to_owned(), NOW - 100_000)], false);
    let (log, mut listener) = log();
    begin(&model, &log);
    after(30).await;
    for id in ["one", "two"] {
        model.leads.lock().unwrap().insert(id.to_owned(), now(31));
        model.touches.lock().unwrap().insert(id.to_owned(), vec![(id, true)]);
    }
    model.unread.store(1, Ordering::Relaxed);
    after(60).await;
    assert_eq!(heard(&mut listener).len(), 2, "the leads themselves");
    let calls = model.calls();
    after(60).await;
    assert_eq!(model.calls() - calls, 3, "the list, what was read and what was not");
    for id in ["one", "two"] {
        model.touches.lock().unwrap().insert(id.to_owned(), vec![(id, false)]);
    }
    after(60).await;
    assert_eq!(heard(&mut listener).len(), 2, "both are watched");
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_nobody_listens_is_told_to_who_comes_back() {
    let model = Model::new([("old".to_owned(), NOW - 100_000)], false);
    let (log, listener) = log();
    let cursor = left(&model, &log, listener).await;
    let calls = model.calls();
    after(1_800).await;
    model.leads.lock().unwrap().insert("meanwhile".to_owned(), now(1_000));
    model.leads.lock().unwrap().insert("old".to_owned(), (NOW - 100_000, "contacted"));
    after(1_700).await;
    assert_eq!(model.calls(), calls, "nobody listens and nobody is asked");
    let mut listener = log.listen(&caller("test"), Some(&cursor)).unwrap();
    after(10).await;
    let created = (EventKind::LeadCreated, "meanwhile".to_owned(), None);
    let updated = (EventKind::LeadUpdated, "old".to_owned(), None);
    assert_eq!(heard(&mut listener), [created, updated]);
    after(600).await;
    assert_eq!(heard(&mut listener), []);
}

#[tokio::test(start_paused = true)]
async fn what_someone_else_told_while_nobody_listened_is_not_told_again() {
    let model = Model::new([("old".to_owned(), NOW - 100_000)], false);
    let (log, listener) = log();
    let cursor = left(&model, &log, listener).await;
    let key = Key { source: SourceId::new("a").unwrap(), native: NativeId::new("told").unwrap(), day: None };
    model.leads.lock().unwrap().insert("told".to_owned(), now(200));
    let lead = Some(Arc::new(fresh(key)));
    log.publish(Event { kind: EventKind::LeadCreated, lead, ..event(0, "a") });
    after(600).await;
    let mut listener = log.listen(&caller("test"), Some(&cursor)).unwrap();
    after(100).await;
    assert_eq!(heard(&mut listener), [(EventKind::LeadCreated, "told".to_owned(), None)]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_too_late_is_told_that_something_was_missed_however_late() {
    for late in [3_700, 7_200, 100_000] {
        let model = Model::new([("old".to_owned(), NOW - 100_000)], false);
        let log = Log::default();
        let listener = log.listen(&caller("test"), None).unwrap();
        let cursor = left(&model, &log, listener).await;
        after(late).await;
        let mut listener = log.listen(&caller("test"), Some(&cursor)).unwrap();
        let first = listener.next(|_| true).now_or_never().expect("nothing is told").unwrap();
        assert!(first.event.is_none_or(|event| event.kind == EventKind::Missed), "{late}");
        after(100).await;
        assert_eq!(heard(&mut listener), [], "once");
    }
}

#[tokio::test(start_paused = true)]
async fn who_left_before_anything_was_looked_at_is_told_that_something_may_be_missed() {
    for (away, told) in [(3, vec![]), (60, vec![(EventKind::Missed, String::new(), None)])] {
        let model = Model::new([("old".to_owned(), NOW - 100_000)], false);
        let (log, mut listener) = log();
        begin(&model, &log);
        log.publish(event(0, "b"));
        after(2).await;
        let cursor = cursor(&mut listener);
        drop(listener);
        after(away).await;
        assert_eq!(model.calls(), 0);
        let mut listener = log.listen(&caller("test"), Some(&cursor)).unwrap();
        after(100).await;
        assert_eq!(heard(&mut listener), told, "{away}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_new_leads_than_a_look_shows_are_told_as_missed() {
    let model = Model::new([("old".to_owned(), NOW - 100_000)], false);
    let (log, mut listener) = log();
    begin(&model, &log);
    after(30).await;
    let add = |prefix: &str, count: usize| {
        let new = (0..count).map(|number| (format!("{prefix}{number}"), now(31)));
        model.leads.lock().unwrap().extend(new);
    };
    add("a", 50);
    after(60).await;
    assert_eq!(heard(&mut listener).len(), 50, "all of them are on its first page");
    add("b", 100);
    model.leads.lock().unwrap().retain(|id, _| !id.starts_with('a'));
    add("c", 50);
    after(60).await;
    let told = heard(&mut listener);
    assert_eq!(told[0].0, EventKind::Missed);
    assert_eq!(told.len(), 101);
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_outlives_a_configuration() {
    let model = Model::new([("old".to_owned(), NOW - 100_000)], false);
    let (log, mut listener) = log();
    let looked = Looked::default();
    let before = tokio::spawn(polling(&model, &log, looked.clone()));
    after(30).await;
    before.abort();
    model.leads.lock().unwrap().insert("meanwhile".to_owned(), now(31));
    tokio::spawn(polling(&model, &log, looked));
    after(60).await;
    assert_eq!(heard(&mut listener), [(EventKind::LeadCreated, "meanwhile".to_owned(), None)]);
}

#[tokio::test(start_paused = true)]
async fn second_change_behind_one_that_someone_else_told_is_told() {
    let model = Model::new([("old".to_owned(), NOW - 100_000)], true);
    let (log, mut listener) = log();
    begin(&model, &log);
    after(30).await;
    let key = Key { source: SourceId::new("a").unwrap(), native: NativeId::new("old").unwrap(), day: None };
    let first = Lead { vendor_status: Some("contacted".to_owned()), ..fresh(key) };
    log.publish(Event { lead: Some(Arc::new(first)), ..event(0, "a") });
    model.leads.lock().unwrap().insert("old".to_owned(), (NOW - 100_000, "signed"));
    after(300).await;
    assert_eq!(heard(&mut listener).len(), 2, "what was told, and what came of it then");
    after(600).await;
    assert_eq!(heard(&mut listener), []);
}

#[tokio::test(start_paused = true)]
async fn source_that_cannot_be_looked_at_is_told_as_missed_once_it_can() {
    let model = Model::new([("old".to_owned(), NOW - 100_000)], false);
    let (log, mut listener) = log();
    model.failing.store(1, Ordering::Relaxed);
    begin(&model, &log);
    after(30).await;
    assert_eq!(heard(&mut listener), []);
    after(60).await;
    assert_eq!(heard(&mut listener), [(EventKind::Missed, String::new(), None)]);
    after(600).await;
    assert_eq!(heard(&mut listener), []);
}

#[tokio::test(start_paused = true)]
async fn interactions_of_all_leads_that_moved_are_read_look_by_look() {
    let model = Model::new([("old".to_owned(), NOW - 100_000)], false);
    let (log, mut listener) = log();
    begin(&model, &log);
    after(30).await;
    for number in 0..25 {
        let id = format!("n{number}");
        model.touches.lock().unwrap().insert(id.clone(), vec![(["x", "y"][number % 2], false)]);
        model.leads.lock().unwrap().insert(id, now(31));
    }
    let calls = model.calls();
    after(180).await;
    assert_eq!(heard(&mut listener).iter().filter(|told| told.0 == EventKind::LeadCreated).count(), 25);
    assert_eq!(model.calls() - calls, 3 + 25, "three looks, and each lead once");
    after(120).await;
    assert_eq!(model.calls() - calls, 5 + 25);
}
