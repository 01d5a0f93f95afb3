//! What answers cost: calls to vendors, counted by the vendors themselves. A call is money, so these numbers are promises.

use std::time::Duration;

use futures_util::future::join_all;
use leadgraph::vendors::simulation::{Fault, Rule};
use serde_json::{Value, json};

use crate::harness::{CHATZURI, Calls, LEADSAIL, List, Page, Plan, Query, SPELO, World, elements, records};

const NOTHING: Calls = Calls { chatzuri: 0, leadsail: 0, spelo: 0 };

/// A first page of one vendor's leads.
fn first(vendor: &str, count: usize, fields: &str) -> Query {
    List::leads().of(vendor).select(fields).query(json!({ "first": count }))
}

#[tokio::test]
async fn first_page_of_fifty_leads_costs_a_call_or_a_day_window() {
    let world = World::of(1_000, 100).await;
    let (answer, calls) = world.cost(List::leads().query(json!({ "first": 50 }))).await;
    assert_eq!(elements(&answer.data()["leads"]["edges"]).len(), 50);
    assert!(calls.spelo <= 1 && calls.leadsail <= 1 && calls.chatzuri <= 3, "{calls:?}");
}

#[tokio::test]
async fn walking_all_leads_of_three_sources_costs_little_more_than_their_pages() {
    let world = World::of(1_000, 100).await;
    let before = world.calls();
    let pages = List::leads().walk(&world, 50).await;
    let calls = world.calls() - before;
    assert_eq!(records(&pages), world.leads());
    assert!(pages.iter().all(|page| !page.incomplete()));
    assert!(calls.spelo <= 11 && calls.leadsail <= 11 && calls.chatzuri <= 25, "{calls:?}");
}

#[tokio::test]
async fn reports_count_the_calls_that_vendors_counted() {
    // What is read ahead is no answer's.
    let world = Plan::new(300, 30).settings(|settings| settings.read_ahead = false).start().await;
    let before = world.calls();
    let pages = List::leads().walk(&world, 50).await;
    let calls = world.calls() - before;
    let told = |vendor| {
        let one = |page: &Page| page.report(vendor)["upstreamCalls"].as_u64().unwrap();
        usize::try_from(pages.iter().map(one).sum::<u64>()).unwrap()
    };
    let told = Calls { chatzuri: told(CHATZURI), leadsail: told(LEADSAIL), spelo: told(SPELO) };
    assert_eq!(told, calls);
}

#[tokio::test]
async fn walk_that_is_read_ahead_for_costs_the_same_calls_and_seldom_waits_for_them() {
    let walk = async |read_ahead| {
        let plan = Plan::new(1_000, 100).settings(|settings| settings.read_ahead = read_ahead);
        let world = plan.only(&[SPELO, LEADSAIL]).start().await;
        let pages = List::leads().walk(&world, 50).await;
        assert_eq!(records(&pages), world.leads());
        let told =
            |page: &&Page| [SPELO, LEADSAIL].iter().any(|vendor| page.report(vendor)["upstreamCalls"] != 0);
        (world.calls(), pages.iter().filter(told).count())
    };
    let ((calls, waited), (same, seldom)) = (walk(false).await, walk(true).await);
    assert_eq!(calls, same);
    assert!(waited >= 10 && seldom <= 3, "{seldom} of 40 answers waited for a vendor, without it {waited}");
}

#[tokio::test]
async fn transcripts_of_fifty_leads_of_a_week_cost_four_calls_in_all() {
    let world = World::of(1_000, 100).await;
    world.switch(SPELO, "list_transcripts", "full");
    let query = first(SPELO, 50, "conversation { transcript { text } }");
    let (answer, calls) = world.cost(query.clone()).await;
    let with_words = |edge: &&Value| edge["node"]["conversation"]["transcript"][0]["text"].is_string();
    assert!(elements(&answer.data()["leads"]["edges"]).iter().filter(with_words).count() > 40);
    assert!(calls.spelo <= 4, "{calls:?}");
    assert_eq!(world.cost(query).await.1, NOTHING);
}

#[tokio::test]
async fn interactions_of_spelo_leads_cost_no_more_than_their_conversations() {
    let world = World::of(1_000, 100).await;
    let (_, conversations) = world.cost(first(SPELO, 50, "conversation { id }")).await;
    let other = World::of(1_000, 100).await;
    let query = first(SPELO, 50, "interactions { nodes { id kind } }");
    let (answer, interactions) = other.cost(query.clone()).await;
    let touched = |edge: &&Value| !elements(&edge["node"]["interactions"]["nodes"]).is_empty();
    assert!(elements(&answer.data()["leads"]["edges"]).iter().filter(touched).count() > 40);
    assert!(interactions.spelo <= conversations.spelo, "{interactions:?} {conversations:?}");
    assert_eq!(other.cost(query).await.1, NOTHING);
}

#[tokio::test]
async fn interactions_of_leadsail_leads_cost_a_call_for_each_lead() {
    let world = World::of(1_000, 100).await;
    let query = first(LEADSAIL, 50, "interactions { nodes { id } }");
    let (answer, calls) = world.cost(query.clone()).await;
    assert_eq!(elements(&answer.data()["leads"]["edges"]).len(), 50);
    assert_eq!(calls, Calls { leadsail: 51, ..NOTHING });
    assert_eq!(world.cost(query).await.1, NOTHING);
}

#[tokio::test]
async fn interactions_of_a_hundred_leads_at_a_slow_vendor_wait_for_their_turn() {
    let world = Plan::new(1_000, 100).only(&[LEADSAIL]).start().await;
    world.fault(LEADSAIL, [Rule::always(Fault::Delay { ms: 40 }).on("/interactions/")]);
    let query = first(LEADSAIL, 100, "interactions { nodes { id } incomplete sources { error { code } } }");
    let (answer, calls) = world.cost(query).await;
    let leads = elements(&answer.data()["leads"]["edges"]);
    assert_eq!(leads.len(), 100);
    assert!(leads.iter().all(|edge| edge["node"]["interactions"]["incomplete"] == false));
    assert_eq!(calls.leadsail, 101);
}

#[tokio::test]
async fn queries_asked_again_cost_nothing_while_the_cache_lives() {
    let world = World::of(1_000, 100).await;
    let before = List::leads().walk(&world, 50).await;
    let calls = world.calls();
    let again = List::leads().walk(&world, 50).await;
    assert_eq!(world.calls() - calls, NOTHING);
    assert_eq!(records(&again), records(&before));
    // Pages of another size are cut from the same vendor pages.
    assert_eq!(records(&List::leads().walk(&world, 33).await), records(&before));
    assert_eq!(world.calls() - calls, NOTHING);
}

#[tokio::test]
async fn lists_are_read_anew_once_their_life_is_over() {
    let world = Plan::new(100, 10).forgetful().start().await;
    let (_, first_time) = world.cost(List::leads().query(json!({}))).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let (_, second_time) = world.cost(List::leads().query(json!({}))).await;
    assert!(second_time.spelo == first_time.spelo && second_time.leadsail == first_time.leadsail);
}

#[tokio::test]
async fn five_hundred_identical_queries_at_once_cost_as_much_as_one() {
    let world = World::of(1_000, 100).await;
    let query = "{ leads(first: 50) { nodes { id } } }";
    let (one, cost_of_one) = world.cost(query).await;
    let world = World::of(1_000, 100).await;
    let before = world.calls();
    let answers = join_all((0..500).map(|_| world.ask(query))).await;
    assert_eq!(world.calls() - before, cost_of_one);
    assert!(answers.iter().all(|answer| answer == &one));
}

#[tokio::test]
async fn client_that_hangs_up_neither_stops_nor_repeats_the_read() {
    let world = Plan::new(100, 10).only(&[SPELO]).start().await;
    world.fault(SPELO, [Rule::always(Fault::Delay { ms: 300 })]);
    let query = List::leads().query(json!({}));
    let asking = world.request(query.clone()).timeout(Duration::from_millis(150)).send();
    assert!(asking.await.is_err(), "the client has hung up");
    let (answer, _) = world.cost(query).await;
    assert_eq!(elements(&answer.data()["leads"]["edges"]).len(), 25);
    assert_eq!(world.calls().spelo, 1);
}

#[tokio::test]
async fn links_to_recordings_are_made_at_each_selection() {
    let world = Plan::new(100, 10).only(&[SPELO]).start().await;
    let list = List::conversations().filter(json!({ "hasRecording": true }));
    let page = list.page(&world, json!({ "first": 1 })).await;
    let query =
        Query::new("query($id: ID!) { conversation(id: $id) { recording { link { url expiresAt } } } }");
    let query = query.with("id", page.ids()[0]);
    let mut urls = Vec::new();
    for _ in 0..3 {
        let answer = world.ask(query.clone()).await;
        let link = &answer.data()["conversation"]["recording"]["link"];
        assert!(link["expiresAt"].is_string());
        urls.push(link["url"].as_str().unwrap().to_owned());
    }
    let minted = world.ledger(SPELO).iter().filter(|call| call.path.ends_with("/recording")).count();
    urls.sort();
    urls.dedup();
    assert_eq!((minted, urls.len()), (3, 3));
}

#[tokio::test]
async fn links_to_recordings_are_made_for_nobody_who_has_not_asked() {
    let world = Plan::new(60, 10).only(&[SPELO]).start().await;
    let query = "query($after: String) { conversations(first: 10, after: $after) {
        nodes { id recording { mimeType sizeBytes } lead { id } }
        pageInfo { endCursor hasNextPage }
    } }";
    let (mut after, mut pages, mut recordings) = (Value::Null, 0, 0);
    loop {
        let answer = world.ask(Query::new(query).with("after", after)).await;
        let page = &answer.data()["conversations"];
        recordings += elements(&page["nodes"]).iter().filter(|node| node["recording"].is_object()).count();
        pages += 1;
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert!(pages > 3 && recordings > 10, "{pages} pages with {recordings} recordings were walked");
    let minted = world.ledger(SPELO).iter().filter(|call| call.path.contains("recording")).count();
    assert_eq!(minted, 0, "neither a list nor what is read ahead of it makes a link");
}

#[tokio::test]
async fn lead_of_a_vendor_without_reads_by_id_costs_a_look_at_its_day() {
    let mut world = World::of(1_000, 100).await;
    let page = List::leads().of(CHATZURI).page(&world, json!({ "first": 40 })).await;
    let node = page.nodes()[39].clone();
    world.gateway().await;
    let before = world.ledger(CHATZURI).len();
    let query = Query::new("query($id: ID!) { node(id: $id) { ... on Lead { vendorId email name } } }");
    let (answer, calls) = world.cost(query.with("id", node["id"].clone())).await;
    assert_eq!(answer.data()["node"]["vendorId"], node["vendorId"]);
    assert!(calls.chatzuri <= 3 && calls.spelo + calls.leadsail == 0, "{calls:?}");
    let born: jiff::Timestamp = node["at"].as_str().unwrap().parse().unwrap();
    let near = |day: jiff::civil::Date| {
        let at = day.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
        at.duration_since(born).unsigned_abs() <= Duration::from_secs(3 * 86_400)
    };
    for call in &world.ledger(CHATZURI)[before..] {
        let dates: Vec<_> = url::form_urlencoded::parse(call.query.as_bytes())
            .filter(|(name, _)| name.ends_with("Date"))
            .collect();
        assert_eq!(dates.len(), 2, "{}", call.query);
        assert!(dates.iter().all(|(_, day)| near(day.parse().unwrap())), "{}", call.query);
    }
}

#[tokio::test]
async fn going_back_a_page_costs_nothing() {
    let world = World::of(1_000, 100).await;
    let one = List::leads().page(&world, json!({ "first": 25 })).await;
    let two = List::leads().page(&world, json!({ "first": 25, "after": one.end() })).await;
    let three = List::leads().page(&world, json!({ "first": 25, "after": two.end() })).await;
    let before = world.calls();
    let back = List::leads().page(&world, json!({ "last": 25, "before": three.start() })).await;
    assert_eq!(back.records(), two.records());
    assert_eq!(world.calls() - before, NOTHING);
}

#[tokio::test]
async fn asking_for_sources_and_for_nothing_costs_nothing() {
    let world = World::of(100, 10).await;
    let (answer, calls) =
        world.cost("{ sources { name health { state } quota { remaining } } viewer { name } }").await;
    assert_eq!(elements(&answer.data()["sources"]).len(), 3);
    assert_eq!(calls.all(), 0);
}
