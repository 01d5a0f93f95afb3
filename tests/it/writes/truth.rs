//! Whatever goes wrong with a write, what is said about it is true.

use leadgraph::vendors::simulation::{Fault, LedgerEntry, Rule};
use serde_json::{Value, json};

use super::update;
use crate::harness::{LEADSAIL, List, Plan, SPELO, World};

/// Orders in all. Every one has a fault of its own.
const RUNS: usize = 1_000;
/// Worlds side by side.
const WORLDS: usize = 8;

/// Everything that can come between a vendor and us.
fn faults() -> Vec<Rule> {
    let status = |status| Fault::Status { status, retry_after: None };
    let doubtful = [
        Fault::Reset,
        Fault::Hang,
        Fault::Delay { ms: 20 },
        Fault::Delay { ms: 600 },
        Fault::Jitter { from_ms: 100, to_ms: 400 },
        status(408),
        status(500),
        status(502),
        status(503),
        status(504),
        Fault::Truncate,
        Fault::Html,
        Fault::WrongJson,
        Fault::Drip { ms: 100 },
        Fault::Huge { bytes: 1 << 20 },
        Fault::GzipBomb { bytes: 1 << 20 },
        Fault::Redirect { location: "http://127.0.0.1:9/".to_owned() },
    ];
    // A vendor that refuses has not done it; one that lies about that cannot be found out.
    let refusals = [400, 403, 404, 409, 422, 429, 401].map(|code| Rule::always(status(code)));
    let both = doubtful.into_iter().flat_map(|fault| {
        let rule = Rule::always(fault);
        [rule.clone(), rule.after()]
    });
    both.chain(refusals).map(|rule| rule.method("PATCH")).collect()
}

#[derive(Debug, Default)]
struct Tally {
    applied: usize,
    not_applied: usize,
    unknown: usize,
    /// Of the unknown ones, those that the vendor has made.
    made: usize,
}

/// The lead that is changed.
struct Lead {
    vendor: &'static str,
    id: String,
    /// Where its vendor tells it.
    path: String,
}

/// As many leads as are wanted, so that each order has one of its own.
async fn leads(world: &World, vendor: &'static str, count: usize) -> Vec<Lead> {
    let place = if vendor == SPELO { "v1/public/leads" } else { "leads" };
    let pages = List::leads().walk(world, 100).await;
    let list: Vec<&Value> = pages.iter().flat_map(|page| page.nodes()).collect();
    let lead = |node: &&Value| Lead {
        vendor,
        id: node["id"].as_str().unwrap().to_owned(),
        path: format!("{place}/{}", node["vendorId"].as_str().unwrap()),
    };
    assert!(list.len() >= count);
    list.iter().take(count).map(lead).collect()
}

/// One order under a fault, and what the vendor itself then tells.
async fn run(world: &World, lead: &Lead, number: usize, fault: Rule, tally: &mut Tally) {
    let Lead { vendor, id, path } = lead;
    // Sometimes the look afterwards fails, too.
    let mut rules = vec![fault.clone()];
    if number.is_multiple_of(3) {
        rules.push(Rule::always(Fault::Reset).method("GET").percent(40));
    }
    world.fault(vendor, rules);
    let note = format!("order {number}");
    let payload = update(world, json!({"id": id, "notes": note})).await;
    world.fault(vendor, []);
    let told = world.told(vendor, path).await["data"]["notes"].to_string();
    let made = told.contains(&format!("{note}\""));
    match payload["outcome"].as_str().unwrap() {
        "APPLIED" => {
            assert!(made, "said to be applied under {fault:?}, and is not: {payload}");
            assert_eq!(payload["userErrors"], json!([]));
            tally.applied += 1;
        }
        "NOT_APPLIED" => {
            assert!(!made, "said not to be applied under {fault:?}, and is: {payload}");
            tally.not_applied += 1;
        }
        _ => {
            assert_eq!(payload["userErrors"][0]["code"], "OUTCOME_UNKNOWN");
            tally.unknown += 1;
            tally.made += usize::from(made);
        }
    }
}

async fn share(vendor: &'static str, seed: usize, runs: usize) -> Tally {
    let mut world = Plan::new(runs, 20).only(&[vendor]).start().await;
    let (leads, faults) = (leads(&world, vendor, runs).await, faults());
    world.policy(|policy| {
        policy.attempt_timeout = std::time::Duration::from_millis(200);
        policy.max_body_bytes = 256 * 1024;
    });
    world.gateway().await;
    let mut tally = Tally::default();
    for (number, lead) in leads.iter().enumerate() {
        // A breaker that trips, or a key that is refused, would make all the rest easy: mostly it is forgotten in time.
        if number.is_multiple_of(4) && number % 60 >= 20 {
            world.gateway().await;
        }
        let fault = faults[(number + seed * 7) % faults.len()].clone();
        run(&world, lead, number, fault, &mut tally).await;
    }
    let calls = world.ledger(vendor);
    for Lead { path, .. } in &leads {
        let own = |call: &&LedgerEntry| call.method == "PATCH" && call.path.ends_with(path.as_str());
        let writes = calls.iter().filter(own).count();
        assert!(writes <= 1, "{writes} writes of one order");
    }
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_outcome_is_false_and_no_write_is_sent_twice_whatever_goes_wrong() {
    let shares = (0..WORLDS).map(|seed| {
        let vendor = if seed % 3 == 2 { LEADSAIL } else { SPELO };
        tokio::spawn(share(vendor, seed, RUNS / WORLDS))
    });
    let tallies = futures_util::future::join_all(shares).await;
    let all = tallies.into_iter().map(Result::unwrap).fold(Tally::default(), |sum, tally| Tally {
        applied: sum.applied + tally.applied,
        not_applied: sum.not_applied + tally.not_applied,
        unknown: sum.unknown + tally.unknown,
        made: sum.made + tally.made,
    });
    assert_eq!(all.applied + all.not_applied + all.unknown, RUNS);
    // Each outcome was seen often, and of the unknown ones both kinds.
    let often = RUNS / 20;
    assert!(all.applied > often && all.not_applied > often && all.unknown > often, "{all:?}");
    assert!(all.made > 0 && all.made < all.unknown, "{all:?}");
}
