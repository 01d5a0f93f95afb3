//! Merged pages that are given again: to whom, and until when.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::model::{Model, Nature, Order, cx, gather, patient, rows};
use crate::gather::Gather;
use crate::gather::answer::Connection;
use crate::gather::request::{LeadFilter, Paging, TimeRange};
use crate::gather::settings::Settings;
use crate::model::caller::Caller;
use crate::model::caps::Paging as Way;
use crate::model::cx::{Cx, Meter};
use crate::model::id::EntityKind;
use crate::model::lead::Lead;
use crate::source::Source;

type Page = Arc<Connection<Lead>>;

fn models(nature: &Nature) -> [Arc<Model>; 2] {
    let mut dice = fastrand::Rng::with_seed(5);
    ["a", "b"].map(|name| Model::new(name, nature.clone(), rows(name, 60, 30, &mut dice), 1))
}

fn first(first: i32) -> Paging {
    Paging { first: Some(first), ..Paging::default() }
}

async fn ask(gather: &Gather, cx: &Cx, paging: &Paging) -> Page {
    gather.leads(cx, &LeadFilter::default(), paging).await.unwrap()
}

/// Asks until the page is one that was given before, and answers it.
async fn kept(gather: &Gather) -> Page {
    let before = ask(gather, &cx(), &first(10)).await;
    let page = ask(gather, &cx(), &first(10)).await;
    assert!(is_again(&before, &page), "it is made anew");
    page
}

/// What is merged anew is sealed anew; what is given again shares the cursors of the one before.
fn is_again(before: &Page, page: &Page) -> bool {
    std::ptr::eq(before.end_cursor().unwrap(), page.end_cursor().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_page_is_given_again_to_its_caller_alone_and_for_the_same_page_alone() {
    let models = models(&Nature::calm(Way::Cursor));
    let gather = gather(&models, Settings::default());
    let made = ask(&gather, &cx(), &first(10)).await;
    assert_eq!(made.reports.iter().map(|report| report.upstream_calls).collect::<Vec<_>>(), [1, 1]);
    let again = kept(&gather).await;
    assert!(is_again(&made, &again));
    assert!(again.reports.iter().all(|report| report.upstream_calls == 0), "nobody calls for it");
    assert_eq!(again.nodes, made.nodes);
    let reports =
        |page: &Page| format!("{:?}", page.reports).replace("upstream_calls: 1", "upstream_calls: 0");
    assert_eq!(reports(&again), reports(&made));

    let other = Cx { caller: Caller::unrestricted("other"), ..cx() };
    assert!(!is_again(&again, &ask(&gather, &other, &first(10)).await));
    assert_eq!(ask(&gather, &cx(), &first(11)).await.nodes.len(), 11);
    assert_eq!(ask(&gather, &cx(), &Paging { last: Some(10), ..Paging::default() }).await.nodes.len(), 10);
    let to = again.nodes[4].created_at;
    let filter = LeadFilter { created: TimeRange { from: None, to }, ..LeadFilter::default() };
    let older = gather.leads(&cx(), &filter, &first(10)).await.unwrap();
    assert_ne!(older.nodes, again.nodes);
    let behind = Paging { after: again.end_cursor().map(str::to_owned), ..first(10) };
    let (one, two) = (ask(&gather, &cx(), &behind).await, ask(&gather, &cx(), &behind).await);
    assert!(!is_again(&one, &two), "of what is behind a cursor nothing is kept");
}

#[tokio::test(start_paused = true)]
async fn an_answer_rests_on_the_page_that_it_was_given_again() {
    let models = models(&Nature::calm(Way::Cursor));
    let gather = gather(&models, Settings::default());
    kept(&gather).await;
    let cx = Cx { meter: Meter::default(), ..cx() };
    ask(&gather, &cx, &first(10)).await;
    let lease = cx.meter.ground.lease().unwrap();
    assert!(lease.stands());
    gather.forget_lists(models[1].id(), EntityKind::Lead);
    assert!(!lease.stands());
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_anything_that_it_was_made_of() {
    let models = models(&Nature::calm(Way::Cursor));
    let gather = gather(&models, Settings { stale_while_revalidate: Duration::ZERO, ..Settings::default() });
    let sources = || models.iter().map(|model| Arc::clone(model) as Arc<dyn Source>);

    let before = kept(&gather).await;
    models[0].insert("new", before.nodes[0].created_at.unwrap().as_millisecond() + 1);
    gather.forget_lists(models[0].id(), EntityKind::Lead);
    let page = ask(&gather, &cx(), &first(10)).await;
    assert_eq!(page.nodes[0].key.native.as_str(), "new", "what was told is seen at once");

    let before = kept(&gather).await;
    gather.forget(EntityKind::Lead, &before.nodes[0].key);
    assert!(!is_again(&before, &ask(&gather, &cx(), &first(10)).await), "a record was forgotten");

    let before = kept(&gather).await;
    gather.set_sources(sources().take(1).collect());
    assert!(ask(&gather, &cx(), &first(10)).await.reports.len() == 1, "a source has gone");
    gather.set_sources(sources().collect());
    assert!(!is_again(&before, &ask(&gather, &cx(), &first(10)).await), "a source has come");

    let before = kept(&gather).await;
    tokio::time::advance(Settings::default().list_ttl).await;
    assert!(!is_again(&before, &ask(&gather, &cx(), &first(10)).await), "its time is over");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_whole_is_not_kept() {
    let models = models(&Nature::calm(Way::Cursor));
    let gather = gather(&models, Settings::default());
    models[1].down.store(true, Ordering::Relaxed);
    let part = ask(&gather, &cx(), &first(10)).await;
    assert!(part.incomplete);
    models[1].down.store(false, Ordering::Relaxed);
    let whole = ask(&gather, &cx(), &first(10)).await;
    assert!(!whole.incomplete && !is_again(&part, &whole), "the next to ask gets what is there again");
}

#[tokio::test]
async fn a_page_of_a_list_that_turns_out_to_be_in_another_order_is_made_anew() {
    let nature = Nature { order: Order::Strays, dated: true, ..Nature::calm(Way::Cursor) };
    let mut dice = fastrand::Rng::with_seed(8);
    let model = Model::new("a", nature, rows("a", 900, 300, &mut dice), 1);
    let gather = gather(&[model], patient());
    let before = kept(&gather).await;
    let mut page = Arc::clone(&before);
    while page.has_next_page {
        let after = page.end_cursor().map(str::to_owned);
        page = ask(&gather, &cx(), &Paging { after, ..first(100) }).await;
    }
    let anew = ask(&gather, &cx(), &first(10)).await;
    assert!(!is_again(&before, &anew));
    assert!(anew.reports[0].note.is_some_and(|note| note.contains("read by days")));
}
