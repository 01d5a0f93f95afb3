//! Interactions and their recordings, against the simulator.

use std::collections::BTreeSet;

use super::*;
use crate::model::conversation::RecordingLink;
use crate::model::interaction::{Interaction, InteractionKind, InteractionStatus};
use crate::vendors::simulation::{Fault, Rule};

impl Bench {
    async fn history(&self, lead: &str) -> Page<Interaction> {
        self.source.histories().unwrap().of_lead_dyn(&cx(), &native(lead)).await.unwrap()
    }

    async fn histories(&self) -> Vec<Arc<Interaction>> {
        let mut all = Vec::new();
        for lead in self.ids() {
            all.extend(self.history(&lead).await.rows);
        }
        all
    }

    async fn interaction(&self, id: &str) -> Option<Interaction> {
        self.source.interaction_by_id().unwrap().get_dyn(&cx(), &native(id)).await.unwrap()
    }

    async fn link(&self, id: &str) -> Option<RecordingLink> {
        self.source.recordings().unwrap().link_dyn(&cx(), &native(id)).await.unwrap()
    }
}

#[tokio::test]
async fn a_history_is_one_call_most_recent_first() {
    let bench = bench(40, "").await;
    let mut kinds = BTreeSet::new();
    for lead in bench.ids() {
        let before = bench.simulator.ledger.count();
        let page = bench.history(&lead).await;
        assert_eq!(bench.simulator.ledger.count() - before, 1);
        assert_eq!((page.rejected, page.next), (0, None));
        assert!(page.rows.is_sorted_by(|one, next| one.occurred_at >= next.occurred_at));
        assert!(page.rows.iter().all(|row| row.lead == Some(native(&lead)) && row.occurred_at.is_some()));
        kinds.extend(page.rows.iter().map(|row| row.kind));
    }
    for kind in [InteractionKind::Call, InteractionKind::Sms, InteractionKind::Email, InteractionKind::Other]
    {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
}

#[tokio::test]
async fn an_unknown_lead_has_no_history() {
    let bench = bench(2, "").await;
    assert_eq!(bench.history("lead_unknown").await.sent(), 0);
    let before = bench.simulator.ledger.count();
    assert_eq!(bench.history("a/b").await.sent(), 0);
    assert_eq!(bench.simulator.ledger.count(), before, "an id that cannot stand in a path is not sent");
}

#[tokio::test]
async fn a_history_that_is_not_json_is_a_failure_and_not_empty() {
    let bench = bench(2, "").await;
    for fault in [Fault::Html, Fault::WrongJson] {
        bench.simulator.faults.set([Rule::always(fault)]);
        let id = native(&bench.ids()[0]);
        let failed = bench.source.histories().unwrap().of_lead_dyn(&cx(), &id).await.unwrap_err();
        assert_eq!(failed.kind, SourceErrorKind::Protocol);
    }
}

#[tokio::test]
async fn an_interaction_read_by_id_is_the_one_of_the_list() {
    let bench = bench(30, "").await;
    let all = bench.histories().await;
    let mail = all.iter().find(|row| row.kind == InteractionKind::Email).unwrap();
    let read = bench.interaction(mail.key.native.as_str()).await.unwrap();
    assert_eq!(read, **mail, "an e-mail does not change between reads");
    assert_eq!(bench.interaction("int_unknown_0").await, None);
    let beyond = format!("{}9", mail.key.native);
    assert_eq!(bench.interaction(&beyond).await, None);
}

#[tokio::test]
async fn a_call_in_progress_ends_when_asked_again() {
    let bench = bench(60, "").await;
    let all = bench.histories().await;
    let lasting = |row: &&Arc<Interaction>| row.status == InteractionStatus::InProgress && row.call.is_some();
    let id = all.iter().find(lasting).unwrap().key.native.as_str();
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(bench.interaction(id).await.unwrap().status);
    }
    assert!(statuses.contains(&InteractionStatus::InProgress));
    assert_ne!(statuses[4], InteractionStatus::InProgress);
}

#[tokio::test]
async fn an_sms_thread_grows_and_its_beginning_stays() {
    let bench = bench(20, "").await;
    let all = bench.histories().await;
    let thread = all.iter().find(|row| row.kind == InteractionKind::Sms).unwrap();
    let id = thread.key.native.as_str();
    let mut later = bench.interaction(id).await.unwrap();
    for _ in 0..3 {
        later = bench.interaction(id).await.unwrap();
    }
    let turns = |row: &Interaction| row.transcript.as_ref().unwrap().len();
    assert!(turns(&later) > turns(thread) && later.updated_at > thread.updated_at);
    assert_eq!(later.occurred_at, thread.occurred_at);
}

#[tokio::test]
async fn a_recording_is_told_by_its_presence_and_linked_on_demand() {
    let bench = bench(60, "").await;
    let all = bench.histories().await;
    let shown = format!("{all:?}");
    assert!(!shown.contains("rec.example") && !shown.contains("recordingUrl"), "no link is kept");
    let recorded = |row: &&Arc<Interaction>| row.call.as_ref().is_some_and(|call| call.recording.is_some());
    let with = all.iter().find(recorded).unwrap().key.native.as_str();
    let before = bench.simulator.ledger.count();
    let link = bench.link(with).await.unwrap();
    assert_eq!(link, bench.link(with).await.unwrap());
    assert!(link.url.starts_with("https://rec.example/r/") && link.expires_at.is_none());
    assert_eq!(bench.simulator.ledger.count() - before, 2, "each link is read anew");
    let without = all.iter().find(|row| !recorded(row)).unwrap().key.native.as_str();
    assert!(bench.link(without).await.is_none());
    assert!(bench.link("int_unknown_0").await.is_none());
}
