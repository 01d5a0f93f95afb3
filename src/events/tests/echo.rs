//! A write of ours is told once, whoever else tells of it.

use super::model::{Seen, heard, log, native};
use super::*;
use crate::model::lead::LeadNote;

/// A change of a lead: what its note says, and what else one way to it may tell and the other not.
fn change(id: &str, note: &str, at: Option<i64>) -> Event {
    let key = Key { source: SourceId::new("a").unwrap(), native: native(id), day: None };
    let at = at.map(|at| Timestamp::from_second(at).unwrap());
    let author = at.map(|at| at.to_string());
    let note =
        LeadNote { id: author.clone().unwrap_or_default(), text: note.to_owned(), created_at: at, author };
    let lead = Lead { notes: vec![note], updated_at: at, ..Lead::bare(key, Vendor::Spelo) };
    Event { lead: Some(Arc::new(lead)), ..event(0, "a") }
}

fn told(ids: &[&str]) -> Vec<Seen> {
    ids.iter().map(|id| (EventKind::LeadUpdated, (*id).to_owned(), None)).collect()
}

#[tokio::test(start_paused = true)]
async fn vendors_word_of_our_own_write_is_told_once_whichever_comes_first() {
    for own_first in [true, false] {
        let (log, mut listener) = log();
        let own = || log.publish_own(change("x", "ours", None));
        let theirs = || log.publish(change("x", "ours", Some(7)));
        if own_first {
            own();
            theirs();
        } else {
            theirs();
            own();
        }
        log.publish(change("y", "ours", None));
        theirs();
        assert_eq!(heard(&mut listener), told(&["x", "y"]), "{own_first}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_with_the_lead_in_between_lets_no_echo_through() {
    let (log, mut listener) = log();
    log.publish_own(change("x", "ours", None));
    log.publish(Event { kind: EventKind::InteractionAdded, ..change("x", "ours", None) });
    log.publish(change("x", "ours", Some(7)));
    assert_eq!(heard(&mut listener).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_says_something_else_is_told() {
    let (log, mut listener) = log();
    log.publish_own(change("x", "ours", None));
    log.publish(change("x", "somebody else's", Some(7)));
    log.publish(change("x", "ours", Some(8)));
    log.publish_own(change("x", "ours again", None));
    log.publish(Event { kind: EventKind::LeadCreated, ..change("x", "ours again", None) });
    assert_eq!(heard(&mut listener).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_wrote_and_after_a_minute_all_is_told() {
    let (log, mut listener) = log();
    for _ in 0..2 {
        log.publish(change("x", "theirs", Some(7)));
    }
    log.publish_own(change("y", "ours", None));
    log.publish(change("x", "theirs", Some(7)));
    assert_eq!(heard(&mut listener), told(&["x", "x", "y", "x"]));
    tokio::time::advance(Duration::from_secs(60)).await;
    log.publish(change("y", "ours", Some(8)));
    assert_eq!(heard(&mut listener), told(&["y"]));
}
