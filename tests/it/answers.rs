//! Whole answers that are given again: to whom, for how long, and that nobody can tell them from answers made anew.
//!
//! What gives one away is its header `age`.

use std::time::Duration;

use leadgraph::model::caller::Scope;
use serde_json::{Value, json};

use crate::harness::{LEADSAIL, Plan, Query, SPELO, World, known};
use crate::writes::update;

const PAGE: &str = "query($first: Int = 5, $filter: LeadFilter) { leads(first: $first, filter: $filter) {
    nodes { id name status vendorStatus email notes { text } }
    pageInfo { endCursor hasNextPage } sources { source { name } status fetchedAt upstreamCalls } incomplete } }";

/// An answer, and whether it was given before.
async fn told(request: reqwest::RequestBuilder) -> (Value, bool) {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let again = response.headers().contains_key("age");
    (response.json().await.unwrap(), again)
}

async fn sent(world: &World, key: &str, body: &Value) -> (Value, bool) {
    told(world.post(body).bearer_auth(key)).await
}

async fn ask(world: &World, query: &str) -> (Value, bool) {
    told(world.request(query)).await
}

/// The body of a request, and the same in words that nobody used before, which is made anew.
fn again(query: &Query) -> Value {
    query.body()
}

fn anew(query: &Query) -> Value {
    let mut body = query.body();
    body["nonce"] = json!(fastrand::u64(..));
    body
}

/// Asks until the answer is given again, and tells it.
async fn kept(world: &World, query: &str) -> Value {
    for _ in 0..3 {
        if let (answer, true) = ask(world, query).await {
            return answer;
        }
    }
    panic!("it is made anew each time");
}

fn cursor(answer: &Value) -> &str {
    answer["data"]["leads"]["pageInfo"]["endCursor"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

#[tokio::test]
async fn answer_that_cost_no_call_is_given_again_and_its_cursor_goes_on() {
    let world = World::of(20, 5).await;
    let (first, _) = ask(&world, PAGE).await;
    let (second, again) = ask(&world, PAGE).await;
    // The first one tells of the calls it took, so it is not what the next to ask would get.
    assert!(!again && first != second);
    assert_eq!(ask(&world, PAGE).await, (second.clone(), true));
    let (other, again) = sent(&world, "", &anew(&Query::new(PAGE))).await;
    assert!(!again);
    let next = "query($after: String) { leads(first: 5, after: $after) { nodes { id } } }";
    let page = async |after: &str| world.ask(Query::new(next).with("after", after)).await.data().clone();
    assert_eq!(page(cursor(&second)).await, page(cursor(&other)).await);
}

#[tokio::test]
async fn write_a_webhook_and_an_expiry_each_end_it_at_once() {
    let plan = Plan::new(20, 5).webhook(SPELO, "").events(|events| events.inbox.linger = Duration::ZERO);
    let world = plan.start().await;
    let id = world.newest(LEADSAIL).await;
    kept(&world, PAGE).await;
    assert_eq!(update(&world, json!({"id": id, "status": "CONTACTED"})).await["outcome"], "APPLIED");
    let (after, again) = ask(&world, PAGE).await;
    assert!(!again);
    let shown =
        after["data"]["leads"]["nodes"].as_array().unwrap().iter().find(|lead| lead["id"] == *id).unwrap();
    assert_eq!(shown["status"], "CONTACTED");

    kept(&world, PAGE).await;
    let lead = world.vendor(SPELO).vendor.add_lead(world.now());
    assert!(ask(&world, PAGE).await.1, "nobody has told of it");
    assert_eq!(world.tell(SPELO, "lead.captured", json!({"leads": [lead]})).await, [202]);
    assert!(!ask(&world, PAGE).await.1);

    let brief = Plan::new(20, 5).settings(|settings| settings.list_ttl = Duration::from_millis(1_500));
    let world = brief.settings(|settings| settings.stale_while_revalidate = Duration::ZERO).start().await;
    let before = kept(&world, PAGE).await;
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    let (after, again) = ask(&world, PAGE).await;
    assert!(!again);
    let fetched = |answer: &Value| answer["data"]["leads"]["sources"][0]["fetchedAt"].clone();
    assert_ne!(fetched(&after), fetched(&before));
}

#[tokio::test]
async fn what_is_of_this_moment_or_not_whole_is_made_anew() {
    let world = World::of(10, 3).await;
    let with =
        |what: &str| format!("{{ leads(first: 2) {{ nodes {{ id }} pageInfo {{ endCursor }} }} {what} }}");
    for (what, lasts) in [
        ("viewer { name }", true),
        ("sources { name capabilities { leads } }", true),
        ("sources { health { state } }", false),
        ("sources { quota { remaining } }", false),
        ("node(id: \"nonsense\") { id }", false),
    ] {
        let query = with(what);
        ask(&world, &query).await;
        ask(&world, &query).await;
        assert_eq!(ask(&world, &query).await.1, lasts, "{what}");
    }
    let mut plan = Plan::new(10, 3);
    plan.http.answers_max_bytes = 0;
    let world = plan.start().await;
    for _ in 0..4 {
        assert!(!ask(&world, PAGE).await.1, "none are kept");
    }
}

#[tokio::test]
async fn who_has_an_answer_already_is_told_that_it_still_holds() {
    let world = World::of(10, 3).await;
    let asked = |held: Option<&str>| {
        let request = world.get(&[("query", PAGE)]).header("graphql-require-preflight", "1");
        held.map_or(world.get(&[("query", PAGE)]).header("graphql-require-preflight", "1"), |held| {
            request.header("if-none-match", held)
        })
    };
    asked(None).send().await.unwrap();
    asked(None).send().await.unwrap();
    let response = asked(None).send().await.unwrap();
    let etag = response.headers()["etag"].to_str().unwrap().to_owned();
    let body = response.text().await.unwrap();
    let response = asked(Some(&etag)).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["etag"].to_str().unwrap()), (304, &*etag));
    assert!(response.headers().contains_key("vary") && response.headers().contains_key("x-request-id"));
    assert_eq!(response.text().await.unwrap(), "");
    let response = asked(Some("W/\"another\"")).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap()), (200, body));
    let id = world.newest(SPELO).await;
    assert_eq!(update(&world, json!({"id": id, "status": "CONTACTED"})).await["outcome"], "APPLIED");
    let response = asked(Some(&etag)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    // By an unmarked request nothing is given, kept or not.
    let unmarked = world.get(&[("query", PAGE)]).send().await.unwrap();
    assert_eq!(unmarked.status(), 400);
}

#[tokio::test]
async fn what_changes_something_changes_it_each_time_it_is_asked() {
    let world = Plan::new(20, 5).only(&[SPELO]).start().await;
    // All that the answer shows is held, and no write voids it.
    let all = "{ leads(first: 20) { nodes { id conversation { id } } pageInfo { endCursor } } }";
    let (found, _) = ask(&world, all).await;
    let nodes = found["data"]["leads"]["nodes"].as_array().unwrap();
    let id = &nodes.iter().find(|lead| lead["conversation"]["id"].is_string()).unwrap()["id"];
    let text = "mutation($input: UpdateLeadInput!) { updateLead(input: $input) { outcome lead { conversation { id } } } }";
    let order = Query::new(text).with("input", json!({"id": id, "notes": "Called, nobody there."}));
    for times in 1..=4 {
        let (answer, again) = told(world.request(order.clone())).await;
        assert_eq!(answer["data"]["updateLead"]["outcome"], "APPLIED");
        assert!(!again);
        assert_eq!(world.writes(SPELO), times);
    }
}

#[tokio::test]
async fn record_that_was_read_anew_with_a_list_is_shown_as_it_is_there() {
    let mut world = Plan::new(20, 5).only(&[SPELO]).start().await;
    let id = world.newest(SPELO).await;
    let one = json!({"query": "query($id: ID!) { lead(id: $id) { status } }", "variables": {"id": id}});
    told(world.post(&one)).await;
    told(world.post(&one)).await;
    let (before, again) = told(world.post(&one)).await;
    assert!(again);
    // Somebody else, past this gateway; no webhook tells it, and the list is read for a reason of its own.
    let changed =
        ["NEW", "CONTACTED"].into_iter().find(|word| before["data"]["lead"]["status"] != *word).unwrap();
    let ours = world.put_aside().await;
    assert_eq!(update(&world, json!({"id": id, "status": changed})).await["outcome"], "APPLIED");
    world.take_back(ours);
    assert!(told(world.post(&one)).await.1);
    let list =
        "{ leads(first: 1, filter: {createdAt: {from: \"2000-01-01T00:00:00Z\"}}) { nodes { status } } }";
    let (listed, _) = ask(&world, list).await;
    assert_eq!(listed["data"]["leads"]["nodes"][0]["status"], changed);
    let (after, again) = told(world.post(&one)).await;
    assert!(!again);
    assert_eq!(after["data"]["lead"]["status"], changed);
}

/// The answer without what is each one's own: its cursors, which hold when they were made, and the request's id.
fn plain(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.to_ascii_lowercase();
                let sealed = (name.ends_with("cursor") || name == "requestid") && value.is_string();
                *value = if sealed { json!("sealed") } else { plain(value.take()) };
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| *value = plain(value.take())),
        _ => {}
    }
    value
}

/// What may be asked. Each selects what some event below changes.
fn questions(ids: &[String]) -> Vec<Query> {
    let lists = [
        "leads(first: 7)",
        "leads(first: 3, filter: {status: [NEW]})",
        "leads(last: 4)",
        "conversations(first: 4)",
    ];
    let list = |list: &&str| {
        let fields = if list.starts_with("leads") {
            "name status notes { text }"
        } else {
            "startedAt lead { status }"
        };
        format!(
            "{{ page: {list} {{ nodes {{ id {fields} }} pageInfo {{ endCursor }} incomplete \
             sources {{ source {{ name }} status fetchedAt upstreamCalls }} }} }}"
        )
    };
    let mut all: Vec<Query> = lists.iter().map(list).map(Query::new).collect();
    for id in ids {
        let lead =
            "query($id: ID!) { lead(id: $id) { id email status conversation { id lead { status } } } }";
        let history = "query($id: ID!) { node(id: $id) { ... on Lead { vendorStatus interactions(first: 2) { \
                       nodes { id lead { status } } pageInfo { endCursor } } } } }";
        all.extend([lead, history].map(|text| Query::new(text).with("id", id.as_str())));
    }
    all.push(Query::new("{ leads(first: 2) { edges { cursor node { ...L } } } } fragment L on Lead { id phone @skip(if: false) }"));
    all.push(Query::new(
        "{ viewer { name } leads(first: 1) { nodes { source { name capabilities { leads } } } } }",
    ));
    all
}

#[tokio::test]
async fn nobody_can_tell_an_answer_given_again_from_one_made_anew() {
    let callers = vec![
        known("staff", &Scope::ALL, &[]),
        known("wall", &[Scope::LeadsRead], &[]),
        known("shop", &Scope::ALL, &[SPELO]),
    ];
    let plan = Plan::new(12, 4).callers(callers).webhook(SPELO, "").webhook(LEADSAIL, "");
    let world = plan.events(|events| events.inbox.linger = Duration::ZERO).start().await;
    let newest = Query::new("{ leads(first: 9) { nodes { id source { name } } } }");
    let (found, _) = sent(&world, "staff", &again(&newest)).await;
    let nodes = found["data"]["leads"]["nodes"].as_array().unwrap();
    let of = |source: &str| {
        nodes.iter().find(|node| node["source"]["name"] == source).unwrap()["id"].as_str().unwrap()
    };
    let ids = [of(SPELO).to_owned(), of(LEADSAIL).to_owned()];
    let questions = questions(&ids);
    let seed = fastrand::u64(..);
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut repeats = 0;
    for step in 0..400 {
        let (who, what) = (dice.usize(0..3), dice.usize(0..questions.len()));
        let (key, query) = (["staff", "wall", "shop"][who], &questions[what]);
        // Whatever calls are needed are made here, so that the two below cost none.
        sent(&world, key, &anew(query)).await;
        let (given, kept) = sent(&world, key, &again(query)).await;
        let (made, _) = sent(&world, key, &anew(query)).await;
        assert_eq!(plain(given), plain(made), "seed {seed}, step {step}, {key}: {query:?}");
        repeats += usize::from(kept);
        match dice.u8(0..12) {
            0 => {
                let words = ["NEW", "CONTACTED", "QUALIFIED"];
                let input = json!({"id": ids[dice.usize(0..2)], "status": words[dice.usize(0..3)]});
                let text = "mutation($input: UpdateLeadInput!) { updateLead(input: $input) { outcome } }";
                sent(&world, "staff", &Query::new(text).with("input", input).body()).await;
            }
            1 => {
                let lead = world.vendor(SPELO).vendor.add_lead(world.now());
                world.tell(SPELO, "lead.captured", json!({"leads": [lead]})).await;
                settled(&world).await;
            }
            2 => {
                world.tell(LEADSAIL, "lead.processed", json!({})).await;
                settled(&world).await;
            }
            // Nobody tells of it.
            3 => drop(world.vendor(LEADSAIL).vendor.add_lead(world.now())),
            _ => {}
        }
    }
    assert!(repeats > 40, "only {repeats} answers were given again, so nothing was shown");
}

/// Waits until what a webhook told is worked off.
async fn settled(world: &World) {
    let mut calls = world.calls();
    let mut quiet = 0;
    while quiet < 4 {
        tokio::time::sleep(Duration::from_millis(25)).await;
        quiet = if world.calls() == calls { quiet + 1 } else { 0 };
        calls = world.calls();
    }
}
