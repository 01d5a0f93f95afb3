//! Pages forwards and backwards, budgets, and what they cost.

use std::sync::Arc;

use super::model::{Model, NOW, Nature, Row, cx, gather, patient, rows};
use crate::gather::answer::{Connection, GatherError, ReportStatus};
use crate::gather::request::{InputCode, LeadFilter, Paging};
use crate::gather::settings::Settings;
use crate::model::caps::Paging as Pages;
use crate::model::failure::SourceErrorKind;
use crate::model::lead::{Lead, LeadStatus};

fn ids(page: &Connection<Lead>) -> Vec<String> {
    page.nodes.iter().map(|lead| lead.key.native.to_string()).collect()
}

fn first(count: i32, after: Option<String>) -> Paging {
    Paging { first: Some(count), after, ..Paging::default() }
}

fn last(count: i32, before: Option<String>) -> Paging {
    Paging { last: Some(count), before, ..Paging::default() }
}

fn two() -> Vec<Arc<Model>> {
    let mut dice = fastrand::Rng::with_seed(3);
    let a = rows("a", 140, 60, &mut dice);
    let b = rows("b", 90, 60, &mut dice);
    vec![
        Model::new("a", Nature::calm(Pages::Cursor), a, 1),
        Model::new("b", Nature::calm(Pages::Offset), b, 2),
    ]
}

#[tokio::test]
async fn backwards_mirrors_forwards() {
    let gather = gather(&two(), patient());
    let (cx, filter) = (cx(), LeadFilter::default());
    let mut pages = vec![gather.leads(&cx, &filter, &first(30, None)).await.unwrap()];
    while pages.last().unwrap().has_next_page {
        let after = pages.last().unwrap().end_cursor().map(str::to_owned);
        pages.push(gather.leads(&cx, &filter, &first(30, after)).await.unwrap());
    }
    let calls = cx.meter.calls();
    for pair in pages.windows(2) {
        let back =
            gather.leads(&cx, &filter, &last(30, pair[1].start_cursor().map(str::to_owned))).await.unwrap();
        assert_eq!(ids(&back), ids(&pair[0]));
        assert_eq!(back.has_previous_page, pair[0].has_previous_page);
        assert!(back.has_next_page);
    }
    let end = gather.leads(&cx, &filter, &last(30, None)).await.unwrap();
    let all: Vec<_> = pages.iter().flat_map(|page| ids(page)).collect();
    assert_eq!(ids(&end), all[all.len() - 30..]);
    assert!(!end.has_next_page && end.has_previous_page);
    assert_eq!(cx.meter.calls(), calls, "what has been read is not read again");
}

#[tokio::test]
async fn any_edge_can_be_gone_on_from() {
    let gather = gather(&two(), patient());
    let (cx, filter) = (cx(), LeadFilter::default());
    let page = gather.leads(&cx, &filter, &first(100, None)).await.unwrap();
    let all = ids(&page);
    for index in [0, 1, 17, 98] {
        let rest =
            gather.leads(&cx, &filter, &first(1, page.cursor(index).map(str::to_owned))).await.unwrap();
        assert_eq!(ids(&rest), all[index + 1..index + 2]);
    }
    assert_eq!(page.cursor(99), page.end_cursor());
    assert_eq!(page.cursor(100), None);
}

#[tokio::test]
async fn reading_backwards_too_far_says_so() {
    let gather = gather(&two(), Settings { backward_records: 100, ..patient() });
    let outcome = gather.leads(&cx(), &LeadFilter::default(), &last(10, None)).await;
    assert!(matches!(outcome, Err(GatherError::Input(error)) if error.code == InputCode::BackwardLimit));
}

#[tokio::test]
async fn a_search_that_costs_too_much_stops_in_order_and_goes_on_behind_what_it_saw() {
    // One record in a thousand matches, and it is the oldest.
    let mut rows: Vec<Row> =
        (1..1_000).map(|number| Row { id: format!("a-{number}"), at: NOW - number * 700_000 + 1 }).collect();
    rows.push(Row { id: "needle".to_owned(), at: NOW / 7 * 7 - 700_000_000 });
    let model = Model::new("a", Nature::calm(Pages::Cursor), rows.into_iter().map(off_seven).collect(), 1);
    let gather = gather(&[Arc::clone(&model)], Settings { scan_pages: 3, ..patient() });
    let filter = LeadFilter { status: Some(vec![LeadStatus::Qualified]), ..LeadFilter::default() };
    let (mut found, mut after, mut answers) = (Vec::new(), None, 0);
    loop {
        let before = model.calls();
        let page = gather.leads(&cx(), &filter, &first(50, after.clone())).await.unwrap();
        assert!(model.calls() - before <= 3, "more than the budget");
        found.extend(ids(&page));
        answers += 1;
        if !page.has_next_page {
            break;
        }
        assert!(page.incomplete);
        assert_eq!(page.reports[0].status, ReportStatus::Partial);
        let error = page.reports[0].error.as_ref().unwrap();
        assert_eq!(error.kind, SourceErrorKind::BudgetExhausted);
        assert_ne!(page.end_cursor().map(str::to_owned), after, "no progress");
        after = page.end_cursor().map(str::to_owned);
    }
    assert_eq!(found, ["needle"]);
    assert_eq!(answers, 4);
}

/// Moves all rows but the needle off the moments that match.
fn off_seven(mut row: Row) -> Row {
    if row.id != "needle" && row.at % 7 == 0 {
        row.at += 1;
    }
    row
}

#[tokio::test]
async fn a_first_page_of_a_list_by_offset_costs_three_calls() {
    let rows =
        (0..1_000).map(|number| Row { id: number.to_string(), at: NOW - number * 8_640_000 }).collect();
    let model = Model::new("a", Nature::calm(Pages::Offset), rows, 1);
    let gather = gather(&[Arc::clone(&model)], patient());
    let page = gather.leads(&cx(), &LeadFilter::default(), &first(50, None)).await.unwrap();
    assert_eq!(page.nodes.len(), 50);
    assert!(model.calls() <= 3, "{} calls", model.calls());
    assert_eq!(page.reports[0].upstream_calls, model.calls());
}

#[tokio::test]
async fn pages_of_nothing_but_rejected_rows_are_gone_past() {
    for bad in [0..300, 200..500] {
        let id =
            |number: i64| if bad.contains(&number) { format!("bad {number}") } else { number.to_string() };
        let rows = (0..550).map(|number| Row { id: id(number), at: NOW - number * 8_640_000 }).collect();
        let model = Model::new("a", Nature::calm(Pages::Offset), rows, 1);
        let gather = gather(&[Arc::clone(&model)], patient());
        let (mut seen, mut after) = (0, None);
        for _ in 0..20 {
            let page = gather.leads(&cx(), &LeadFilter::default(), &first(100, after)).await.unwrap();
            // It costs calls, and may take a page more.
            let kind = page.reports[0].error.as_ref().map(|error| error.kind);
            assert!(matches!(kind, None | Some(SourceErrorKind::BudgetExhausted)), "{kind:?}");
            seen += page.nodes.len();
            if !page.has_next_page {
                break;
            }
            after = page.end_cursor().map(str::to_owned);
        }
        assert_eq!(seen, 250);
    }
}

#[tokio::test]
async fn records_of_one_moment_come_by_source_then_id() {
    let tied = |name: &str, ids: &[&str]| {
        let rows = ids.iter().map(|id| Row { id: (*id).to_owned(), at: NOW }).collect();
        Model::new(name, Nature::calm(Pages::Cursor), rows, 1)
    };
    let gather = gather(&[tied("b", &["2", "1"]), tied("a", &["9", "3"])], patient());
    let page = gather.leads(&cx(), &LeadFilter::default(), &Paging::default()).await.unwrap();
    assert_eq!(ids(&page), ["3", "9", "1", "2"]);
}

#[tokio::test]
async fn rows_that_come_while_a_page_is_read_are_not_in_a_later_one() {
    let models = two();
    let gather = gather(&models, Settings { list_ttl: std::time::Duration::from_nanos(1), ..patient() });
    let filter = LeadFilter::default();
    let page = gather.leads(&cx(), &filter, &first(10, None)).await.unwrap();
    models[0].insert("late", NOW + 1);
    models[1].insert("late", NOW + 1);
    let next = gather.leads(&cx(), &filter, &first(100, page.end_cursor().map(str::to_owned))).await.unwrap();
    assert!(!ids(&next).contains(&"late".to_owned()));
}

#[tokio::test]
async fn a_page_before_a_cursor_is_given_only_where_all_before_it_is_known() {
    let rows: Vec<Row> =
        (0..400).map(|number| Row { id: format!("a-{number}"), at: NOW - number * 60_000 }).collect();
    let model = Model::new("a", Nature { cap: 20, ..Nature::calm(Pages::Cursor) }, rows, 1);
    let settings = Settings { scan_pages: 2, list_ttl: std::time::Duration::from_nanos(1), ..patient() };
    let gather = gather(&[Arc::clone(&model)], settings);
    let (cx, filter) = (cx(), LeadFilter::default());
    let mut page = gather.leads(&cx, &filter, &first(100, None)).await.unwrap();
    for _ in 0..2 {
        page = gather.leads(&cx, &filter, &first(100, page.end_cursor().map(str::to_owned))).await.unwrap();
    }
    let before = page.end_cursor().map(str::to_owned);
    model.down.store(true, std::sync::atomic::Ordering::Relaxed);
    let outcome = gather.leads(&cx, &filter, &last(5, before.clone())).await;
    assert!(matches!(outcome, Err(GatherError::SourcesUnavailable { .. })));
    model.down.store(false, std::sync::atomic::Ordering::Relaxed);
    let back = gather.leads(&cx, &filter, &last(5, before)).await.unwrap();
    let end = page.nodes.len() - 1;
    assert_eq!(ids(&back), ids(&page)[end - 5..end]);
}
