//! From a delivery to what is published: once for each event, read once for each record, late where the vendor fails.

use std::sync::atomic::Ordering;

use http::HeaderMap;

use super::model::{Model, NOW, circumstances, heard, log, native, second};
use super::*;
use crate::events::seen::{AGE, MOST, Seen};
use crate::events::{Inbox, InboxSettings, SentAway, Told, ToldTo};
use crate::source::{self, Delivery, Hint, News, Refusal, Subject, Webhook};

/// Believes everyone. A body is `event:news:lead`; the first part tells repeats.
struct Credulous;

impl Webhook for Credulous {
    fn read(&self, delivery: &Delivery<'_>) -> Result<source::Told, Refusal> {
        let text = std::str::from_utf8(delivery.body).map_err(|_| Refusal::Unreadable)?;
        let mut parts = text.split(':');
        let mut mark = [0; 32];
        let id = parts.next().filter(|id| !id.is_empty()).ok_or(Refusal::Unproven)?;
        mark[..id.len()].copy_from_slice(id.as_bytes());
        let (news, subject): (_, fn(NativeId) -> Subject) = match parts.next() {
            Some("created") => (News::LeadCreated, Subject::Lead),
            Some("updated") => (News::LeadUpdated, Subject::Lead),
            Some("talks") => (News::ConversationChanged, Subject::Conversation),
            _ => return Ok(source::Told { mark, hint: None }),
        };
        let source = SourceId::new(parts.next().unwrap()).unwrap();
        let hint = Hint { source, news, subject: subject(native(parts.next().unwrap())), at: None };
        Ok(source::Told { mark, hint: Some(hint) })
    }
}

fn open(model: &Arc<Model>, log: &Log, told: ToldTo, settings: InboxSettings) -> Inbox {
    let webhook = Arc::new(Credulous);
    let (inbox, work) = Inbox::open(webhook, told, settings, model.gather(), log.clone(), circumstances());
    tokio::spawn(work);
    inbox
}

fn take(inbox: &Inbox, body: &str) -> Result<(), SentAway> {
    inbox.take(&Delivery { headers: &HeaderMap::new(), body: body.as_bytes(), now: second(NOW) })
}

fn ids(count: usize) -> impl Iterator<Item = (String, i64)> {
    (0..count).map(|number| (format!("lead_{number}"), NOW - number as i64))
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_events_sent_up_to_five_times_and_mixed_up_have_ten_thousand_effects() {
    const EVENTS: usize = 10_000;
    let model = Model::new(ids(EVENTS), true);
    let (log, mut listener) = log();
    let mut dice = fastrand::Rng::with_seed(26);
    let mut deliveries: Vec<usize> = (0..EVENTS).flat_map(|number| vec![number; dice.usize(1..=5)]).collect();
    dice.shuffle(&mut deliveries);
    let told = Told::default();
    let account = SourceId::new("a").unwrap();
    let mut inbox = open(&model, &log, told.to(&account), InboxSettings::default());
    let mut away = 0;
    for (place, number) in deliveries.iter().enumerate() {
        if place % 10_000 == 9_999 {
            // Another configuration takes this one's place; what was taken is still worked off.
            inbox = open(&model, &log, told.to(&account), InboxSettings::default());
        }
        // Sent again later where there was no place, as vendors do.
        while let Err(error) = take(&inbox, &format!("e{number}:updated:a:lead_{number}")) {
            assert_eq!(error, SentAway::Full);
            away += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    let heard = heard(&mut listener);
    let leads: std::collections::HashSet<_> = heard.iter().map(|(_, lead, _)| lead).collect();
    assert_eq!((heard.len(), leads.len()), (EVENTS, EVENTS));
    assert!(away > 0, "the queue was full at times");
    let calls = model.calls();
    assert!(calls <= EVENTS + EVENTS / 100, "{calls}");
}

#[tokio::test(start_paused = true)]
async fn hints_about_one_lead_are_one_read_and_each_thing_is_told_once() {
    let model = Model::new(ids(3), true);
    let (log, mut listener) = log();
    let inbox = open(&model, &log, ToldTo::default(), InboxSettings::default());
    for body in ["1:updated:a:lead_1", "2:created:a:lead_1", "3:updated:a:lead_1", "4:updated:a:lead_1"] {
        take(&inbox, body).unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let lead = || "lead_1".to_owned();
    let told = [(EventKind::LeadCreated, lead(), None), (EventKind::LeadUpdated, lead(), None)];
    assert_eq!(heard(&mut listener), told, "in the order of things");
    assert_eq!(model.calls(), 1);
    take(&inbox, "5:updated:a:lead_1").unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((heard(&mut listener).len(), model.calls()), (1, 2), "what comes later is read anew");
}

#[tokio::test(start_paused = true)]
async fn many_leads_of_one_source_are_one_page() {
    let model = Model::new(ids(30), true);
    let (log, mut listener) = log();
    let inbox = open(&model, &log, ToldTo::default(), InboxSettings::default());
    for number in 0..30 {
        take(&inbox, &format!("{number}:updated:a:lead_{number}")).unwrap();
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((heard(&mut listener).len(), model.calls()), (30, 1));
}

#[tokio::test(start_paused = true)]
async fn vendor_that_fails_is_asked_again_and_the_event_comes_late() {
    let model = Model::new(ids(1), true);
    let (log, mut listener) = log();
    let inbox = open(&model, &log, ToldTo::default(), InboxSettings::default());
    model.failing.store(2, Ordering::Relaxed);
    take(&inbox, "1:updated:a:lead_0").unwrap();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!((heard(&mut listener).len(), model.calls()), (0, 2));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((heard(&mut listener).len(), model.calls()), (1, 3));

    model.failing.store(1_000, Ordering::Relaxed);
    take(&inbox, "2:updated:a:lead_0").unwrap();
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let told = [(EventKind::Missed, String::new(), None)];
    assert_eq!(heard(&mut listener), told, "whoever listens is told that something is missing");
    assert_eq!(model.calls(), 8, "given up after five times");
    model.failing.store(0, Ordering::Relaxed);
    take(&inbox, "3:updated:a:lead_0").unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(heard(&mut listener).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn leads_are_read_one_after_the_other_so_that_none_is_refused() {
    let model = Model::new(ids(2), true);
    let (log, mut listener) = log();
    let inbox = open(&model, &log, ToldTo::default(), InboxSettings::default());
    (0..2).for_each(|number| take(&inbox, &format!("{number}:updated:a:lead_{number}")).unwrap());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!((heard(&mut listener).len(), model.calls()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_we_refuse_ourselves_costs_no_try_and_comes_soon() {
    let model = Model::new(ids(1), true);
    let (log, mut listener) = log();
    let inbox = open(&model, &log, ToldTo::default(), InboxSettings::default());
    model.refused.store(20, Ordering::Relaxed);
    take(&inbox, "1:updated:a:lead_0").unwrap();
    tokio::time::sleep(Duration::from_secs(19)).await;
    assert_eq!((heard(&mut listener).len(), model.calls()), (0, 0));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((heard(&mut listener).len(), model.calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn news_of_a_lead_that_is_tried_again_is_read_at_once() {
    let model = Model::new(ids(1), true);
    let (log, mut listener) = log();
    let inbox = open(&model, &log, ToldTo::default(), InboxSettings::default());
    model.failing.store(4, Ordering::Relaxed);
    take(&inbox, "1:created:a:lead_0").unwrap();
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!((heard(&mut listener).len(), model.calls()), (0, 4));
    take(&inbox, "2:updated:a:lead_0").unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((heard(&mut listener).len(), model.calls()), (2, 5));

    model.failing.store(6, Ordering::Relaxed);
    take(&inbox, "3:created:a:lead_0").unwrap();
    tokio::time::sleep(Duration::from_secs(50)).await;
    take(&inbox, "4:updated:a:lead_0").unwrap();
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!((heard(&mut listener).len(), model.calls()), (2, 12), "it has tries of its own");
}

#[tokio::test(start_paused = true)]
async fn what_the_vendor_does_not_have_is_looked_for_twice_and_never_told() {
    let model = Model::new(ids(1), true);
    let (log, mut listener) = log();
    let inbox = open(&model, &log, ToldTo::default(), InboxSettings::default());
    take(&inbox, "1:created:a:nobody").unwrap();
    take(&inbox, "2:created:elsewhere:lead_0").unwrap();
    take(&inbox, "3:talks:a:talk_1").unwrap();
    take(&inbox, "4").unwrap();
    assert_eq!(take(&inbox, ""), Err(SentAway::Refused(Refusal::Unproven)));
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!((heard(&mut listener).len(), model.calls()), (0, 2));
    // It may come a moment later than the vendor tells of it.
    take(&inbox, "5:created:a:late").unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    model.leads.lock().unwrap().insert("late".to_owned(), (NOW, "new"));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(heard(&mut listener), [(EventKind::LeadCreated, "late".to_owned(), None)]);
}

#[tokio::test(start_paused = true)]
async fn marks_are_kept_for_a_day_and_so_many() {
    let mark = |number: usize| {
        let mut mark = [0; 32];
        mark[..8].copy_from_slice(&number.to_be_bytes());
        mark
    };
    let mut seen = Seen::default();
    (0..MOST).for_each(|number| seen.add(mark(number)));
    assert!(seen.holds(&mark(0)) && seen.holds(&mark(MOST - 1)) && !seen.holds(&mark(MOST)));
    seen.add(mark(MOST));
    assert!(!seen.holds(&mark(0)) && seen.holds(&mark(1)), "the oldest went");
    tokio::time::advance(AGE - Duration::from_secs(1)).await;
    assert!(seen.holds(&mark(1)));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!seen.holds(&mark(MOST)));
}
