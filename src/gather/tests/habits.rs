//! The newest days of an offset list: read as they were last found, in one round trip, whatever has happened meanwhile. On a
//! paused clock.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::model::{Model, NOW, Nature, cx, gather, patient, rows};
use crate::gather::Gather;
use crate::gather::request::{LeadFilter, Paging};
use crate::gather::settings::Settings;
use crate::model::caps::Paging as Pages;

const CALL: u64 = 50;

/// A model of so many rows in sixty days, and a gateway that uses nothing again.
fn stage(count: usize, nature: Nature) -> (Arc<Model>, Gather) {
    let model = Model::new("a", nature, rows("a", count, 60, &mut fastrand::Rng::with_seed(9)), 1);
    model.slow.store(u32::try_from(CALL).unwrap(), Ordering::Relaxed);
    let gather = gather(
        &[Arc::clone(&model)],
        Settings { list_ttl: Duration::ZERO, lead_ttl: Duration::ZERO, ..patient() },
    );
    (model, gather)
}

/// A first page: checked against the vendor's rows; the calls and the round trips it took.
async fn first(model: &Model, gather: &Gather) -> (u32, u128) {
    let (before, start) = (model.calls(), Instant::now());
    let paging = Paging { first: Some(50), ..Paging::default() };
    let page = gather.leads(&cx(), &LeadFilter::default(), &paging).await.unwrap();
    let trips = start.elapsed().as_millis() / u128::from(CALL);
    let mut expected = model.rows();
    expected.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.id.cmp(&b.id)));
    let given: Vec<_> = page.nodes.iter().map(|lead| lead.key.native.as_str()).collect();
    let expected: Vec<_> = expected.iter().take(50).map(|row| row.id.as_str()).collect();
    assert_eq!(given, expected);
    (model.calls() - before, trips)
}

#[tokio::test(start_paused = true)]
async fn newest_days_are_read_in_one_round_trip_once_they_are_known() {
    let (model, gather) = stage(600, Nature::calm(Pages::Offset));
    assert_eq!(first(&model, &gather).await, (3, 3));
    for _ in 0..3 {
        assert_eq!(first(&model, &gather).await, (2, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_came_or_went_meanwhile_are_seen() {
    let (model, gather) = stage(600, Nature::calm(Pages::Offset));
    first(&model, &gather).await;
    for number in 0..8 {
        model.insert(&format!("new-{number}"), NOW + number);
        assert_eq!(first(&model, &gather).await, (2, 1), "a few more rows do not matter");
    }
    for number in 0..30 {
        model.insert(&format!("burst-{number}"), NOW + 100 + number);
    }
    let (calls, _) = first(&model, &gather).await;
    assert!(calls <= 4, "{calls}");
    // Such days no longer fit a page, so they are chosen anew, and known again.
    assert_eq!(first(&model, &gather).await.0, 3);
    assert_eq!(first(&model, &gather).await, (2, 1));
    for _ in 0..40 {
        model.remove_newest();
    }
    first(&model, &gather).await;
    assert!(first(&model, &gather).await.0 <= 4);
}

#[tokio::test(start_paused = true)]
async fn vendors_that_cap_pages_or_list_in_any_order_are_read_right_by_habit_too() {
    for (cap, order) in
        [(30, super::model::Order::Newest), (100, super::model::Order::Any), (7, super::model::Order::Any)]
    {
        let nature = Nature { cap, order, ..Nature::calm(Pages::Offset) };
        let (model, gather) = stage(300, nature);
        for number in 0..6 {
            first(&model, &gather).await;
            model.insert(&format!("new-{number}"), NOW + number);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_filter_has_habits_of_its_own() {
    let (model, gather) = stage(600, Nature::calm(Pages::Offset));
    first(&model, &gather).await;
    let filter = LeadFilter { text: Some("nobody".to_owned()), ..LeadFilter::default() };
    let paging = Paging { first: Some(1), ..Paging::default() };
    gather.leads(&cx(), &filter, &paging).await.unwrap();
    // The last filter is remembered, and this is not the last any more.
    assert_eq!(first(&model, &gather).await, (3, 3));
}
