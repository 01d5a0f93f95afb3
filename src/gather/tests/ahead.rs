//! Reading ahead: whoever walks finds the next page read, and who does not walk is not read for.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::SignedDuration;

use super::model::{Model, NOW, Nature, Row, cx, gather, rows};
use crate::gather::Gather;
use crate::gather::request::{LeadFilter, Paging};
use crate::gather::settings::Settings;
use crate::model::caps::Paging as Pages;
use crate::model::cx::{Cx, Meter};
use crate::model::failure::SourceErrorKind;
use crate::model::lead::LeadStatus;

/// Two vendors of 500 rows each, in pages of 50.
fn vendors() -> [Arc<Model>; 2] {
    ["a", "b"].map(|name| {
        let rows = rows(name, 500, 60, &mut fastrand::Rng::with_seed(5));
        Model::new(name, Nature { cap: 50, ..Nature::calm(Pages::Cursor) }, rows, 1)
    })
}

fn calls(models: &[Arc<Model>]) -> u32 {
    models.iter().map(|model| model.calls()).sum()
}

/// Walks at most `most` pages, each this long after the one before; answers how many leads came and how many answers had to
/// wait for a vendor.
async fn walk(gather: &Gather, pause: SignedDuration, most: usize) -> (usize, usize) {
    let (mut seen, mut waited, mut after, mut now) = (HashSet::new(), 0, None, cx().now);
    for _ in 0..most {
        let cx = Cx { now, ..cx() };
        let paging = Paging { first: Some(40), after, ..Paging::default() };
        let page = gather.leads(&cx, &LeadFilter::default(), &paging).await.unwrap();
        assert!(page.nodes.iter().all(|lead| seen.insert(lead.key.clone())), "repeated");
        waited += usize::from(cx.meter.calls() > 0);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        if !page.has_next_page {
            break;
        }
        after = page.end_cursor().map(str::to_owned);
        now += pause;
    }
    (seen.len(), waited)
}

fn settings(read_ahead: bool) -> Settings {
    Settings { read_ahead, ..Settings::default() }
}

#[tokio::test(start_paused = true)]
async fn a_walk_finds_its_pages_read_and_costs_no_call_more() {
    let plain = vendors();
    let (leads, without) = walk(&gather(&plain, settings(false)), SignedDuration::ZERO, 100).await;
    let models = vendors();
    let (same, with) = walk(&gather(&models, settings(true)), SignedDuration::ZERO, 100).await;
    assert_eq!((leads, same), (1_000, 1_000));
    assert_eq!((calls(&plain), calls(&models)), (20, 20));
    assert!(without >= 10 && with <= 2, "{with} of 25 answers waited for a vendor, without it {without}");
}

#[tokio::test(start_paused = true)]
async fn the_next_page_is_under_way_before_the_answer_that_leads_to_it_is_given() {
    let [model, _] = vendors();
    let gather = gather(&[Arc::clone(&model)], settings(true));
    let mut after = None;
    for calls in [1, 3, 4, 5] {
        let paging = Paging { first: Some(50), after, ..Paging::default() };
        let page = gather.leads(&cx(), &LeadFilter::default(), &paging).await.unwrap();
        assert_eq!(model.calls(), calls);
        after = page.end_cursor().map(str::to_owned);
    }
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_waits_for_a_long_search_is_not_read_ahead_beyond_it() {
    // Of one vendor nothing matches, of the other all; it is older, and must wait.
    let searched =
        (1..1_000).map(|number| Row { id: format!("a-{number}"), at: NOW / 7 * 7 - number * 700 + 1 });
    let found =
        (1..=80).map(|number| Row { id: format!("b-{number}"), at: NOW / 7 * 7 - 700_000 - number * 7 });
    let model = |name, cap, rows| Model::new(name, Nature { cap, ..Nature::calm(Pages::Cursor) }, rows, 1);
    let models = [model("a", 100, searched.collect()), model("b", 40, found.collect())];
    let gather = gather(&models, Settings { scan_pages: 2, ..settings(true) });
    let filter = LeadFilter { status: Some(vec![LeadStatus::Qualified]), ..LeadFilter::default() };
    let (mut after, mut seen) = (None, 0);
    while seen == 0 {
        assert!(models[1].calls() <= 1, "{} calls for what cannot be given yet", models[1].calls());
        let paging = Paging { first: Some(25), after, ..Paging::default() };
        let page = gather.leads(&cx(), &filter, &paging).await.unwrap();
        seen += page.nodes.len();
        after = page.end_cursor().map(str::to_owned);
    }
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_stops_has_read_at_most_a_page_of_each_source_for_nothing() {
    for most in 1..12 {
        let (plain, models) = (vendors(), vendors());
        walk(&gather(&plain, settings(false)), SignedDuration::ZERO, most).await;
        walk(&gather(&models, settings(true)), SignedDuration::ZERO, most).await;
        for (with, without) in models.iter().zip(&plain) {
            let more = with.calls() - without.calls();
            assert!(more <= 1, "{more} more after {most} pages");
        }
        assert!(most > 1 || calls(&models) == calls(&plain), "one page is no walk");
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_time_over_a_page_is_not_read_ahead_for() {
    let models = vendors();
    let gather = gather(&models, settings(true));
    let (_, waited) = walk(&gather, SignedDuration::from_secs(6), 100).await;
    assert!(waited >= 10 && calls(&models) == 20, "{waited} waited, {} calls", calls(&models));
}

#[tokio::test(start_paused = true)]
async fn what_there_is_no_quota_for_is_not_read_ahead_and_nobody_notices() {
    let models = vendors();
    models.iter().for_each(|model| model.thrifty.store(true, Ordering::Relaxed));
    let (leads, _) = walk(&gather(&models, settings(true)), SignedDuration::ZERO, 100).await;
    assert_eq!(leads, 1_000);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_needs_what_is_being_read_ahead_waits_for_that_read() {
    let models = vendors();
    let gather = gather(&models, settings(true));
    models.iter().for_each(|model| model.slow.store(400, Ordering::Relaxed));
    let mut after = None;
    for number in 0..25 {
        let cx = cx();
        let paging = Paging { first: Some(40), after, ..Paging::default() };
        let page = gather.leads(&cx, &LeadFilter::default(), &paging).await.unwrap();
        let failed = page.reports.iter().filter_map(|report| report.error.as_ref()).next();
        assert_eq!(failed.map(|error| error.kind), None::<SourceErrorKind>);
        // The reader takes less time over a page than the vendor does.
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(page.has_next_page, number < 24);
        after = page.end_cursor().map(str::to_owned);
    }
    assert_eq!(calls(&models), 20);
}

#[tokio::test(start_paused = true)]
async fn who_walks_pays_for_what_is_read_ahead_and_for_what_is_renewed() {
    let models = vendors();
    let gather = gather(&models, settings(true));
    let (paid, counted) = (Arc::new(AtomicU32::new(0)), Meter::default());
    let pay = Arc::clone(&paid);
    let meter = counted.clone().paid_later(move || {
        pay.fetch_add(1, Ordering::Relaxed);
    });
    let ask = async |after: Option<String>| {
        // As one of a batch has it.
        let cx = Cx { meter: meter.part(), ..cx() };
        let paging = Paging { first: Some(40), after, ..Paging::default() };
        let page = gather.leads(&cx, &LeadFilter::default(), &paging).await.unwrap();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        page.end_cursor().map(str::to_owned)
    };
    let mut after = None;
    for _ in 0..10 {
        after = ask(after).await;
    }
    let ahead = paid.load(Ordering::Relaxed);
    assert!(ahead >= 4, "{ahead}");
    assert_eq!(counted.calls() + ahead, calls(&models));
    // Old enough to be renewed by whoever reads it, who waits for nothing.
    tokio::time::advance(Settings::default().list_ttl + Duration::from_millis(10)).await;
    let before = counted.calls();
    ask(None).await;
    assert_eq!(counted.calls(), before);
    assert_eq!(counted.calls() + paid.load(Ordering::Relaxed), calls(&models));
    assert!(paid.load(Ordering::Relaxed) > ahead);
}
