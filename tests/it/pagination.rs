//! Pages: forwards and backwards, of any size, while rows come and go, at vendors who list as they please.
//! Nothing is lost, nothing comes twice, and the order is creation newest first, then source.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use leadgraph::upstream::policy::Policy;
use leadgraph::vendors::simulation::{Fault, Rule};
use serde_json::json;

use crate::harness::{CHATZURI, LEADSAIL, List, Page, Plan, SPELO, World, records};

const VENDORS: [&str; 3] = [CHATZURI, LEADSAIL, SPELO];

/// All leads of a walk, newest first and by source where they are of one moment, each once.
fn check_order(pages: &[Page]) {
    let nodes = pages.iter().flat_map(Page::nodes);
    let places: Vec<_> = nodes.map(|node| (node["at"].as_str(), node["source"]["name"].as_str())).collect();
    let in_order = |pair: &[(Option<&str>, Option<&str>)]| {
        pair[0].0 > pair[1].0 || (pair[0].0 == pair[1].0 && pair[0].1 <= pair[1].1)
    };
    let wrong = places.windows(2).position(|pair| !in_order(pair));
    assert_eq!(wrong.map(|at| &places[at..at + 2]), None);
}

/// All leads there are, each once, in order.
fn check_whole(pages: &[Page], world: &World) {
    check_order(pages);
    let given = records(pages);
    let distinct: BTreeSet<_> = given.iter().cloned().collect();
    assert_eq!(distinct.len(), given.len(), "something came twice");
    let there: BTreeSet<_> = world.leads().into_iter().collect();
    assert_eq!(there.difference(&distinct).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "lost");
    assert_eq!(distinct.len(), there.len());
    assert!(pages.iter().all(|page| !page.incomplete()));
}

#[tokio::test]
async fn pages_of_any_size_hold_every_lead_once_and_in_order() {
    let world = World::of(60, 30).await;
    for size in [1, 7, 25, 100] {
        let pages = List::leads().walk(&world, size).await;
        assert_eq!(records(&pages), world.leads(), "pages of {size}");
        let (last, others) = pages.split_last().unwrap();
        assert!(others.iter().all(|page| page.records().len() == size && page.has_next()));
        assert!(!last.has_next());
    }
}

#[tokio::test]
async fn page_holds_twenty_five_where_nothing_is_said() {
    let world = World::of(60, 30).await;
    let page = List::leads().page(&world, json!({})).await;
    assert_eq!(page.records(), world.leads()[..25]);
}

#[tokio::test]
async fn page_info_says_where_the_page_stands() {
    let world = World::of(30, 30).await;
    for (number, page) in List::leads().walk(&world, 20).await.iter().enumerate() {
        let cursors = page.cursors();
        assert_eq!(page.start(), cursors.first().copied());
        assert_eq!(page.end(), cursors.last().copied());
        assert_eq!(page.has_previous(), number > 0);
    }
}

#[tokio::test]
async fn every_edge_is_a_place_to_go_on_from() {
    let world = World::of(100, 30).await;
    let all = world.leads();
    let page = List::leads().page(&world, json!({ "first": 60 })).await;
    for (at, cursor) in page.cursors().into_iter().enumerate() {
        let next = List::leads().page(&world, json!({ "first": 3, "after": cursor })).await;
        assert_eq!(next.records(), all[at + 1..at + 4], "behind edge {at}");
    }
}

#[tokio::test]
async fn backward_pages_mirror_forward_pages() {
    let world = World::of(40, 30).await;
    let forward = List::leads().walk(&world, 7).await;
    for pair in forward.windows(2) {
        let back = List::leads().page(&world, json!({ "last": 7, "before": pair[1].start() })).await;
        assert_eq!(back.records(), pair[0].records());
        assert_eq!((back.has_previous(), back.has_next()), (pair[0].has_previous(), true));
    }
    let before_the_first = forward[0].start();
    let nothing = List::leads().page(&world, json!({ "last": 7, "before": before_the_first })).await;
    assert_eq!((nothing.records(), nothing.has_previous()), (vec![], false));
}

#[tokio::test]
async fn last_without_before_reads_from_the_end() {
    let world = World::of(40, 30).await;
    let all = world.leads();
    let page = List::leads().page(&world, json!({ "last": 9 })).await;
    assert_eq!(page.records(), all[all.len() - 9..]);
    assert!(page.has_previous() && !page.has_next());
    let before = List::leads().page(&world, json!({ "last": 9, "before": page.start() })).await;
    assert_eq!(before.records(), all[all.len() - 18..all.len() - 9]);
}

#[tokio::test]
async fn pages_read_backwards_lead_forwards_again() {
    let world = World::of(40, 30).await;
    let all = world.leads();
    let page = List::leads().page(&world, json!({ "first": 50 })).await;
    let back = List::leads().page(&world, json!({ "last": 10, "before": page.end() })).await;
    for (at, cursor) in back.cursors().into_iter().enumerate() {
        let on = List::leads().page(&world, json!({ "first": 5, "after": cursor })).await;
        assert_eq!(on.records(), all[40 + at..45 + at], "behind edge {at}");
    }
}

#[tokio::test]
async fn leads_of_one_moment_come_once_each() {
    for (ties, size) in [(5, 7), (40, 25), (130, 100), (260, 100)] {
        let world = Plan::new(260, 30).ties(ties).start().await;
        check_whole(&List::leads().walk(&world, size).await, &world);
    }
}

#[tokio::test]
async fn cursors_outlive_the_gateway_that_made_them() {
    let mut world = World::of(60, 30).await;
    let page = List::leads().page(&world, json!({ "first": 50 })).await;
    world.gateway().await;
    let next = List::leads().page(&world, json!({ "first": 100, "after": page.end() })).await;
    assert_eq!(next.records(), world.leads()[50..150]);
}

/// Walks while leads are added and deleted between pages, at the head, at what has been seen and at what has not.
/// Whatever was there all the time must come once; whatever came or went may come once.
async fn walk_while_rows_change(vendors: &[&'static str], seed: u64, size: usize) {
    let plan = Plan::new(250, 50).seed(seed).only(vendors).forgetful();
    let world = plan.start().await;
    let mut dice = fastrand::Rng::with_seed(seed);
    let (mut there_always, mut given) = (world.leads().into_iter().collect::<HashSet<_>>(), Vec::new());
    let mut page = List::leads().page(&world, json!({ "first": size })).await;
    loop {
        given.extend(page.records());
        let Some(after) = page.end().filter(|_| page.has_next()) else { break };
        for vendor in vendors {
            let desk = &world.vendor(vendor).vendor;
            let back = SignedDuration::from_hours(dice.choice([0, 0, 24, 700]).unwrap());
            desk.add_lead(world.now() - back);
            let leads = desk.leads();
            // Every other time it is the very lead at which the vendor's own cursor may stand.
            let last = given.iter().rev().find(|(source, _)| source.starts_with(vendor));
            let gone = last
                .filter(|_| dice.bool())
                .map_or_else(|| leads[dice.usize(..leads.len())].0.clone(), |last| last.1.clone());
            desk.delete_lead(&gone);
            there_always.retain(|(source, id)| !source.starts_with(vendor) || *id != gone);
        }
        page = List::leads().page(&world, json!({ "first": size, "after": after })).await;
    }
    let distinct: HashSet<_> = given.iter().cloned().collect();
    assert_eq!(distinct.len(), given.len(), "seed {seed}: something came twice");
    let lost: Vec<_> = there_always.difference(&distinct).collect();
    assert!(lost.is_empty(), "seed {seed}: lost {lost:?}");
}

#[tokio::test]
async fn nothing_is_lost_while_spelos_rows_change() {
    for seed in 1..4 {
        walk_while_rows_change(&[SPELO], seed, 20).await;
    }
}

#[tokio::test]
async fn nothing_is_lost_while_leadsails_rows_change() {
    for seed in 1..4 {
        walk_while_rows_change(&[LEADSAIL], seed, 20).await;
    }
}

#[tokio::test]
async fn nothing_is_lost_while_chatzuris_rows_change() {
    for seed in 1..4 {
        walk_while_rows_change(&[CHATZURI], seed, 20).await;
    }
}

#[tokio::test]
async fn nothing_is_lost_while_the_rows_of_all_change() {
    for seed in 4..6 {
        walk_while_rows_change(&VENDORS, seed, 35).await;
    }
}

#[tokio::test]
async fn nothing_is_lost_while_chatzuris_rows_change_between_its_own_pages() {
    for (switch, order) in
        [("insert_while_paging", ""), ("delete_while_paging", ""), ("insert_while_paging", "random")]
    {
        let world = Plan::new(300, 30).only(&[CHATZURI]).start().await;
        world.switch(CHATZURI, switch, "on");
        world.switch(CHATZURI, "order", order);
        let before = world.leads();
        let given = records(&List::leads().walk(&world, 20).await);
        let distinct: HashSet<_> = given.iter().collect();
        assert_eq!(distinct.len(), given.len(), "{switch} {order}: something came twice");
        let there: HashSet<_> = world.leads().into_iter().collect();
        let lost: Vec<_> =
            before.iter().filter(|lead| there.contains(lead) && !distinct.contains(lead)).collect();
        assert!(lost.is_empty(), "{switch} {order}: lost {lost:?}");
    }
}

/// Deletes a tenth of Chatzuri's leads after each of its answers, for as long as it is kept.
fn shrink(world: &World) -> tokio::task::JoinHandle<()> {
    let chatzuri = world.vendor(CHATZURI);
    let (desk, ledger) = (Arc::clone(&chatzuri.vendor), Arc::clone(&chatzuri.ledger));
    let (mut seen, mut dice) = (0, fastrand::Rng::with_seed(3));
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(2)).await;
            if ledger.count() > seen {
                seen = ledger.count();
                desk.leads().retain(|(id, _)| dice.u8(0..10) == 0 && desk.delete_lead(id));
            }
        }
    })
}

#[tokio::test]
async fn nothing_is_lost_while_many_rows_go_between_two_pages_of_a_window() {
    for order in ["", "asc", "random"] {
        let world = Plan::new(600, 30).only(&[CHATZURI]).start().await;
        world.switch(CHATZURI, "order", order);
        world.fault(CHATZURI, [Rule::always(Fault::Delay { ms: 20 })]);
        let shrinking = shrink(&world);
        let given = records(&List::leads().walk(&world, 100).await);
        shrinking.abort();
        let distinct: HashSet<_> = given.iter().collect();
        assert_eq!(distinct.len(), given.len(), "{order}: something came twice");
        let left = world.leads();
        let lost = left.iter().filter(|lead| !distinct.contains(lead)).count();
        assert_eq!(lost, 0, "{order}: of {} that are left", left.len());
        assert!(left.len() > 20 && left.len() < 400, "{order}: {}", left.len());
    }
}

#[tokio::test]
async fn chatzuri_may_list_as_it_pleases() {
    for (switch, value) in [
        ("order", "random"),
        ("order", "asc"),
        ("size_cap", "30"),
        ("size_cap", "7"),
        ("date_only", "on"),
        ("end_exclusive", "on"),
        ("timezone", "-11"),
        ("timezone", "13"),
        ("text_ids", "on"),
        ("collected_customers", "on"),
    ] {
        let world = Plan::new(130, 40).only(&[CHATZURI]).start().await;
        world.switch(CHATZURI, switch, value);
        eprintln!("{switch}={value}");
        check_whole(&List::leads().walk(&world, 25).await, &world);
    }
}

#[tokio::test]
async fn pages_of_a_single_row_lose_nothing_in_silence() {
    let world = Plan::new(60, 40).only(&[CHATZURI]).start().await;
    world.switch(CHATZURI, "size_cap", "1");
    let answer = List::leads().try_page(&world, json!({ "first": 100 })).await;
    let page = Page::of(&answer.0["data"]);
    let told = answer.codes() == ["SOURCES_UNAVAILABLE"] || page.incomplete();
    assert!(told || page.records() == world.leads(), "{} of 60, and nothing said", page.records().len());
}

#[tokio::test]
async fn rows_too_large_for_a_whole_page_are_asked_for_in_smaller_ones() {
    let mut world = Plan::new(120, 20).only(&[CHATZURI]).start().await;
    let there = records(&List::conversations().walk(&world, 50).await);
    assert!(there.len() > 100, "more than a page: {}", there.len());
    world.switch(CHATZURI, "oversized", "on");
    // A quarter of a page fits, or a quarter of that.
    let fits: [fn(&mut Policy); 2] =
        [|policy| policy.max_body_bytes = 3 << 20, |policy| policy.max_body_bytes = 1 << 20];
    for fit in fits {
        world.policy(fit);
        world.gateway().await;
        let pages = List::conversations().walk(&world, 50).await;
        assert_eq!(records(&pages), there);
        assert!(pages.iter().all(|page| !page.incomplete()));
    }
}

#[tokio::test]
async fn vendors_may_give_less_than_was_asked_for() {
    let world = World::of(130, 40).await;
    world.switch(SPELO, "page_cap", "9");
    world.switch(LEADSAIL, "page_cap", "13");
    world.switch(CHATZURI, "size_cap", "30");
    check_whole(&List::leads().walk(&world, 50).await, &world);
}

#[tokio::test]
async fn list_that_is_not_newest_first_is_sorted_here_and_said_to_be() {
    for (vendor, order) in [(SPELO, "random"), (SPELO, "asc"), (LEADSAIL, "random"), (LEADSAIL, "asc")] {
        let world = World::of(300, 40).await;
        world.switch(vendor, "order", order);
        eprintln!("{vendor} order={order}");
        let pages = List::leads().walk(&world, 60).await;
        check_whole(&pages, &world);
        let said = pages[0].report(vendor)["note"].as_str().unwrap_or_default();
        assert!(said.contains("sorted here"), "{vendor} {order}: {said}");
    }
}

#[tokio::test]
async fn list_that_is_not_newest_first_is_read_by_days_where_its_vendor_filters_by_them() {
    for order in ["random", "asc"] {
        let plan = Plan::new(1_300, 60).only(&[LEADSAIL]).word(LEADSAIL, "date_filter", "created");
        let mut world = plan.start().await;
        world.switch(LEADSAIL, "order", order);
        let pages = List::leads().walk(&world, 100).await;
        check_whole(&pages, &world);
        let said = pages[0].report(LEADSAIL)["note"].as_str().unwrap_or_default();
        assert!(said.contains("read by days"), "{order}: {said}");
        assert!(pages.iter().all(|page| !page.incomplete()), "{order}");
        // A first look that shows the order, then windows: what they read twice are their margins.
        assert!(world.calls().leadsail <= 40, "{order}: {} calls for 13 pages", world.calls().leadsail);
        // A walk goes on in any process.
        world.gateway().await;
        let after = pages[5].end();
        let seventh = List::leads().page(&world, json!({ "first": 100, "after": after })).await;
        assert_eq!(seventh.records(), pages[6].records());
    }
}

#[tokio::test]
async fn list_in_no_order_that_is_too_long_to_be_sorted_is_a_failure_with_a_bounded_cost() {
    let world = Plan::new(1_300, 60).only(&[LEADSAIL]).start().await;
    world.switch(LEADSAIL, "order", "random");
    let answer = List::leads().try_page(&world, json!({ "first": 100 })).await;
    assert_eq!(answer.codes(), ["SOURCES_UNAVAILABLE"]);
    let told = &answer.0["errors"][0]["extensions"]["sources"][0];
    assert_eq!((&told["code"], &told["retryable"]), (&json!("SOURCE_PROTOCOL"), &json!(false)));
    assert!(world.calls().leadsail <= 12, "{} calls", world.calls().leadsail);
}

#[tokio::test]
async fn agents_of_one_account_are_sources_of_their_own() {
    let world = Plan::new(120, 40).agents(3).only(&[CHATZURI]).start().await;
    let pages = List::leads().walk(&world, 50).await;
    check_order(&pages);
    let given: BTreeSet<_> = records(&pages).into_iter().collect();
    assert_eq!(given.len(), 360);
    let of_the_third = given.iter().filter(|(source, _)| source == "chatzuri/agt_3");
    assert_eq!(of_the_third.count(), 120);
}

#[tokio::test]
async fn conversations_and_interactions_page_like_leads() {
    let world = World::of(60, 30).await;
    for list in [List::conversations(), List::interactions()] {
        let pages = list.walk(&world, 17).await;
        check_order(&pages);
        let whole = records(&list.walk(&world, 100).await);
        assert_eq!(records(&pages), whole);
        let distinct: HashSet<_> = whole.iter().collect();
        assert_eq!(distinct.len(), whole.len());
        // Spelo has a conversation for each lead and two for each three that led to none.
        assert_eq!(whole.iter().filter(|(source, _)| source == SPELO).count(), 100);
    }
}

#[tokio::test]
async fn backward_page_too_far_from_the_head_is_refused_with_advice() {
    let plan = Plan::new(100, 30).settings(|settings| settings.backward_records = 50);
    let world = plan.start().await;
    let page = List::leads().page(&world, json!({ "first": 100 })).await;
    let near = List::leads().page(&world, json!({ "last": 5, "before": page.cursors()[40] })).await;
    assert_eq!(near.records(), world.leads()[35..40]);
    let answer = List::leads().try_page(&world, json!({ "last": 5, "before": page.end() })).await;
    assert_eq!(answer.codes(), ["BACKWARD_LIMIT"]);
    assert!(answer.message().contains("Narrow the filter"));
}
