mod echo;
mod inbox;
mod model;
mod poll;

use futures_util::FutureExt;
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::model::id::{Key, NativeId};

fn caller(name: &str) -> Arc<str> {
    Arc::from(name)
}

/// An event that bears a number, at one of two sources.
fn event(number: i64, source: &str) -> Event {
    let at = Timestamp::from_second(number).unwrap();
    Event::new(EventKind::LeadUpdated, SourceId::new(source).unwrap(), Vendor::Spelo, at)
}

fn log(change: impl FnOnce(&mut Settings)) -> Log {
    let mut settings = Settings::default();
    change(&mut settings);
    Log::new(settings)
}

/// What is there to be heard without waiting: numbers of events, or `None` where some were missed.
fn heard(listener: &mut Listener) -> (Vec<Option<i64>>, Option<Mark>) {
    let (mut numbers, mut mark) = (Vec::new(), None);
    while let Some(Ok(heard)) = listener.next(|_| true).now_or_never() {
        numbers.push(heard.event.map(|event| event.received_at.as_second()));
        mark = Some(heard.mark);
    }
    (numbers, mark)
}

#[test]
fn everyone_hears_what_is_published_from_then_on() {
    let log = log(|_| {});
    log.publish(event(0, "a"));
    let (mut one, mut other) =
        (log.listen(&caller("x"), None).unwrap(), log.listen(&caller("y"), None).unwrap());
    assert_eq!(log.listeners(), 2);
    log.publish(event(1, "a"));
    log.publish(event(2, "b"));
    assert_eq!(heard(&mut one).0, [Some(1), Some(2)]);
    drop(one);
    log.publish(event(3, "a"));
    assert_eq!(heard(&mut other).0, [Some(1), Some(2), Some(3)], "others go on where the first leaves");
    assert_eq!(log.listeners(), 1);
}

#[test]
fn listener_that_comes_back_hears_what_it_missed() {
    let log = log(|_| {});
    let mut first = log.listen(&caller("x"), None).unwrap();
    log.publish(event(0, "a"));
    let cursor = heard(&mut first).1.unwrap().cursor().unwrap();
    drop(first);
    (1..5).for_each(|number| log.publish(event(number, "a")));
    let mut again = log.listen(&caller("x"), Some(&cursor)).unwrap();
    assert_eq!(heard(&mut again).0, [Some(1), Some(2), Some(3), Some(4)]);
}

#[test]
fn one_place_has_one_cursor_which_tells_nothing() {
    let log = log(|_| {});
    let mut listener = log.listen(&caller("x"), None).unwrap();
    let mut cursors = Vec::new();
    for number in 0..3 {
        log.publish(event(number, "a"));
        let mark = heard(&mut listener).1.unwrap();
        assert_eq!(mark.cursor(), mark.cursor());
        cursors.push(mark.cursor().unwrap());
    }
    cursors.dedup();
    assert_eq!(cursors.len(), 3);
    let other = super::log::Log::new(Settings::default());
    let mut listener = other.listen(&caller("x"), None).unwrap();
    other.publish(event(0, "a"));
    assert_ne!(heard(&mut listener).1.unwrap().cursor().unwrap(), cursors[0], "another life");
}

#[test]
fn cursor_of_another_life_or_of_what_is_forgotten_says_that_events_were_missed() {
    let past = log(|_| {});
    let mut listener = past.listen(&caller("x"), None).unwrap();
    past.publish(event(0, "a"));
    let old = heard(&mut listener).1.unwrap().cursor().unwrap();
    let log = log(|settings| settings.max_events = 3);
    log.publish(event(0, "a"));
    let mut again = log.listen(&caller("x"), Some(&old)).unwrap();
    log.publish(event(1, "a"));
    let (numbers, _) = heard(&mut again);
    assert_eq!(numbers, [None, Some(1)], "and it goes on from there");

    let mut listener = log.listen(&caller("x"), None).unwrap();
    log.publish(event(2, "a"));
    let kept = heard(&mut listener).1.unwrap().cursor().unwrap();
    drop(listener);
    (3..6).for_each(|number| log.publish(event(number, "a")));
    let mut again = log.listen(&caller("x"), Some(&kept)).unwrap();
    assert_eq!(heard(&mut again).0, [Some(3), Some(4), Some(5)], "the log just reaches back");
    log.publish(event(6, "a"));
    let mut again = log.listen(&caller("x"), Some(&kept)).unwrap();
    assert_eq!(heard(&mut again).0, [None], "it no longer does");
    let cursor = {
        let mut lagged = log.listen(&caller("x"), Some(&kept)).unwrap();
        heard(&mut lagged).1.unwrap().cursor().unwrap()
    };
    log.publish(event(7, "a"));
    let mut again = log.listen(&caller("x"), Some(&cursor)).unwrap();
    assert_eq!(heard(&mut again).0, [Some(7)], "what tells of a gap has a cursor, too");
}

#[test]
fn cursor_that_is_none_or_is_anothers_is_refused() {
    let log = log(|_| {});
    let mut listener = log.listen(&caller("x"), None).unwrap();
    log.publish(event(0, "a"));
    let cursor = heard(&mut listener).1.unwrap().cursor().unwrap();
    assert_eq!(log.listen(&caller("y"), Some(&cursor)).unwrap_err(), BadCursor, "another caller's");
    for place in (0..cursor.len()).filter(|place| *place != 0) {
        let mut text = cursor.clone().into_bytes();
        text[place] = if text[place] == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(text).unwrap();
        let opened = log.listen(&caller("x"), Some(&text));
        // A life that was altered is another life. All else is found out.
        let lagged = opened.map(|mut listener| heard(&mut listener).0);
        assert!(matches!(lagged.as_deref(), Err(BadCursor) | Ok([None])), "{place}: {lagged:?}");
        assert!(place < 13 || lagged.is_err(), "{place}");
    }
    let long = "A".repeat(1 << 20);
    for text in ["", "x", "!", &cursor[1..], &cursor[..cursor.len() - 1], &long] {
        assert_eq!(log.listen(&caller("x"), Some(text)).unwrap_err(), BadCursor, "{text:.20}");
    }
    assert_eq!(log.listeners(), 1, "who was refused does not listen");
}

#[test]
fn bounds_hold_whatever_is_published() {
    let heavy = |number| {
        let key = Key { source: SourceId::new("a").unwrap(), native: NativeId::new("1").unwrap(), day: None };
        let mut lead = Lead::bare(key, Vendor::Spelo);
        lead.name = Some("x".repeat(10_000));
        Event { lead: Some(Arc::new(lead)), ..event(number, "a") }
    };
    let log = log(|settings| settings.max_bytes = 30_000);
    let mut start = log.listen(&caller("x"), None).unwrap();
    log.publish(event(0, "a"));
    let cursor = heard(&mut start).1.unwrap().cursor().unwrap();
    (1..=2).for_each(|number| log.publish(heavy(number)));
    let mut all = log.listen(&caller("x"), Some(&cursor)).unwrap();
    assert_eq!(heard(&mut all).0, [Some(1), Some(2)]);
    (3..=9).for_each(|number| log.publish(heavy(number)));
    assert_eq!(heard(&mut log.listen(&caller("x"), Some(&cursor)).unwrap()).0, [None]);

    let tiny = super::log::Log::new(Settings { max_bytes: 1, ..Settings::default() });
    let mut listener = tiny.listen(&caller("x"), None).unwrap();
    tiny.publish(heavy(0));
    assert_eq!(heard(&mut listener).0, [Some(0)], "the newest is kept whatever it weighs");
}

#[tokio::test(start_paused = true)]
async fn events_are_forgotten_with_age() {
    let log = log(|settings| settings.max_age = Duration::from_secs(60));
    let mut listener = log.listen(&caller("x"), None).unwrap();
    log.publish(event(0, "a"));
    let cursor = heard(&mut listener).1.unwrap().cursor().unwrap();
    log.publish(event(1, "a"));
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(heard(&mut log.listen(&caller("x"), Some(&cursor)).unwrap()).0, [Some(1)]);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(heard(&mut log.listen(&caller("x"), Some(&cursor)).unwrap()).0, [None]);
}

#[test]
fn listener_too_many_events_behind_is_told_and_may_come_back() {
    let log = log(|settings| settings.max_waiting = 4);
    let mut listener = log.listen(&caller("x"), None).unwrap();
    log.publish(event(0, "a"));
    let cursor = heard(&mut listener).1.unwrap().cursor().unwrap();
    (1..=4).for_each(|number| log.publish(event(number, "a")));
    assert_eq!(heard(&mut listener).0.len(), 4, "as many as may wait");
    (5..=9).for_each(|number| log.publish(event(number, "a")));
    for _ in 0..2 {
        assert_eq!(listener.next(|_| true).now_or_never().unwrap().unwrap_err(), Overrun);
    }
    let mut again = log.listen(&caller("x"), Some(&cursor)).unwrap();
    let all: Vec<_> = (1..=9).map(Some).collect();
    assert_eq!(heard(&mut again).0, all, "what is replayed does not count as waiting");

    let mut choosy = log.listen(&caller("x"), None).unwrap();
    (10..90).for_each(|number| log.publish(event(number, "a")));
    log.publish(event(90, "b"));
    let told = choosy.next(|event| event.source.as_str() == "b").now_or_never().unwrap().unwrap();
    assert_eq!(told.event.unwrap().received_at.as_second(), 90, "only what is wanted waits");
}

#[tokio::test]
async fn who_waits_hears_at_once() {
    let log = log(|_| {});
    let waiting = {
        let log = log.clone();
        tokio::spawn(async move { log.awaited().await })
    };
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "nobody listens");
    let mut listener = log.listen(&caller("x"), None).unwrap();
    waiting.await.unwrap();
    let hearing = tokio::spawn(async move { listener.next(|event| event.source.as_str() == "b").await });
    tokio::task::yield_now().await;
    log.publish(event(0, "a"));
    tokio::task::yield_now().await;
    assert!(!hearing.is_finished());
    log.publish(event(1, "b"));
    assert_eq!(hearing.await.unwrap().unwrap().event.unwrap().received_at.as_second(), 1);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Publish(u8),
    Hear(u8),
    Cut,
    /// The process is started anew.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1_u8..6).prop_map(Step::Publish),
        4 => (1_u8..8).prop_map(Step::Hear),
        2 => Just(Step::Cut),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 0..60)
}

/// A client that wants every third event, or all; it comes back with its last cursor whenever it was cut or told to.
struct Client {
    every: i64,
    listener: Option<Listener>,
    cursor: Option<String>,
    /// The number of the last event heard, or that of the last one published as it was told of a gap.
    at: i64,
}

impl Client {
    /// Hears at most so many events; each must be the very next that is wanted, unless it is told of a gap.
    fn hear(&mut self, log: &Log, published: i64, most: u8) {
        for _ in 0..most {
            let every = self.every;
            let listener = self.listener.get_or_insert_with(|| {
                if self.cursor.is_none() {
                    self.at = published;
                }
                log.listen(&caller("x"), self.cursor.as_deref()).unwrap()
            });
            let heard = listener.next(|event| event.received_at.as_second() % every == 0).now_or_never();
            let next = (self.at + 1..=published).find(|number| number % every == 0);
            match heard {
                Some(Ok(Heard { event: Some(event), mark })) => {
                    assert_eq!(Some(event.received_at.as_second()), next, "nothing missed, nothing twice");
                    (self.at, self.cursor) = (event.received_at.as_second(), mark.cursor());
                }
                Some(Ok(Heard { event: None, mark })) => (self.at, self.cursor) = (published, mark.cursor()),
                Some(Err(Overrun)) => self.listener = None,
                None => return assert_eq!(next, None, "nothing is held back"),
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_nothing_is_missed_silently_and_nothing_heard_twice(
        steps in steps(), every in prop_oneof![Just(1_i64), Just(3)], max_events in 2_usize..12, max_waiting in 1_usize..6,
    ) {
        let settings = Settings { max_events, max_waiting, ..Settings::default() };
        let mut log = Log::new(settings);
        let mut client = Client { every, listener: None, cursor: None, at: 0 };
        let mut published = 0;
        for step in steps {
            match step {
                Step::Publish(count) => for _ in 0..count {
                    published += 1;
                    log.publish(event(published, "a"));
                },
                Step::Hear(most) => client.hear(&log, published, most),
                Step::Cut => client.listener = None,
                Step::Restart => {
                    client.listener = None;
                    log = Log::new(settings);
                }
            }
        }
        client.listener = None;
        client.hear(&log, published, u8::MAX);
    }
}
