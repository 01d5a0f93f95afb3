//! What comes of a webhook: what is cached is forgotten, the record is read once, and queries see it.

use std::time::Duration;

use futures_util::{Stream, StreamExt};

use super::*;
use crate::harness::{Calls, List, elements};
use crate::writes::update;

fn paths(world: &World, vendor: &str) -> Vec<String> {
    world.ledger(vendor).into_iter().map(|entry| entry.path).collect()
}

#[tokio::test]
async fn query_after_a_webhook_sees_what_is_new_and_the_lead_itself_is_read_already() {
    for vendor in [LEADSAIL, SPELO] {
        let world =
            plan().only(&[vendor]).events(|events| events.inbox.linger = Duration::ZERO).start().await;
        let list = List::leads().of(vendor);
        list.page(&world, json!({"first": 3})).await;
        let id = world.vendor(vendor).vendor.add_lead(world.now());
        let shown = async || list.page(&world, json!({"first": 3})).await.records()[0].1 == id;
        assert!(!shown().await, "{vendor}: it is cached");
        let before = world.calls();
        let event = if vendor == SPELO { "lead.captured" } else { "lead.queued" };
        assert_eq!(world.tell(vendor, event, json!({"leads": [id]})).await, [202]);
        eventually("the lead is read", async || world.calls() != before).await;
        assert_eq!((world.calls() - before).all(), 1, "{vendor}: {:?}", paths(&world, vendor));
        assert!(paths(&world, vendor).last().unwrap().ends_with(&id), "{vendor}");
        assert!(shown().await, "{vendor}: the list is read anew");
        assert_eq!((world.calls() - before).all(), 2, "{vendor}");
    }
}

#[tokio::test]
async fn same_event_again_is_acknowledged_and_costs_nothing() {
    let plan = plan().until(Timestamp::now()).events(|events| events.inbox.linger = Duration::from_millis(1));
    let world = plan.start().await;
    for (vendor, event) in [(CHATZURI, "lead.submit"), (LEADSAIL, "lead.failed"), (SPELO, "lead.updated")] {
        let before = world.calls();
        assert_eq!(world.tell(vendor, event, json!({"copies": 6})).await, [202; 6], "{vendor}");
        eventually("it is read", async || world.calls() != before).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!((world.calls() - before).all(), 1, "{vendor}: {:?}", paths(&world, vendor));
    }
    // The id tells, whatever else changes.
    let before = world.calls();
    let lead = world.leads().into_iter().find(|(source, _)| source == SPELO).unwrap().1;
    let mut event = body(SPELO, &lead);
    for name in ["x", "y", "z"] {
        event["data"]["name"] = json!(name);
        assert_eq!(Parcel::of(SPELO, &event).send(&world).await, 202);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!((world.calls() - before).all(), 1);
}

#[tokio::test]
async fn burst_about_one_lead_costs_one_read_and_about_many_one_page() {
    let slow = |plan: Plan| plan.events(|events| events.inbox.linger = Duration::from_secs(3));
    for vendor in [LEADSAIL, SPELO] {
        let world = slow(plan().only(&[vendor])).start().await;
        let leads: Vec<String> = world.leads().into_iter().map(|(_, id)| id).collect();
        let event = if vendor == SPELO { "lead.updated" } else { "lead.processed" };
        for _ in 0..5 {
            // Each order makes an event of its own.
            let order = json!({"leads": [leads[0]], "copies": 4});
            assert_eq!(world.tell(vendor, event, order).await, [202; 4]);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        eventually("the lead is read", async || world.calls() != Calls::default()).await;
        assert_eq!(world.calls().all(), 1, "{vendor}: {:?}", paths(&world, vendor));
        let order = json!({"leads": leads, "copies": 2, "shuffle": true});
        assert!(world.tell(vendor, event, order).await.iter().all(|status| *status == 202));
        eventually("a page is read", async || world.calls().all() > 1).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(world.calls().all(), 2, "{vendor}: {:?}", paths(&world, vendor));
        let ids = List::leads().of(vendor).page(&world, json!({"first": 100})).await;
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Lead { name } } }";
        let found = world.ask(crate::harness::Query::new(query).with("ids", json!(ids.ids()))).await;
        assert_eq!(elements(&found.data()["nodes"]).iter().filter(|node| node.is_object()).count(), 20);
        assert!(world.calls().all() <= 3, "{vendor}: each of them is known by now");
    }
}

#[tokio::test]
async fn acknowledgement_waits_for_nothing_and_a_full_queue_says_come_again() {
    let world = plan()
        .only(&[SPELO])
        .events(|events| (events.inbox.queue, events.inbox.linger) = (4, Duration::from_secs(600)))
        .start()
        .await;
    // Nothing is worked off as long as hints wait for each other, so what is taken is what there is room for.
    let mut taken = 0;
    let full = loop {
        let status = Parcel::of(SPELO, &body(SPELO, &format!("n{taken}"))).send(&world).await;
        if status != 202 {
            break status;
        }
        taken += 1;
        assert!(taken <= 1_000, "the queue has no end");
    };
    assert_eq!(full, 503);
    assert!((256..=262).contains(&taken), "{taken}");
    assert_eq!(world.calls(), Calls::default());
    // What found no place was not remembered: sent again, it is no repeat.
    let again = Parcel::of(SPELO, &body(SPELO, &format!("n{taken}"))).send(&world).await;
    assert_eq!(again, 503);
}

#[tokio::test]
async fn chatzuris_webhook_links_a_lead_with_its_conversation_from_both_sides() {
    // CHATZURI-29
    let world = Plan::new(60, 20).until(Timestamp::now()).only(&[CHATZURI]).webhook(CHATZURI, "sha1 = true");
    let world = world.start().await;
    let (_, id) = world.leads().remove(0);
    let fields = "conversation { vendorId lead { vendorId } } \
                  interactions(first: 5) { nodes { vendorId kind lead { vendorId } } incomplete sources { status } }";
    let leads = List::leads().select(fields).query(json!({"first": 3}));
    let unlinked = world.ask(leads.clone()).await;
    let node = |answer: &crate::harness::Answer| answer.0["data"]["leads"]["edges"][0]["node"].clone();
    assert_eq!(node(&unlinked)["conversation"], Value::Null);
    let interactions = &node(&unlinked)["interactions"];
    let status = &interactions["sources"][0]["status"];
    assert_eq!(
        (&interactions["incomplete"], status),
        (&json!(true), &json!("UNSUPPORTED")),
        "not known is not none"
    );

    // The guide's shape names no conversation.
    for (variant, linked) in [("C", false), ("B", true)] {
        let before = world.calls();
        assert_eq!(
            world.tell(CHATZURI, "lead.submit", json!({"variant": variant, "leads": [id]})).await,
            [202]
        );
        eventually("the lead is looked for", async || world.calls() != before).await;
        assert_eq!((world.calls() - before).chatzuri, 1, "its list's first page holds it");
        if linked {
            eventually("the link is known", async || {
                node(&world.ask(leads.clone()).await)["conversation"].is_object()
            })
            .await;
        }
    }
    let (answer, calls) = world.cost(leads.clone()).await;
    let lead = node(&answer);
    assert_eq!(lead["vendorId"], json!(id));
    let talk = &lead["conversation"]["vendorId"];
    assert!(talk.is_string());
    assert_eq!(lead["conversation"]["lead"]["vendorId"], json!(id));
    let told = json!([{"vendorId": talk, "kind": "CHAT", "lead": {"vendorId": id}}]);
    assert_eq!(lead["interactions"]["nodes"], told);
    assert_eq!(calls.chatzuri, 0, "the days were read already");
    let nodes = &answer.0["data"]["leads"]["edges"];
    assert!(elements(nodes)[1..].iter().all(|edge| edge["node"]["conversation"].is_null()));

    let talks = List::conversations().select("lead { vendorId }").page(&world, json!({"first": 30})).await;
    let ours = talks.nodes().into_iter().find(|node| node["vendorId"] == *talk).unwrap().clone();
    assert_eq!(ours["lead"]["vendorId"], json!(id));
}

const EVENTS: &str = "subscription { events { type source { name } lead { vendorId name } \
                      interaction { vendorId status } conversation { vendorId } } }";

/// Events as they are told, from now on.
async fn followed(world: &World) -> impl Stream<Item = Value> + Unpin + use<> {
    followed_at(&world.address().to_string()).await
}

/// The same, of a gateway at this address.
pub(super) async fn followed_at(address: &str) -> impl Stream<Item = Value> + Unpin + use<> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(format!("http://{address}/graphql/stream"))
        .header("accept", "text/event-stream")
        .json(&json!({ "query": EVENTS }));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut text = String::new();
    let lines = response.bytes_stream().flat_map(move |part| {
        text.push_str(std::str::from_utf8(&part.unwrap()).unwrap());
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let lines: Vec<String> = text.drain(..whole).collect::<String>().lines().map(str::to_owned).collect();
        futures_util::stream::iter(lines)
    });
    let event = |line: String| async move {
        let data: Value = serde_json::from_str(line.strip_prefix("data: ")?).ok()?;
        assert!(data.get("errors").is_none(), "{data}");
        Some(data["data"]["events"].clone())
    };
    Box::pin(lines.filter_map(event))
}

pub(super) async fn next(events: &mut (impl Stream<Item = Value> + Unpin)) -> Value {
    let event = tokio::time::timeout(Duration::from_secs(30), events.next()).await;
    event.expect("nothing is told").unwrap()
}

#[tokio::test]
async fn event_of_a_webhook_reaches_who_follows_with_its_record_and_at_no_further_cost() {
    let world = plan().until(Timestamp::now()).start().await;
    let mut events = followed(&world).await;
    for (vendor, source, event, kind, record) in [
        (SPELO, SPELO, "lead.captured", "LEAD_CREATED", "lead"),
        (SPELO, SPELO, "conversation.ended", "CONVERSATION_ENDED", "conversation"),
        (SPELO, SPELO, "conversation.recording_ready", "RECORDING_READY", "conversation"),
        (LEADSAIL, LEADSAIL, "lead.delivered", "LEAD_UPDATED", "lead"),
        (CHATZURI, "chatzuri/agt_1", "lead.submit", "LEAD_CREATED", "lead"),
    ] {
        let before = world.calls();
        assert_eq!(world.tell(vendor, event, json!({"copies": 3})).await, [202; 3]);
        let told = next(&mut events).await;
        assert_eq!((&told["type"], &told["source"]["name"]), (&json!(kind), &json!(source)), "{told}");
        assert!(told[record]["vendorId"].is_string(), "{told}");
        assert!((world.calls() - before).all() <= 1, "{event}: {:?}", paths(&world, vendor));
    }
}

#[tokio::test]
async fn write_through_the_gateway_is_told_once_though_its_vendor_tells_of_it_too() {
    for (vendor, event) in [(SPELO, "lead.updated"), (LEADSAIL, "lead.processed")] {
        let plan = plan().only(&[vendor]).events(|events| events.inbox.linger = Duration::from_millis(1));
        let world = plan.start().await;
        let mut events = followed(&world).await;
        let id = world.newest(vendor).await;
        let newest = world.leads().remove(0).1;
        for note in ["once", "twice"] {
            let payload = update(&world, json!({"id": id, "notes": note})).await;
            assert_eq!(payload["outcome"], "APPLIED");
            let told = next(&mut events).await;
            assert_eq!((&told["type"], &told["lead"]["vendorId"]), (&json!("LEAD_UPDATED"), &json!(newest)));
            let before = world.calls();
            assert_eq!(world.tell(vendor, event, json!({"leads": [newest]})).await, [202]);
            eventually("the echo is looked into", async || world.calls() != before).await;
        }
        // What comes behind them shows that the echoes are not to come any more.
        let other = world.leads().remove(1).1;
        assert_eq!(world.tell(vendor, event, json!({"leads": [other]})).await, [202]);
        assert_eq!(next(&mut events).await["lead"]["vendorId"], json!(other), "{vendor}");
    }
}

#[tokio::test]
async fn call_that_leadsail_never_tells_the_end_of_is_watched_to_its_end() {
    // C-L4, LEADSAIL-25, LEADSAIL-35
    for seed in 1..40 {
        let every = Duration::from_millis(50);
        let plan = Plan::new(20, 10).seed(seed).only(&[LEADSAIL]).events(|events| events.poll.every = every);
        let world = plan.start().await;
        let Some(lead) = called_just_now(&world).await else { continue };
        let mut events = followed(&world).await;
        let told = next(&mut events).await;
        assert_eq!((&told["type"], &told["lead"]["vendorId"]), (&json!("INTERACTION_ADDED"), &json!(lead)));
        assert_ne!(told["interaction"]["status"], "IN_PROGRESS");
        return;
    }
    panic!("nobody is called in any of these worlds");
}

/// A lead among the newest that is being called, as the vendor itself says.
async fn called_just_now(world: &World) -> Option<String> {
    let simulator = world.vendor(LEADSAIL);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (_, lead) in world.leads().into_iter().take(10) {
        let url = format!("http://{}/api/v1/interactions/lead/{lead}", simulator.address);
        let answer = client.get(url).header("x-api-key", simulator.vendor.key()).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let touches = elements(&answer["data"]["interactions"]);
        if touches.iter().any(|touch| touch["type"] == "call" && touch["status"] == "in_progress") {
            return Some(lead);
        }
    }
    None
}
