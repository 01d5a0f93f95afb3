//! Key by key: what is kept for one caller, or of one source, shows in what another is answered, were it left out of the key.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use leadgraph::callers::key::Digest;
use leadgraph::callers::{Known, Rates};
use leadgraph::model::caller::{Caller, Scope, Visible};
use leadgraph::model::id::SourceId;

use super::account::LOST;
use super::*;

const LEAD: &str = "leads(first: 1, filter: $filter) { nodes { id name source { name } conversation { id source { name } } } }";

/// A gateway over accounts that neither take time nor fail; it keeps what it reads.
async fn steady(change: impl FnOnce(&mut Parts)) -> App {
    let mut parts = parts(Duration::from_secs(60), true);
    change(&mut parts);
    App::start(parts).await
}

fn both(app: &App) -> [Client; 2] {
    CANARIES.map(|canary| Client { router: app.router(), canary })
}

/// A caller of that name with another key, who has other rights.
fn namesake(name: &str, key: &str, scopes: &[Scope], sources: &[&str]) -> Known {
    let sources = sources.iter().map(|source| SourceId::new(source).unwrap()).collect();
    let caller = Caller {
        name: name.into(),
        scopes: scopes.iter().copied().collect(),
        sources: Visible::Only(sources),
    };
    Known { caller, key: Digest::of(key), ..caller_of("finch") }
}

impl Client {
    /// What the newest lead of a source, or `nodes` of it, says.
    async fn newest(&self, source: &str) -> Value {
        let query = format!("query($filter: LeadFilter) {{ {LEAD} }}");
        let source = self.source(source).await;
        let answer = self.ask(&query, json!({ "filter": { "sources": [source] } })).await;
        self.check(&answer);
        answer["data"]["leads"]["nodes"][0].clone()
    }

    /// The id of one of this caller's two sources.
    async fn source(&self, name: &str) -> Value {
        let answer = self.ask("{ sources { id name } }", Value::Null).await;
        let sources = answer["data"]["sources"].as_array().unwrap();
        let name = format!("{}/{name}", self.canary);
        sources.iter().find(|source| source["name"] == name).unwrap()["id"].clone()
    }

    /// What came of a note on a lead, and the code of the first error.
    async fn note(&self, lead: &Value, note: &str, key: Option<&str>) -> (Value, Value) {
        let query = "mutation($input: UpdateLeadInput!) { updateLead(input: $input) {
            outcome lead { id name source { name } } userErrors { code message }
        } }";
        let input = json!({ "id": lead["id"], "notes": note, "idempotencyKey": key });
        let answer = self.ask(query, json!({ "input": input })).await;
        self.check(&answer);
        let payload = &answer["data"]["updateLead"];
        (payload["outcome"].clone(), payload["userErrors"][0]["code"].clone())
    }

    /// The status of a stream of events, and the first event on it, if it is opened.
    async fn stream(&self, after: Option<&str>) -> Response<Body> {
        let query = "subscription($after: String) { events(after: $after) { cursor } }";
        let body = json!({ "query": query, "variables": { "after": after } });
        let request = Request::post("/graphql/stream").header("accept", "text/event-stream");
        let request = request.header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {}", self.canary));
        self.router.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap()
    }
}

/// The first thing that is told on a stream; signs of life are nothing.
async fn first(response: Response<Body>) -> Value {
    let mut told = response.into_body().into_data_stream();
    let data = async {
        loop {
            let part = told.next().await.unwrap().unwrap();
            let part = std::str::from_utf8(&part).unwrap();
            if let Some(data) = part.lines().find_map(|line| line.strip_prefix("data: ")) {
                return serde_json::from_str(data).unwrap();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), data).await.expect("nothing is told")
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

// Loaders, and what they look for together: all ids are the same in both sources.
#[tokio::test]
async fn records_of_two_sources_with_the_same_ids_are_told_apart_in_one_request() {
    // So many that conversations are looked for in lists, and interactions of both sources.
    let query = "{ leads(first: 30) { nodes {
            id name source { name }
            conversation { id preview source { name } }
            interactions(first: 2) { nodes { id summary source { name } } }
        } }
        interactions(first: 8) { nodes { id summary source { name } } } }";
    let again = "query($ids: [ID!]!) { nodes(ids: $ids) { id __typename
        ... on Lead { name source { name } }
        ... on Conversation { preview source { name } }
        ... on Interaction { summary source { name } } } }";
    for life in [Duration::ZERO, Duration::from_secs(60)] {
        let app = App::start(parts(life, false)).await;
        let [client, _] = both(&app);
        let mut told = BTreeSet::new();
        for _ in 0..10 {
            let answer = client.ask(query, Value::Null).await;
            client.check(&answer);
            let leads = answer["data"]["leads"]["nodes"].as_array().into_iter().flatten();
            let mut ids: Vec<&Value> =
                leads.flat_map(|lead| [&lead["id"], &lead["conversation"]["id"]]).take(16).collect();
            let interactions = answer["data"]["interactions"]["nodes"].as_array().into_iter().flatten();
            ids.extend(interactions.map(|interaction| &interaction["id"]));
            ids.retain(|id| id.is_string());
            let answer = client.ask(again, json!({ "ids": ids })).await;
            client.check(&answer);
            // Now and then an account fails, on purpose; what is there stands in its place.
            for (node, id) in answer["data"]["nodes"].as_array().into_iter().flatten().zip(ids) {
                assert!(node.is_null() || node["id"] == *id, "{node} for {id}");
                told.insert(format!("{} {}", node["__typename"], node["source"]["name"]));
            }
        }
        told.retain(|kind| kind.contains("finch"));
        assert_eq!(told.len(), 6, "three kinds at two sources: {told:?}");
    }
}

#[tokio::test]
async fn answers_are_given_again_to_callers_of_the_same_name_and_rights_alone() {
    let all: Vec<Scope> = Scope::ALL.to_vec();
    let masked: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| *scope != Scope::PiiRead).collect();
    let app = steady(|parts| {
        parts.callers.known.extend([
            namesake("finch", "narrow", &all, &["finch/talks"]),
            namesake("finch", "masked", &masked, &["finch"]),
            namesake("twin", "twin", &all, &["finch"]),
        ]);
    })
    .await;
    let body = json!({ "query": "{ viewer { name } leads(first: 4) { nodes { name source { name } } edges { cursor } } }" });
    let ask = async |key: &str| {
        let request = Request::post("/graphql").header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {key}"));
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = app.router().oneshot(request).await.unwrap();
        let again = response.headers().contains_key("age");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (again, serde_json::from_slice::<Value>(&bytes).unwrap())
    };
    for _ in 0..2 {
        ask("finch").await;
    }
    let (again, own) = ask("finch").await;
    assert!(again && own.to_string().contains("finch/calls"), "{own}");
    let (again, narrow) = ask("narrow").await;
    assert!(!again && !narrow.to_string().contains("finch/calls"), "{narrow}");
    let (again, masked) = ask("masked").await;
    assert!(!again && !masked.to_string().contains("speaks"), "{masked}");
    let (again, twin) = ask("twin").await;
    assert!(!again && twin["data"]["viewer"]["name"] == "twin", "{twin}");
    // A page that was merged for the one has cursors that are not the other's.
    let cursor = &twin["data"]["leads"]["edges"][0]["cursor"];
    let client = Client { router: app.router(), canary: "twin" };
    let next = format!("{{ leads(first: 1, after: {cursor}) {{ nodes {{ name }} }} }}");
    assert_eq!(code(&client.ask(&next, Value::Null).await), "none");
    let (again, other) = ask("wren").await;
    assert!(!again && !other.to_string().contains("finch"), "{other}");
}

#[tokio::test]
async fn order_is_known_by_its_caller_and_by_its_lead() {
    let app = steady(|_| {}).await;
    let [one, other] = both(&app);
    for client in [&one, &other] {
        let lead = client.newest("talks").await;
        assert_eq!(client.note(&lead, "same", Some("key")).await.0, "APPLIED");
    }
    let lead = one.newest("calls").await;
    assert_eq!(one.note(&lead, "same", Some("key")).await.1, "INVALID", "a lead with the same id elsewhere");
}

#[tokio::test]
async fn doubt_about_a_lead_holds_up_nobody_elses_note() {
    let app = steady(|_| {}).await;
    let [one, other] = both(&app);
    let lead = one.newest("calls").await;
    assert_eq!(one.note(&lead, LOST, None).await.0, "UNKNOWN");
    assert_eq!(one.note(&lead, "next", None).await.1, "SOURCE_FAILED", "it has to wait");
    let lead = other.newest("calls").await;
    assert_eq!(other.note(&lead, "next", None).await, (json!("APPLIED"), Value::Null));
}

#[tokio::test]
async fn own_write_lies_over_no_lead_of_another_source() {
    let app = steady(|_| {}).await;
    let [one, other] = both(&app);
    let lead = one.newest("talks").await;
    assert_eq!(one.note(&lead, "finch wrote", None).await.0, "APPLIED");
    for client in [&one, &other] {
        for source in SOURCES {
            assert_eq!(client.newest(source).await["source"]["name"], format!("{}/{source}", client.canary));
        }
    }
}

// What the webhook of one account told counts neither for the other, nor as a repeat of what the other's tells.
#[tokio::test]
async fn link_that_a_webhook_told_is_of_its_own_source() {
    let app = steady(|_| {}).await;
    let [one, other] = both(&app);
    let tell = async |client: &Client| {
        let request = Request::post(format!("/webhooks/{}", client.canary)).body(Body::from("{}")).unwrap();
        assert_eq!(client.router.clone().oneshot(request).await.unwrap().status(), 202);
        for _ in 0..500 {
            let lead = client.newest("talks").await;
            if !lead["conversation"].is_null() {
                return lead;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} was told nothing", client.canary);
    };
    let linked = tell(&one).await;
    for lead in [one.newest("calls").await, other.newest("talks").await, other.newest("calls").await] {
        assert_eq!(lead["conversation"], Value::Null, "{lead}");
    }
    tell(&other).await;
    let query =
        "query($id: ID!) { conversation(id: $id) { id source { name } lead { id name source { name } } } }";
    let answer = one.ask(query, json!({ "id": linked["conversation"]["id"] })).await;
    one.check(&answer);
    assert_eq!(answer["data"]["conversation"]["lead"]["id"], linked["id"], "{answer}");
}

#[tokio::test]
async fn links_to_recordings_are_counted_for_each_caller_apart() {
    let app = steady(|parts| parts.gather.links_per_second = 1).await;
    let query = "{ conversations(first: 1) { nodes { source { name } recording { link { url } } } } }";
    let [one, other] = both(&app);
    let answers = [one.ask(query, Value::Null).await, other.ask(query, Value::Null).await];
    for (client, answer) in [&one, &other].into_iter().zip(&answers) {
        let url = &answer["data"]["conversations"]["nodes"][0]["recording"]["link"]["url"];
        let own = format!("https://recordings.example/{}/", client.canary);
        assert!(url.as_str().is_some_and(|url| url.starts_with(&own)), "{answer}");
    }
    assert_eq!(code(&one.ask(query, Value::Null).await), "RATE_LIMITED");
}

#[tokio::test]
async fn place_among_events_is_its_callers() {
    let app = steady(|_| {}).await;
    let [one, other] = both(&app);
    let lead = one.newest("talks").await;
    let stream = one.stream(None).await;
    assert_eq!(one.note(&lead, "heard", None).await.0, "APPLIED");
    let told = first(stream).await;
    let cursor = told["data"]["events"]["cursor"].as_str().unwrap();
    let refused = first(other.stream(Some(cursor)).await).await;
    assert_eq!(code(&refused), "CURSOR_INVALID", "{refused}");
    // Its own caller goes on from there.
    let stream = one.stream(Some(cursor)).await;
    assert_eq!(one.note(&lead, "heard again", None).await.0, "APPLIED");
    assert!(first(stream).await["data"]["events"]["cursor"].is_string());
}

#[tokio::test]
async fn lines_and_rates_of_one_caller_are_not_the_others() {
    let app = steady(|parts| {
        parts.http.max_lines_per_caller = 1;
        parts
            .callers
            .known
            .iter_mut()
            .for_each(|known| known.rates = Rates { requests_per_second: 2, cost_per_second: 1_000 });
    })
    .await;
    let [one, other] = both(&app);
    let (own, others) = (one.stream(None).await, other.stream(None).await);
    assert_eq!((own.status().as_u16(), others.status().as_u16()), (200, 200));
    assert_eq!(one.stream(None).await.status(), 429, "one line each");
    let mut told = "none".to_owned();
    for _ in 0..10 {
        told = code(&one.ask("{ viewer { name } }", Value::Null).await).to_owned();
    }
    assert_eq!(told, "RATE_LIMITED");
    assert_eq!(code(&other.ask("{ viewer { name } }", Value::Null).await), "none");
}
