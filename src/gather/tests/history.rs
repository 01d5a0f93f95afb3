//! The promise of a walk, over random histories: it loses nothing, repeats nothing, and never gets stuck.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::model::{Model, NOW, Nature, Order, Row, cx, gather, patient, rows};
use crate::gather::Gather;
use crate::gather::answer::{GatherError, ReportStatus};
use crate::gather::request::{LeadFilter, Paging};
use crate::gather::settings::Settings;
use crate::model::caps::Paging as Pages;
use crate::model::failure::SourceErrorKind;
use crate::model::lead::LeadStatus;

/// One seed, one history: vendors of any nature, rows that come and go, calls that fail, pages of any size.
async fn walk(seed: u64) -> Result<(), String> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let churn = *dice.choice(&[0, 0, 10, 40]).unwrap();
    let failing = *dice.choice(&[0, 0, 10, 20]).unwrap();
    let mut models = Vec::new();
    for number in 0..dice.usize(1..=4) {
        let paging = if dice.bool() { Pages::Cursor } else { Pages::Offset };
        let nature = Nature {
            paging,
            order: *dice
                .choice(&[Order::Newest, Order::Newest, Order::Oldest, Order::Any, Order::Strays])
                .unwrap(),
            dated: paging == Pages::Offset || dice.bool(),
            // Pages of seven shift too much under heavy churn for any proof.
            cap: *dice.choice(if churn == 40 { &[100, 50, 20] } else { &[100, 20, 7] }).unwrap(),
            zone: dice.i64(-11..=13),
            failing,
            churn,
            // A list in no known order cannot be gone on with from anywhere but where it stood.
            forgetting: 0,
        };
        let by_days = nature.dated && nature.order != Order::Strays;
        let forgets = nature.order == Order::Newest || by_days;
        let forgetting = if forgets { *dice.choice(&[0, 0, 5]).unwrap() } else { 0 };
        let nature = Nature { forgetting, ..nature };
        let name = format!("model-{number}");
        let days = *dice.choice(&[1, 5, 40, 300]).unwrap();
        let rows = rows(&name, dice.usize(0..=260), days, &mut dice);
        models.push(Model::new(&name, nature, rows, seed * 31 + number as u64));
    }
    // A window of many pages that must be read again from its start whenever one call fails may never end: it needs the cache.
    let forgetful = failing == 0 && dice.u8(0..3) == 0;
    let settings = if forgetful {
        Settings { list_ttl: Duration::from_nanos(1), past_list_ttl: Duration::from_nanos(1), ..patient() }
    } else {
        patient()
    };
    let filter = LeadFilter {
        status: (dice.u8(0..4) == 0).then(|| vec![LeadStatus::Qualified]),
        ..LeadFilter::default()
    };
    let before: Vec<Vec<Row>> = models.iter().map(|model| model.rows()).collect();
    let gather = gather(&models, settings);

    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut after = None;
    let (mut tries, mut smooth, mut last) = (0, true, i64::MAX);
    loop {
        tries += 1;
        if tries > 600 {
            return Err(format!("stuck: {} of the walk; {models:?}", seen.len()));
        }
        let paging = Paging { first: Some(dice.i32(1..=100)), after: after.clone(), ..Paging::default() };
        // Now and then a source is away for an answer.
        let away =
            if after.is_some() && dice.u8(0..20) == 0 { dice.usize(..models.len()) } else { usize::MAX };
        let here = models.iter().enumerate().filter(|(number, _)| *number != away);
        gather.set_sources(here.map(|(_, model)| Arc::clone(model) as _).collect());
        let page = match gather.leads(&cx(), &filter, &paging).await {
            Ok(page) => page,
            Err(GatherError::SourcesUnavailable { .. }) => continue,
            Err(GatherError::Input(error)) => return Err(format!("refused: {error:?}")),
        };
        let troubled =
            page.reports.iter().any(|report| report.status != ReportStatus::Ok || report.note.is_some());
        smooth &= !troubled;
        for node in &page.nodes {
            *seen.entry(node.key.native.as_str().to_owned()).or_default() += 1;
            let at = node.created_at.unwrap().as_millisecond();
            if smooth && at > last {
                return Err(format!("out of order: {}; {models:?}", node.key.native));
            }
            last = at;
        }
        if !page.has_next_page {
            // The end is the end only where everyone is there.
            if away == usize::MAX {
                break;
            }
            if page.nodes.is_empty() {
                continue;
            }
        }
        let next = page.end_cursor().map(str::to_owned);
        if next.is_none() {
            return Err("a page that has a next one has no cursor to it".to_owned());
        }
        after = next;
    }

    let repeated: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).map(|(id, _)| id).collect();
    if !repeated.is_empty() {
        return Err(format!("repeated {}, such as {}; {models:?}", repeated.len(), repeated[0]));
    }
    for (model, before) in models.iter().zip(before) {
        let now: HashSet<String> = model.rows().into_iter().map(|row| row.id).collect();
        let wanted = before.into_iter().filter(|row| filter.status.is_none() || row.at % 7 == 0);
        let lost: Vec<_> =
            wanted.filter(|row| now.contains(&row.id) && !seen.contains_key(&row.id)).collect();
        if !lost.is_empty() {
            return Err(format!("lost {}, such as {:?}; {model:?}", lost.len(), lost[0]));
        }
    }
    Ok(())
}

/// Which histories: the first 500; more of them, or a single one again, as the environment says.
#[expect(clippy::disallowed_methods, reason = "only this test looks at it")]
fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("LEADGRAPH_HISTORY") {
        Some(one) => one..one + 1,
        None => 0..number("LEADGRAPH_HISTORIES").unwrap_or(500),
    }
}

#[tokio::test]
async fn any_history_is_walked_without_loss_repeat_or_standstill() {
    let mut broken = Vec::new();
    for seed in seeds() {
        if let Err(what) = walk(seed).await {
            broken.push(format!("history {seed}: {what}"));
        }
    }
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

#[tokio::test]
async fn a_source_that_heals_catches_up() {
    let mut dice = fastrand::Rng::with_seed(1);
    let steady = Model::new("a", Nature::calm(Pages::Cursor), rows("a", 120, 30, &mut dice), 1);
    let shaky = Model::new("b", Nature::calm(Pages::Cursor), rows("b", 80, 30, &mut dice), 2);
    shaky.down.store(true, std::sync::atomic::Ordering::Relaxed);
    let gather = gather(&[Arc::clone(&steady), Arc::clone(&shaky)], patient());
    let filter = LeadFilter::default();
    let first = gather.leads(&cx(), &filter, &Paging { first: Some(50), ..Paging::default() }).await.unwrap();
    assert!(first.incomplete && first.has_next_page);
    assert_eq!(first.nodes.len(), 50);
    assert_eq!(first.reports[1].status, ReportStatus::Failed);

    shaky.down.store(false, std::sync::atomic::Ordering::Relaxed);
    let mut seen: HashSet<String> = first.nodes.iter().map(|lead| lead.key.native.to_string()).collect();
    let mut page = first;
    let mut caught_up = false;
    while page.has_next_page {
        let paging =
            Paging { first: Some(50), after: page.end_cursor().map(str::to_owned), ..Paging::default() };
        page = gather.leads(&cx(), &filter, &paging).await.unwrap();
        caught_up |= page.reports[1].catching_up;
        assert!(page.nodes.iter().all(|lead| seen.insert(lead.key.native.to_string())), "repeated");
    }
    assert!(caught_up, "nobody was told that older pages missed these");
    assert_eq!(seen.len(), 200);
}

#[tokio::test]
async fn an_answer_without_edges_is_an_error_when_only_failures_made_it_so() {
    let down = Model::new("a", Nature::calm(Pages::Cursor), Vec::new(), 1);
    down.down.store(true, std::sync::atomic::Ordering::Relaxed);
    let gather = gather(&[down], patient());
    let outcome = gather.leads(&cx(), &LeadFilter::default(), &Paging::default()).await;
    assert!(matches!(outcome, Err(GatherError::SourcesUnavailable { failures, .. }) if failures.len() == 1));
}

#[tokio::test]
async fn many_new_records_at_the_head_neither_repeat_nor_discredit_a_list() {
    let mut dice = fastrand::Rng::with_seed(2);
    let model = Model::new("a", Nature::calm(Pages::Cursor), rows("a", 400, 60, &mut dice), 1);
    let settings = Settings { list_ttl: Duration::from_nanos(1), ..patient() };
    let gather = gather(&[Arc::clone(&model)], settings);
    let filter = LeadFilter::default();
    let mut page =
        gather.leads(&cx(), &filter, &Paging { first: Some(50), ..Paging::default() }).await.unwrap();
    let mut seen: HashSet<String> = page.nodes.iter().map(|lead| lead.key.native.to_string()).collect();
    for number in 0..150 {
        model.insert(&format!("new-{number}"), NOW + 1 + number);
    }
    while page.has_next_page {
        let paging =
            Paging { first: Some(50), after: page.end_cursor().map(str::to_owned), ..Paging::default() };
        page = gather.leads(&cx(), &filter, &paging).await.unwrap();
        assert!(page.nodes.iter().all(|lead| seen.insert(lead.key.native.to_string())), "repeated");
        assert_eq!(page.reports[0].note, None, "its order was doubted");
    }
    assert_eq!(seen.len(), 400);
}

#[tokio::test]
async fn a_source_that_is_away_for_a_page_is_missed_and_comes_back_whole() {
    let mut dice = fastrand::Rng::with_seed(4);
    let models = [
        Model::new("a", Nature::calm(Pages::Cursor), rows("a", 200, 60, &mut dice), 1),
        Model::new("b", Nature::calm(Pages::Offset), rows("b", 200, 60, &mut dice), 2),
    ];
    let gather = gather(&models, patient());
    let filter = LeadFilter::default();
    let mut seen = HashSet::new();
    let mut after = None;
    for number in 0.. {
        let here = if number == 1 { 1 } else { 2 };
        gather.set_sources(models.iter().take(here).map(|model| Arc::clone(model) as _).collect());
        let page =
            gather.leads(&cx(), &filter, &Paging { first: Some(50), after, ..Paging::default() }).await;
        let page = page.unwrap();
        assert_eq!(page.incomplete, number == 1);
        assert!(page.nodes.iter().all(|lead| seen.insert(lead.key.native.to_string())), "repeated");
        if !page.has_next_page {
            break;
        }
        after = page.end_cursor().map(str::to_owned);
    }
    assert_eq!(seen.len(), 400);
}

#[tokio::test]
async fn records_without_a_time_do_not_discredit_a_long_list() {
    let mut dice = fastrand::Rng::with_seed(6);
    let model = Model::new("a", Nature::calm(Pages::Cursor), rows("a", 1_500, 60, &mut dice), 1);
    model.undate(700);
    model.undate(900);
    let gather = gather(&[Arc::clone(&model)], patient());
    let (mut seen, mut rejected, mut after) = (HashSet::new(), 0, None);
    loop {
        let paging = Paging { first: Some(100), after, ..Paging::default() };
        let page = gather.leads(&cx(), &LeadFilter::default(), &paging).await.unwrap();
        assert!(page.nodes.iter().all(|lead| seen.insert(lead.key.native.to_string())), "repeated");
        rejected += page.reports[0].rejected_records;
        assert_eq!(page.incomplete, page.reports[0].rejected_records > 0);
        if !page.has_next_page {
            break;
        }
        after = page.end_cursor().map(str::to_owned);
    }
    assert_eq!(seen.len(), 1_498);
    assert!(rejected >= 2, "nobody was told");
}

#[tokio::test]
async fn a_list_that_gives_no_times_at_all_is_walked_in_the_vendors_order() {
    let model =
        Model::new("a", Nature::calm(Pages::Cursor), rows("a", 250, 60, &mut fastrand::Rng::with_seed(6)), 1);
    (0..250).for_each(|at| model.undate(at));
    let gather = gather(&[Arc::clone(&model)], patient());
    let (mut seen, mut after) = (HashSet::new(), None);
    loop {
        let paging = Paging { first: Some(30), after, ..Paging::default() };
        let page = gather.leads(&cx(), &LeadFilter::default(), &paging).await.unwrap();
        assert!(page.nodes.iter().all(|lead| seen.insert(lead.key.native.to_string())), "repeated");
        assert!(!page.incomplete);
        if !page.has_next_page {
            break;
        }
        after = page.end_cursor().map(str::to_owned);
    }
    assert_eq!(seen.len(), 250);
}

/// A whole walk, and the notes of its pages. Nothing may come twice.
async fn notes(gather: &Gather) -> (HashSet<String>, Vec<Option<&'static str>>) {
    let (mut seen, mut notes, mut after) = (HashSet::new(), Vec::new(), None);
    loop {
        let paging = Paging { first: Some(50), after, ..Paging::default() };
        let page = gather.leads(&cx(), &LeadFilter::default(), &paging).await.unwrap();
        assert!(page.nodes.iter().all(|lead| seen.insert(lead.key.native.to_string())), "repeated");
        notes.push(page.reports[0].note);
        if !page.has_next_page {
            return (seen, notes);
        }
        after = page.end_cursor().map(str::to_owned);
    }
}

#[tokio::test]
async fn a_list_whose_order_breaks_on_the_way_is_collected_and_read_by_days_from_then_on() {
    let mut dice = fastrand::Rng::with_seed(8);
    let nature = Nature { order: Order::Strays, dated: true, ..Nature::calm(Pages::Cursor) };
    let model = Model::new("a", nature, rows("a", 900, 300, &mut dice), 1);
    let gather = gather(&[Arc::clone(&model)], patient());
    let (seen, first) = notes(&gather).await;
    let said = |notes: &[Option<&str>], what: &str| notes.iter().flatten().any(|note| note.contains(what));
    assert!(first[0].is_none() && said(&first, "collected and sorted"), "{first:?}");
    assert_eq!(seen.len(), 900);
    let (seen, second) = notes(&gather).await;
    assert!(said(&second, "read by days") && !said(&second, "collected"), "{second:?}");
    assert_eq!(seen.len(), 900);
}

#[tokio::test]
async fn a_list_that_does_not_filter_by_date_after_all_is_a_failure_with_a_bounded_cost() {
    let mut dice = fastrand::Rng::with_seed(9);
    for order in [Order::Oldest, Order::Any] {
        let nature = Nature { order, dated: true, ..Nature::calm(Pages::Cursor) };
        let model = Model::new("a", nature, rows("a", 3_000, 300, &mut dice), 1);
        model.deaf.store(true, std::sync::atomic::Ordering::Relaxed);
        let gather = gather(&[Arc::clone(&model)], patient());
        let outcome = gather.leads(&cx(), &LeadFilter::default(), &Paging::default()).await;
        let Err(GatherError::SourcesUnavailable { failures, .. }) = outcome else { panic!("it answered") };
        assert_eq!(failures[0].kind, SourceErrorKind::Protocol);
        assert!(model.calls() <= 15, "{order:?}: {} calls", model.calls());
    }
}
