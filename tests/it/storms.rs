//! Many at once, and all at once: what vendors are asked while clients come by the thousand, hang up, or find everything dead.

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use leadgraph::vendors::simulation::{Fault, Rule};
use serde_json::json;
use tokio::time::Instant;

use crate::harness::binary::{Gateway, Simulated, get};
use crate::harness::{LEADSAIL, List, Page, Plan, SPELO, World, elements};

#[tokio::test]
async fn thousand_queries_over_a_dead_vendor_give_everything_of_the_others() {
    let world = Plan::new(120, 30).policy(|policy| policy.max_attempts = 2).start().await;
    world.fault(SPELO, [Rule::always(Fault::Reset)]);
    let others: Vec<_> = world.leads().into_iter().filter(|(source, _)| source != SPELO).collect();
    let ask = async |number: usize| {
        let count = number % 100 + 1;
        let page = List::leads().page(&world, json!({ "first": count })).await;
        let report = page.report(SPELO);
        assert_eq!(page.records(), others[..count]);
        assert!(page.incomplete() && report["status"] == "FAILED", "{report}");
        let code = report["error"]["code"].as_str().unwrap();
        assert!(["UNREACHABLE", "BREAKER_OPEN"].contains(&code), "{code}");
    };
    stream::iter(0..1_000).map(ask).buffer_unordered(50).collect::<Vec<()>>().await;
    // Five failures trip the breaker; then it is a probe now and then.
    let calls = world.calls();
    assert!(calls.spelo <= 20, "{calls:?}");
    assert!(calls.leadsail <= 3 && calls.chatzuri <= 12, "{calls:?}");
}

#[tokio::test]
async fn thousand_equal_queries_of_which_half_hang_up_cost_as_much_as_one() {
    let slow = || Rule::always(Fault::Delay { ms: 1_500 });
    let world = World::of(300, 30).await;
    let query = "{ leads(first: 50) { nodes { id } } }";
    let (one, cost_of_one) = world.cost(query).await;
    let world = World::of(300, 30).await;
    [SPELO, LEADSAIL].iter().for_each(|vendor| world.fault(vendor, [slow()]));
    let ask = async |number: usize| {
        let patience = Duration::from_millis(if number.is_multiple_of(2) { 60_000 } else { 200 });
        let answer = world.request(query).timeout(patience).send().await;
        assert!(number.is_multiple_of(2) || answer.is_err(), "the vendors took less time than the client");
        if let Ok(answer) = answer {
            let answer: serde_json::Value = answer.json().await.unwrap();
            assert_eq!(answer, one.0);
        }
    };
    join_all((0..1_000).map(ask)).await;
    assert_eq!(world.calls(), cost_of_one);
}

#[tokio::test]
async fn client_that_hangs_up_leaves_nothing_behind_that_is_still_sent() {
    let world = Plan::new(300, 30).only(&[LEADSAIL]).start().await;
    world.fault(LEADSAIL, [Rule::always(Fault::Delay { ms: 100 }).on("/interactions/")]);
    let query = List::leads().select("interactions { nodes { id } }").query(json!({ "first": 100 }));
    let asking = world.request(query).timeout(Duration::from_millis(700)).send();
    assert!(asking.await.is_err(), "the client has hung up");
    // A little time to notice.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let then = world.calls().leadsail;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(world.calls().leadsail, then, "what waited for its turn is not sent any more");
    assert!(then < 60, "{then} calls: it hung up before most were sent");
}

#[tokio::test]
async fn one_failing_history_of_a_hundred_costs_its_own_list_and_nothing_else() {
    let world = Plan::new(300, 30).only(&[LEADSAIL]).policy(|policy| policy.max_attempts = 1).start().await;
    world.fault(LEADSAIL, [Rule::always(Fault::Reset).on("/interactions/").times(1)]);
    let list = List::leads().select("interactions { nodes { id } incomplete }");
    let answer = world.ask(list.query(json!({ "first": 100 }))).await;
    let page = Page::of(&answer.0["data"]);
    let whole = page.nodes().iter().filter(|node| node["interactions"]["incomplete"] == false).count();
    let errors = elements(&answer.0["errors"]);
    assert_eq!((page.records().len(), whole, errors.len()), (100, 99, 1), "{errors:?}");
    assert_eq!(errors[0]["path"].as_array().unwrap().last().unwrap(), "interactions");
}

#[test]
fn gateway_whose_vendors_are_all_dead_is_ready_and_says_what_is_wrong() {
    let simulated = Simulated::start("dead");
    // Nobody listens there, and one name is nobody's.
    let mut addresses = ["https://vendor.invalid", "http://127.0.0.1:9"].into_iter().cycle();
    let lines = simulated.text.lines().map(|line| match line.strip_prefix("base_url = ") {
        Some(_) => format!("base_url = \"{}\"", addresses.next().unwrap()),
        None => line.to_owned(),
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    simulated.overwrite(&format!("{text}\n[server]\nlisten = \"127.0.0.1:0\"\n"));
    let gateway = Gateway::start(&mut simulated.command(&["serve", "--log", "json"]));
    let alive = get(&gateway.address, "/livez");
    assert!(alive.starts_with("HTTP/1.1 200"), "{alive}");
    let began = Instant::now();
    let reply = gateway.ask("{ leads(first: 5) { nodes { id } } }");
    assert!(reply.contains("SOURCES_UNAVAILABLE") && reply.contains("SOURCE_UNREACHABLE"), "{reply}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}
