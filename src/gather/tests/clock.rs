//! The wall clock may be set: it jumps by an hour, and nothing ends early, hangs or is lost. All that waits or expires goes by the
//! clock that only goes on, which stands still here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::advance;

use super::model::{Model, Nature, cx, gather, rows};
use crate::gather::answer::ReportStatus;
use crate::gather::request::{InputCode, LeadFilter, Paging};
use crate::gather::settings::Settings;
use crate::gather::{Gather, answer::GatherError};
use crate::model::caps::Paging as Pages;
use crate::model::cx::Cx;

/// Jumps of the wall clock, in hours: as it was, forward, and back.
const JUMPS: [i64; 3] = [0, 1, -1];

fn jumped(hours: i64) -> Cx {
    let cx = cx();
    Cx { now: cx.now.checked_add(SignedDuration::from_hours(hours)).unwrap(), ..cx }
}

fn two() -> (Vec<Arc<Model>>, Gather) {
    let mut dice = fastrand::Rng::with_seed(8);
    let mut model =
        |name: &str, paging| Model::new(name, Nature::calm(paging), rows(name, 60, 30, &mut dice), 1);
    let models = vec![model("a", Pages::Cursor), model("b", Pages::Offset)];
    let gather = gather(&models, Settings { read_ahead: false, ..Settings::default() });
    (models, gather)
}

fn calls(models: &[Arc<Model>]) -> u32 {
    models.iter().map(|model| model.calls()).sum()
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_fresh_for_as_long_as_ever() {
    let (models, gather) = two();
    let ask = async |hours| {
        let page = gather.leads(&jumped(hours), &LeadFilter::default(), &Paging::default()).await.unwrap();
        assert!(!page.incomplete && page.nodes.len() == 25);
        page.reports.iter().map(|report| report.status).collect::<Vec<_>>()
    };
    ask(0).await;
    let before = calls(&models);
    for hours in JUMPS {
        assert_eq!(ask(hours).await, [ReportStatus::Ok; 2], "{hours}");
    }
    assert_eq!(calls(&models), before, "nothing was read anew");
    // Nor does a clock that was set back keep anything fresh.
    advance(Duration::from_secs(15)).await;
    assert_eq!(ask(-1).await, [ReportStatus::Stale; 2]);
}

#[tokio::test(start_paused = true)]
async fn walk_goes_on_and_loses_nothing() {
    let (models, gather) = two();
    let mut all: BTreeSet<String> = models.iter().flat_map(|model| model.rows()).map(|row| row.id).collect();
    let (mut after, mut turn) = (None, 0);
    loop {
        let paging = Paging { first: Some(7), after: after.clone(), ..Paging::default() };
        let cx = jumped(JUMPS[turn % JUMPS.len()]);
        let page = gather.leads(&cx, &LeadFilter::default(), &paging).await.unwrap();
        for lead in &page.nodes {
            assert!(all.remove(lead.key.native.as_str()), "{} was given twice", lead.key.native);
        }
        if !page.has_next_page {
            break;
        }
        (after, turn) = (page.end_cursor().map(str::to_owned), turn + 1);
        advance(Duration::from_secs(5)).await;
    }
    assert!(turn > 12 && all.is_empty(), "lost: {all:?}");
}

#[tokio::test(start_paused = true)]
async fn cursor_made_before_the_clock_was_set_back_is_good_and_an_old_one_is_not() {
    let (_, gather) = two();
    let ask = async |hours, after| {
        let paging = Paging { first: Some(7), after, ..Paging::default() };
        gather.leads(&jumped(hours), &LeadFilter::default(), &paging).await
    };
    let cursor = ask(1, None).await.unwrap().end_cursor().map(str::to_owned);
    assert!(cursor.is_some() && ask(-1, cursor.clone()).await.is_ok());
    match ask(26, cursor).await {
        Err(GatherError::Input(error)) => assert_eq!(error.code, InputCode::CursorExpired),
        _ => panic!("a cursor of yesterday is taken"),
    }
}
