//! What cached leads weigh, whether memory stays where it is under ever new requests, and how soon a gateway is ready.

use std::time::Duration;

use serde_json::{Value, json};

use crate::figures::Bound::AtMost;
use crate::figures::{Asked, Outcome, median};
use crate::load::{Line, press};
use crate::process::Server;
use crate::queries::EverNew;
use crate::stand::{Cache, Stand};

/// Leads of each of three vendors, for the figure of cached ones.
pub(crate) const LEADS: usize = 10_000;
const STARTS: usize = 10;

/// 30,000 cached leads, of vendors that have [`LEADS`] each.
pub(crate) async fn leads(stand: &Stand) -> Outcome {
    let gateway = stand.gateway(3, Cache::Warm);
    let mut line = Line::open(gateway.address).await;
    // What a first answer makes once is no lead's.
    assert_eq!(read(&mut line, 1).await, 100);
    let before = gateway.resident();
    assert_eq!(read(&mut line, usize::MAX).await, LEADS * 3);
    let grown = gateway.resident() - before;
    let told = gateway.metric("leadgraph_cache_bytes").await / f64::from(1 << 20);
    stand.forget_calls();
    read(&mut line, usize::MAX).await;
    let asked = vec![
        Asked::new("MiB of the process for 30,000 cached leads", grown, AtMost(64.0)),
        Asked::new("MiB by the cache's own count", told, AtMost(64.0)),
        Asked::new("upstream calls to read all of them again", stand.calls() as f64, AtMost(0.0)),
    ];
    Outcome { title: "Memory of cached leads", rows: Vec::new(), asked }
}

/// Walks up to so many pages; answers how many leads there were.
async fn read(line: &mut Line, pages: usize) -> usize {
    let query = "query All($after: String) { leads(first: 100, after: $after) { \
                 nodes { id } pageInfo { hasNextPage endCursor } incomplete } }";
    let (mut after, mut leads) = (Value::Null, 0);
    for _ in 0..pages {
        let body = json!({ "query": query, "variables": { "after": after } });
        let answer: Value =
            serde_json::from_slice(line.ask(&serde_json::to_vec(&body).unwrap()).await).unwrap();
        let list = &answer["data"]["leads"];
        assert_eq!(list["incomplete"], false, "{answer}");
        leads += list["nodes"].as_array().unwrap().len();
        if list["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = list["pageInfo"]["endCursor"].clone();
    }
    leads
}

/// W7 for a while: memory at its end beside memory when it had run in.
pub(crate) async fn steady(stand: &Stand, time: Duration) -> Outcome {
    let gateway = stand.gateway(3, Cache::Warm);
    let asker = EverNew::lists();
    press(&gateway, &asker, 16, time / 4, 1 << 56).await;
    let before = gateway.resident();
    press(&gateway, &asker, 16, time - time / 4, 2 << 56).await;
    let after = gateway.resident();
    let asked = vec![
        Asked::new("MiB after a quarter of it", before, AtMost(256.0)),
        Asked::new("memory at the end over that", after / before, AtMost(1.05)),
    ];
    Outcome { title: "Memory under W7", rows: Vec::new(), asked }
}

/// From the start of the process until it serves.
pub(crate) fn start(stand: &Stand) -> Outcome {
    let starts: Vec<Server> = (0..STARTS).map(|_| stand.gateway(3, Cache::Warm)).collect();
    let ready = median(starts.iter().map(|server| server.ready.as_secs_f64() * 1_000.0));
    let asked = vec![Asked::new("ms from start to ready", ready, AtMost(100.0))];
    Outcome { title: "Start", rows: Vec::new(), asked }
}
