//! Accounts with the same ids, each for a caller of its own, through all of the gateway but its socket: nothing of one ever
//! reaches the other's, and nothing of one source passes for another's.
//!
//! That this holds is only as good as what would be noticed: leave the source or the caller out of any one key (of the cache,
//! of the loaders, of own writes, doubts and orders, of cursors of both kinds, of merged pages and answers that are kept, of
//! links, of deliveries, of rates and lines) and a test here fails. Not where two keep watch: a loader is one source's, and
//! its keys name it again. Nor where nothing can be told: marks of what was forgotten, and habits, cost a call where they
//! are mixed up.

mod account;
mod keys;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::StreamExt;
use futures_util::future::join_all;
use http::{Request, Response};
use http_body_util::BodyExt;
use leadgraph::app::{App, Parts};
use leadgraph::callers::key::Digest;
use leadgraph::callers::{self, Known, Rates};
use leadgraph::events::{self, PollSettings};
use leadgraph::gather::settings::Settings;
use leadgraph::graphql;
use leadgraph::http as served;
use leadgraph::model::caller::{Caller, Visible};
use leadgraph::model::id::SourceId;
use leadgraph::source::Source;
use leadgraph::vendors;
use serde_json::{Value, json};
use sha2::Digest as _;
use tower::ServiceExt;

use self::account::{Account, Postbox, says};

/// Whose an account is, and the key that its caller shows.
const CANARIES: [&str; 2] = ["finch", "wren"];
/// The sources of each account.
const SOURCES: [&str; 2] = ["talks", "calls"];
/// Texts that an answer shows beside the source they are of.
const TEXTS: [&str; 3] = ["name", "preview", "summary"];

const LEADS: &str = "leads(first: 7, after: $after) {
    nodes {
        id name source { name }
        notes { text }
        conversation { id preview source { name } }
        interactions(first: 2) { nodes { id summary source { name } } }
    }
    edges { cursor }
    pageInfo { endCursor hasNextPage }
    sources { source { name } error { message } }
}";

fn caller_of(canary: &str) -> Known {
    let own = [SourceId::new(canary).unwrap()].into();
    Known {
        caller: Caller { sources: Visible::Only(own), ..Caller::unrestricted(canary) },
        key: Digest::of(canary),
        previous_key: None,
        rates: Rates { requests_per_second: 1_000_000, cost_per_second: 1_000_000_000 },
    }
}

/// What a gateway is made of that keeps what it reads for so long.
fn parts(life: Duration, steady: bool) -> Parts {
    let gather = Settings {
        list_ttl: life,
        lead_ttl: life,
        conversation_ttl: life,
        ended_conversation_ttl: life,
        interaction_ttl: life,
        writable: Visible::All,
        ..Settings::default()
    };
    let account = |canary| vendors::Account {
        name: SourceId::new(canary).unwrap(),
        sources: SOURCES
            .map(|source| Arc::new(Account::new(&format!("{canary}/{source}"), steady)) as Arc<dyn Source>)
            .into(),
        discovery: None,
        client: None,
        webhook: Some(Arc::new(Postbox(SourceId::new(canary).unwrap()))),
    };
    let never = Duration::ZERO;
    Parts {
        http: served::Settings {
            max_requests: 10_000,
            max_wait: Duration::from_secs(60),
            ..Default::default()
        },
        gather,
        events: events::Settings {
            poll: PollSettings { every: never, reconcile: never },
            ..Default::default()
        },
        graphql: graphql::Settings {
            max_upstream_calls: 10_000,
            max_nodes: 1_000_000,
            ..graphql::Settings::default()
        },
        callers: callers::Settings { known: CANARIES.map(caller_of).into(), ..Default::default() },
        accounts: CANARIES.map(account).into(),
    }
}

/// One of the two callers.
#[derive(Clone)]
struct Client {
    router: Router,
    canary: &'static str,
}

impl Client {
    async fn send(&self, request: http::request::Builder, body: Body) -> Value {
        let request = request.header("authorization", format!("Bearer {}", self.canary)).body(body).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    async fn post(&self, body: &Value) -> Value {
        let request = Request::post("/graphql").header("content-type", "application/json");
        self.send(request, Body::from(body.to_string())).await
    }

    async fn ask(&self, query: &str, variables: Value) -> Value {
        self.post(&json!({ "query": query, "variables": variables })).await
    }

    /// Names a document by its hash alone; shows it where nobody has done so before.
    async fn name(&self, document: &str) -> Value {
        let hash: String = sha2::Sha256::digest(document).iter().map(|byte| format!("{byte:02x}")).collect();
        let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        let written: String =
            url::form_urlencoded::byte_serialize(extensions.to_string().as_bytes()).collect();
        let request =
            Request::get(format!("/graphql?extensions={written}")).header("graphql-require-preflight", "1");
        let answer = self.send(request, Body::empty()).await;
        if answer["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND" {
            return self.post(&json!({ "query": document, "extensions": extensions })).await;
        }
        answer
    }

    /// All that this caller hears of events, from now on.
    async fn listen(&self) -> Arc<Mutex<String>> {
        let query = "subscription%7Bevents%7Btype%20source%7Bname%7D%20lead%7Bid%20name%20source%7Bname%7D%20notes%7Btext%7D%7D%7D%7D";
        let request = Request::get(format!("/graphql/stream?query={query}"))
            .header("accept", "text/event-stream")
            .header("authorization", format!("Bearer {}", self.canary));
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        let heard = Arc::new(Mutex::new(String::new()));
        let (kept, mut events) = (Arc::clone(&heard), response.into_body().into_data_stream());
        tokio::spawn(async move {
            while let Some(Ok(event)) = events.next().await {
                kept.lock().unwrap().push_str(std::str::from_utf8(&event).unwrap());
            }
        });
        heard
    }

    fn other(&self) -> Self {
        let canary = CANARIES.into_iter().find(|other| *other != self.canary).unwrap();
        Self { router: self.router.clone(), canary }
    }

    /// Nothing in an answer is the other caller's, and each text is of the source that stands beside it.
    fn check(&self, answer: &Value) {
        let text = answer.to_string();
        assert!(!text.contains(self.other().canary), "{} got {text}", self.canary);
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_ne!(code, "GRAPHQL_VALIDATION_FAILED", "{answer}");
        self.walk(answer, None);
    }

    /// `of`: the source of the record that this is a part of.
    fn walk(&self, value: &Value, of: Option<&str>) {
        match value {
            Value::Object(members) => {
                let source = value["source"]["name"].as_str();
                if let Some(source) = source {
                    assert!(
                        of.is_none_or(|of| of == source),
                        "{} got, as a part of {of:?}, {value}",
                        self.canary
                    );
                    for text in TEXTS.iter().filter_map(|name| members.get(*name)?.as_str()) {
                        assert_eq!(text, says(source), "{} got {value}", self.canary);
                    }
                    if let Some(id) = members.get("id").and_then(Value::as_str) {
                        let id = String::from_utf8(URL_SAFE_NO_PAD.decode(id).unwrap()).unwrap();
                        assert!(id.contains(source), "{} got {id} of {source}", self.canary);
                    }
                }
                members.values().for_each(|member| self.walk(member, source.or(of)));
            }
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, of)),
            _ => {}
        }
    }

    /// The ids of a lead, a conversation and an interaction, where they could be had.
    async fn ids(&self) -> Option<[String; 3]> {
        let answer = self.ask(&format!("query($after: String) {{ {LEADS} }}"), Value::Null).await;
        self.check(&answer);
        let leads = answer["data"]["leads"]["nodes"].as_array()?;
        let lead = &leads[fastrand::usize(..leads.len())];
        let ids = [&lead["id"], &lead["conversation"]["id"], &lead["interactions"]["nodes"][0]["id"]];
        let [Some(lead), Some(conversation), Some(interaction)] = ids.map(Value::as_str) else { return None };
        Some([lead, conversation, interaction].map(str::to_owned))
    }

    /// Asks something; `number` tells orders of one caller apart, and is the same for the other's.
    async fn turn(&self, number: usize, cursor: &mut Option<String>) -> Option<Value> {
        match number % 5 {
            0 => {
                let query = format!("query($after: String) {{ {LEADS} }}");
                let answer = self.ask(&query, json!({ "after": cursor })).await;
                let info = &answer["data"]["leads"]["pageInfo"];
                let next = info["endCursor"].as_str().filter(|_| info["hasNextPage"] == true);
                *cursor = next.map(str::to_owned);
                if let Some(cursor) = cursor {
                    let stolen = json!({ "query": format!("{{ leads(after: \"{cursor}\") {{ nodes {{ name }} }} }}") });
                    let refused = self.other().post(&stolen).await;
                    assert_eq!(refused["errors"][0]["extensions"]["code"], "CURSOR_INVALID", "{refused}");
                }
                Some(answer)
            }
            1 => {
                let query = "{ conversations(first: 5) { nodes { id preview summary source { name } lead { id name source { name } } } } }";
                Some(self.ask(query, Value::Null).await)
            }
            2 => {
                let [lead, conversation, interaction] = self.ids().await?;
                let query = "query($lead: ID!, $conversation: ID!, $interaction: ID!) {
                    lead(id: $lead) { id name source { name } }
                    conversation(id: $conversation) { id preview source { name } }
                    node(id: $interaction) { ... on Interaction { id summary source { name } } }
                }";
                let ids = json!({ "lead": lead, "conversation": conversation, "interaction": interaction });
                Some(self.ask(query, ids).await)
            }
            3 => {
                let [lead, ..] = self.ids().await?;
                let query = "mutation($input: UpdateLeadInput!) { updateLead(input: $input) {
                    outcome lead { id name source { name } notes { text } } userErrors { code message }
                } }";
                // Another one each time: the same again is no event.
                let note = format!("{} wrote {number}", self.canary);
                let input = json!({ "id": lead, "notes": note, "idempotencyKey": format!("order-{number}") });
                let answer = self.ask(query, json!({ "input": input })).await;
                let code = &answer["data"]["updateLead"]["userErrors"][0]["code"];
                assert_ne!(code, "INVALID", "one caller's order is none of the other's: {answer}");
                Some(answer)
            }
            _ => Some(self.name(&format!("query($after: String) {{ {LEADS} }}")).await),
        }
    }

    /// Asks again and again; three of ten requests are given up on the way. Answers how many came to their end.
    async fn turns(self, number: usize, rounds: usize) -> usize {
        let (mut answered, mut cursor) = (0, None);
        for round in 0..rounds {
            let turn = self.turn(number * rounds + round, &mut cursor);
            let answer = if fastrand::u8(0..10) < 3 {
                let patience = Duration::from_millis(fastrand::u64(0..8));
                tokio::time::timeout(patience, turn).await.ok().flatten()
            } else {
                turn.await
            };
            if let Some(answer) = answer {
                self.check(&answer);
                answered += 1;
            }
        }
        answered
    }
}

// What is read anew meets what is held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_one_account_reaches_the_caller_of_another_while_all_is_read_anew() {
    nothing_is_mixed_up(Duration::from_millis(3)).await;
}

// What is held is given again, and so are whole answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_one_account_reaches_the_caller_of_another_while_all_is_held() {
    nothing_is_mixed_up(Duration::from_secs(60)).await;
}

async fn nothing_is_mixed_up(life: Duration) {
    let app = App::start(parts(life, false)).await;
    let client = |canary| Client { router: app.router(), canary };
    let mut listening = Vec::new();
    for canary in CANARIES {
        listening.push((canary, client(canary).listen().await));
    }
    let clients = (0..60).map(|number| tokio::spawn(client(CANARIES[number % 2]).turns(number / 2, 10)));
    let answered = join_all(clients).await.into_iter().map(Result::unwrap).sum::<usize>();
    assert!(answered > 150, "{answered}");
    for (canary, heard) in listening {
        // What was published last may still be on its way.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let heard = heard.lock().unwrap().clone();
        let events = heard.lines().filter_map(|line| line.strip_prefix("data: {"));
        let events: Vec<Value> =
            events.map(|event| serde_json::from_str(&format!("{{{event}")).unwrap()).collect();
        let events: Vec<_> = events.iter().filter(|event| !event["data"]["events"].is_null()).collect();
        assert!(events.len() > 3, "{canary} heard of own writes: {heard}");
        events.iter().for_each(|event| client(canary).check(event));
    }
}

#[tokio::test]
async fn ids_of_another_caller_name_nothing() {
    let app = App::start(parts(Duration::from_millis(3), false)).await;
    let mut told = BTreeSet::new();
    for canary in CANARIES {
        let client = Client { router: app.router(), canary };
        // Now and then an account fails, on purpose.
        let ids = loop {
            if let Some(ids) = client.ids().await {
                break ids;
            }
        };
        for id in ids {
            let refused =
                client.other().ask("query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
            assert_eq!(refused["data"]["node"], Value::Null, "{refused}");
            // As of a source that was never there.
            let code = refused["errors"][0]["extensions"]["code"].to_string();
            assert!(!refused.to_string().contains(canary), "{refused}");
            told.insert(code);
        }
    }
    assert_eq!(told.len(), 1, "{told:?}");
}
