//! What a client of the schema sees, over sources that say what the test tells them to.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use leadgraph::events::Log;
use leadgraph::gather::Gather;
use leadgraph::gather::settings::Settings;
use leadgraph::graphql::{self, Request, execute, schema};
use leadgraph::model::caller::Caller;
use leadgraph::model::caps::{ConversationCaps, LeadCaps, ListCaps, Paging, TimeFilter};
use leadgraph::model::conversation::{Conversation, SpeakerRole, TranscriptTurn};
use leadgraph::model::cx::{Cx, Meter};
use leadgraph::model::failure::{SourceError, SourceErrorKind};
use leadgraph::model::id::{Key, NativeId, SourceId, Vendor};
use leadgraph::model::interaction::{Interaction, InteractionStatus};
use leadgraph::model::lead::Lead;
use leadgraph::model::page::{Page, PageToken};
use leadgraph::model::source::{Health, Quota, SourceState};
use leadgraph::source::{
    ConversationQuery, DynHistories, DynList, DynRead, Histories, LeadQuery, List, Read, Source,
};
use serde_json::{Value, json};

/// A source of a few leads and conversations. Its lists are sparse and cut short; its reads by id are whole.
struct Scripted {
    id: SourceId,
    /// What its lists fail with.
    lists_fail: Option<SourceErrorKind>,
    /// What its reads by id fail with.
    reads_fail: Option<SourceErrorKind>,
    sparse: bool,
    /// Whether it lists interactions lead by lead.
    histories: bool,
    lists: AtomicU32,
    reads: Mutex<Vec<String>>,
}

impl Scripted {
    fn named(name: &str) -> Self {
        Self {
            id: SourceId::new(name).unwrap(),
            lists_fail: None,
            reads_fail: None,
            sparse: false,
            histories: false,
            lists: AtomicU32::new(0),
            reads: Mutex::default(),
        }
    }

    fn key(&self, native: &str) -> Key {
        Key { source: self.id.clone(), native: NativeId::new(native).unwrap(), day: None }
    }

    fn at(second: i64) -> Option<Timestamp> {
        Some(Timestamp::from_second(1_790_000_000 + second).unwrap())
    }

    fn lead(&self, number: i64) -> Lead {
        Lead {
            name: Some(format!("Name {number}")),
            created_at: Self::at(number),
            conversation: NativeId::new(&format!("c{number}")),
            ..Lead::bare(self.key(&number.to_string()), Vendor::Spelo)
        }
    }

    fn conversation(&self, number: i64, turns: usize) -> Conversation {
        let turn = |n: usize| TranscriptTurn {
            role: SpeakerRole::User,
            vendor_role: None,
            text: format!("turn {n}"),
            at: None,
            offset_ms: None,
        };
        Conversation {
            key: self.key(&format!("c{number}")),
            vendor: Vendor::Spelo,
            channel: leadgraph::model::conversation::Channel::Voice,
            vendor_channel: None,
            direction: None,
            state: InteractionStatus::Completed,
            vendor_state: None,
            started_at: Self::at(number),
            ended_at: Self::at(number + 1),
            duration_seconds: None,
            turn_count: None,
            page_url: None,
            preview: None,
            summary: None,
            customer: None,
            transcript: Some((0..turns).map(turn).collect()),
            tool_calls: Vec::new(),
            partial: turns < 3,
            recording: None,
            expires_at: None,
            lead: None,
            raw: None,
        }
    }

    fn fail<T>(&self, op: &'static str, with: Option<SourceErrorKind>, value: T) -> Result<T, SourceError> {
        with.map_or(Ok(value), |kind| {
            Err(SourceError::new(&self.id, op, kind).retry_after(Some(Duration::from_secs(3))))
        })
    }
}

fn caps() -> ListCaps {
    ListCaps {
        paging: Paging::Cursor,
        page_size: 100.try_into().unwrap(),
        since: TimeFilter::None,
        until: TimeFilter::None,
        vendor_filters: &[],
    }
}

impl List<Lead> for Scripted {
    fn caps(&self) -> LeadCaps {
        LeadCaps { list: caps(), status: &[], has_status: false, has_conversation: true, email: false }
    }

    async fn page(&self, cx: &Cx, _: &LeadQuery, _: Option<&PageToken>) -> Result<Page<Lead>, SourceError> {
        cx.meter.count();
        self.lists.fetch_add(1, Ordering::Relaxed);
        let row = |number| {
            let whole = self.lead(number);
            let bare = Lead { created_at: whole.created_at, ..Lead::bare(whole.key.clone(), whole.vendor) };
            Arc::new(if self.sparse { Lead { sparse: true, ..bare } } else { whole })
        };
        let rows = (0..4).rev().map(row).collect();
        self.fail("leads.list", self.lists_fail, Page { rows, next: None, rejected: 0 })
    }
}

impl Read<Lead> for Scripted {
    async fn get(&self, _: &Cx, id: &NativeId) -> Result<Option<Lead>, SourceError> {
        self.reads.lock().unwrap().push(format!("lead {id}"));
        let lead = id.as_str().parse().ok().map(|number| self.lead(number));
        self.fail("leads.get", self.reads_fail, lead)
    }
}

impl List<Conversation> for Scripted {
    fn caps(&self) -> ConversationCaps {
        ConversationCaps {
            list: caps(),
            channels: &[],
            channel_filter: &[],
            recordings: false,
            has_recording: false,
        }
    }

    async fn page(
        &self,
        cx: &Cx,
        _: &ConversationQuery,
        _: Option<&PageToken>,
    ) -> Result<Page<Conversation>, SourceError> {
        cx.meter.count();
        self.lists.fetch_add(1, Ordering::Relaxed);
        let rows = (0..4).rev().map(|number| Arc::new(self.conversation(number, 2))).collect();
        self.fail("conversations.list", self.lists_fail, Page { rows, next: None, rejected: 0 })
    }
}

impl Read<Conversation> for Scripted {
    async fn get(&self, _: &Cx, id: &NativeId) -> Result<Option<Conversation>, SourceError> {
        self.reads.lock().unwrap().push(format!("conversation {id}"));
        let number = id.as_str().strip_prefix('c').and_then(|number| number.parse().ok());
        let conversation = number.map(|number| self.conversation(number, 5));
        self.fail("conversations.get", self.reads_fail, conversation)
    }
}

impl Histories for Scripted {
    async fn of_lead(&self, _: &Cx, lead: &NativeId) -> Result<Page<Interaction>, SourceError> {
        self.reads.lock().unwrap().push(format!("history {lead}"));
        Ok(Page { rows: Vec::new(), next: None, rejected: 0 })
    }
}

/// What `gather/` holds: the same source, shared with the test that counts its calls.
struct Shared(Arc<Scripted>);

impl Source for Shared {
    fn id(&self) -> &SourceId {
        &self.0.id
    }
    fn vendor(&self) -> Vendor {
        Vendor::Spelo
    }
    fn health(&self) -> Health {
        let since = Timestamp::UNIX_EPOCH;
        Health { state: SourceState::Up, since, last_success_at: None, last_error: None, retry_at: None }
    }
    fn quota(&self) -> Quota {
        Quota { limit: 60, window: Duration::from_secs(60), remaining: 60, reset_at: None }
    }
    fn leads(&self) -> Option<&dyn DynList<Lead>> {
        Some(&*self.0)
    }
    fn lead_by_id(&self) -> Option<&dyn DynRead<Lead>> {
        Some(&*self.0)
    }
    fn conversations(&self) -> Option<&dyn DynList<Conversation>> {
        Some(&*self.0)
    }
    fn conversation_by_id(&self) -> Option<&dyn DynRead<Conversation>> {
        Some(&*self.0)
    }
    fn histories(&self) -> Option<&dyn DynHistories> {
        if self.0.histories { Some(&*self.0) } else { None }
    }
}

async fn ask(sources: &[&Arc<Scripted>], query: &str) -> Value {
    ask_within(graphql::Settings::default(), sources, query).await
}

async fn ask_within(settings: graphql::Settings, sources: &[&Arc<Scripted>], query: &str) -> Value {
    let cx = Cx {
        deadline: tokio::time::Instant::now() + Duration::from_secs(5),
        now: Timestamp::from_second(1_790_000_100).unwrap(),
        request_id: Arc::from("req-1"),
        caller: Caller::anonymous(),
        meter: Meter::default(),
        background: false,
        anew: false,
    };
    let sources = sources.iter().map(|source| Arc::new(Shared(Arc::clone(source))) as Arc<dyn Source>);
    let schema = schema(Gather::new(Settings::default(), sources.collect()), Log::default(), settings);
    let request = Request { query: query.to_owned(), ..Request::default() };
    serde_json::to_value(execute(&schema, cx, request).await).unwrap()
}

fn codes(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn one_list_selected_in_two_fragments_is_read_once_and_merged_by_record() {
    let acme = Arc::new(Scripted::named("acme"));
    let query = "{ ...A ...B } fragment A on Query { leads { nodes { vendorId } } } \
                 fragment B on Query { leads { nodes { name } edges { cursor } } }";
    let answer = ask(&[&acme], query).await;
    assert_eq!(answer["data"]["leads"]["nodes"][0], json!({ "vendorId": "3", "name": "Name 3" }));
    assert!(answer["data"]["leads"]["edges"][3]["cursor"].is_string());
    assert_eq!(acme.lists.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn sparse_leads_are_read_only_where_more_is_selected_and_each_once() {
    let acme = Arc::new(Scripted { sparse: true, ..Scripted::named("acme") });
    let answer = ask(&[&acme], "{ leads { nodes { id vendor vendorId createdAt source { name } } } }").await;
    assert_eq!(answer["data"]["leads"]["nodes"][0]["createdAt"], "2026-09-21T14:13:23.000Z");
    assert!(acme.reads.lock().unwrap().is_empty());

    let answer =
        ask(&[&acme], "{ leads { nodes { name email notes { id } } edges { node { name } } } }").await;
    assert_eq!(answer["data"]["leads"]["nodes"][0]["name"], "Name 3");
    assert_eq!(answer["data"]["leads"]["edges"][3]["node"]["name"], "Name 0");
    let mut reads = acme.reads.lock().unwrap().clone();
    reads.sort();
    assert_eq!(reads, ["lead 0", "lead 1", "lead 2", "lead 3"]);
}

#[tokio::test]
async fn sparse_leads_that_cannot_be_read_stay_in_the_list_with_errors_on_their_fields() {
    let acme = Arc::new(Scripted {
        sparse: true,
        reads_fail: Some(SourceErrorKind::RateLimited),
        ..Scripted::named("acme")
    });
    let answer = ask(&[&acme], "{ leads { nodes { vendorId name } } }").await;
    assert_eq!(answer["data"]["leads"]["nodes"][3], json!({ "vendorId": "0", "name": null }));
    assert_eq!(codes(&answer), ["SOURCE_RATE_LIMITED"; 4]);
    let error = &answer["errors"][0];
    assert_eq!(error["path"].as_array().unwrap().len(), 4);
    assert_eq!(
        error["extensions"],
        json!({ "code": "SOURCE_RATE_LIMITED", "source": "acme", "retryable": true,
                "retryAfterMs": 3000, "requestId": "req-1" })
    );
}

#[tokio::test]
async fn a_client_chooses_what_a_failing_source_does_to_the_list() {
    let up = Arc::new(Scripted::named("up"));
    let down =
        Arc::new(Scripted { lists_fail: Some(SourceErrorKind::Unreachable), ..Scripted::named("down") });
    let list = |choice: &str| {
        format!(
            "{{ leads(onSourceFailure: {choice}) {{ incomplete nodes {{ vendorId }} \
             sources {{ source {{ name }} status error {{ code retryAfterMs }} }} }} }}"
        )
    };

    let answer = ask(&[&up, &down], &list("PARTIAL")).await;
    assert_eq!(codes(&answer), [""; 0]);
    let leads = &answer["data"]["leads"];
    assert_eq!((&leads["incomplete"], leads["nodes"].as_array().unwrap().len()), (&json!(true), 4));
    assert_eq!(
        leads["sources"][0],
        json!({ "source": { "name": "down" }, "status": "FAILED",
                "error": { "code": "UNREACHABLE", "retryAfterMs": 3000 } })
    );

    let answer = ask(&[&up, &down], &list("PARTIAL_WITH_ERRORS")).await;
    assert_eq!(codes(&answer), ["SOURCE_UNREACHABLE"]);
    assert_eq!(answer["errors"][0]["path"], json!(["leads"]));
    assert_eq!(answer["data"]["leads"]["nodes"].as_array().unwrap().len(), 4);

    let answer = ask(&[&up, &down], &list("FAIL")).await;
    assert_eq!(codes(&answer), ["SOURCES_UNAVAILABLE"]);
    assert_eq!(answer["data"], json!({ "leads": null }));
    assert_eq!(answer["errors"][0]["extensions"]["sources"][0]["source"], "down");

    let answer = ask(&[&down], &list("PARTIAL")).await;
    assert_eq!(codes(&answer), ["SOURCES_UNAVAILABLE"]);
    assert_eq!(answer["data"], json!({ "leads": null }));
}

#[tokio::test]
async fn a_transcript_that_a_list_cuts_short_is_read_whole_only_where_it_is_selected() {
    let acme = Arc::new(Scripted::named("acme"));
    let answer = ask(&[&acme], "{ conversations(first: 1) { nodes { vendorId startedAt } } }").await;
    assert_eq!(answer["data"]["conversations"]["nodes"][0]["vendorId"], "c3");
    assert!(acme.reads.lock().unwrap().is_empty());

    let query = "{ conversations(first: 1) { nodes { id transcript(last: 2) { id text } all: transcript { text } \
                 toolCalls { name } } } }";
    let answer = ask(&[&acme], query).await;
    let node = &answer["data"]["conversations"]["nodes"][0];
    assert_eq!(node["all"].as_array().unwrap().len(), 5);
    let id = format!("{}#3", node["id"].as_str().unwrap());
    assert_eq!(node["transcript"][0], json!({ "id": id, "text": "turn 3" }));
    assert_eq!(*acme.reads.lock().unwrap(), ["conversation c3"]);

    let answer =
        ask(&[&acme], "{ conversations(first: 1) { nodes { id transcript(last: 0) { id } } } }").await;
    assert_eq!(codes(&answer), ["BAD_USER_INPUT"]);
    assert!(answer["data"]["conversations"]["nodes"][0]["id"].is_string());
}

#[tokio::test]
async fn conversations_of_a_page_of_leads_are_found_together() {
    let acme = Arc::new(Scripted::named("acme"));
    let answer = ask(&[&acme], "{ leads { nodes { conversation { vendorId lead { id } } } } }").await;
    assert_eq!(codes(&answer), [""; 0]);
    let found: Vec<_> = answer["data"]["leads"]["nodes"].as_array().unwrap().iter().collect();
    assert_eq!(found[0]["conversation"], json!({ "vendorId": "c3", "lead": null }));
    assert_eq!(acme.lists.load(Ordering::Relaxed), 2, "one page of leads, one of conversations");
    assert!(acme.reads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_leads_history_is_its_conversation_where_the_vendor_keeps_none() {
    let acme = Arc::new(Scripted::named("acme"));
    let query =
        "{ leads(first: 2) { nodes { interactions { nodes { id kind conversation { id vendorId } } } } } }";
    let answer = ask(&[&acme], query).await;
    assert_eq!(codes(&answer), [""; 0]);
    let touch = &answer["data"]["leads"]["nodes"][1]["interactions"]["nodes"][0];
    assert_eq!(touch["kind"], "CALL");
    assert_eq!(touch["conversation"]["vendorId"], "c2");
    assert_ne!(touch["id"], touch["conversation"]["id"]);
}

#[tokio::test]
async fn what_a_list_shows_is_found_again_by_its_id() {
    let acme = Arc::new(Scripted::named("acme"));
    let answer =
        ask(&[&acme], "{ leads(first: 1) { nodes { id source { id } conversation { id } } } }").await;
    let lead = &answer["data"]["leads"]["nodes"][0];
    let (id, source, conversation) = (&lead["id"], &lead["source"]["id"], &lead["conversation"]["id"]);
    let query = format!(
        "{{ nodes(ids: [{id}, {source}, {conversation}]) {{ __typename id }} lead(id: {id}) {{ name }} }}"
    );
    let answer = ask(&[&acme], &query).await;
    assert_eq!(
        answer["data"],
        json!({
            "nodes": [
                { "__typename": "Lead", "id": id },
                { "__typename": "Source", "id": source },
                { "__typename": "Conversation", "id": conversation },
            ],
            "lead": { "name": "Name 3" },
        })
    );
}

#[tokio::test]
async fn an_operation_that_may_take_too_many_calls_is_refused_before_any() {
    let acme = Arc::new(Scripted { histories: true, ..Scripted::named("acme") });
    let histories = |first: u32| {
        format!("{{ leads(first: {first}) {{ nodes {{ vendorId interactions {{ nodes {{ id }} }} }} }} }}")
    };
    let calls = |source: &Scripted| {
        source.lists.load(Ordering::Relaxed) as usize + source.reads.lock().unwrap().len()
    };

    let answer = ask(&[&acme], &histories(100)).await;
    assert_eq!(answer.get("data"), None);
    let error = &answer["errors"][0];
    assert_eq!(
        error["extensions"],
        json!({ "code": "UPSTREAM_COST_EXCEEDED", "cost": 101, "limit": 60, "requestId": "req-1" })
    );
    let message = error["message"].as_str().unwrap();
    for part in
        ["up to 101 calls", "60 are allowed", "`Lead.interactions` costs most (100)", "smaller `first`"]
    {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
    assert_eq!(error["locations"], json!([{ "line": 1, "column": 40 }]));
    assert_eq!(calls(&acme), 0);

    let answer = ask(&[&acme], &histories(50)).await;
    assert_eq!((codes(&answer).len(), calls(&acme)), (0, 5), "four leads, and the page they are on");

    let tight = graphql::Settings { max_upstream_calls: 50, ..graphql::Settings::default() };
    let answer = ask_within(tight, &[&acme], &histories(50)).await;
    assert_eq!(codes(&answer), ["UPSTREAM_COST_EXCEEDED"]);
    assert_eq!((&answer["errors"][0]["extensions"]["cost"], calls(&acme)), (&json!(51), 5));
}

#[tokio::test]
async fn what_dashboards_ask_is_not_refused() {
    let acme = Arc::new(Scripted::named("acme"));
    let zenith = Arc::new(Scripted { histories: true, ..Scripted::named("zenith") });
    for query in [
        "{ leads(first: 100) { nodes { name } } conversations(first: 100) { nodes { preview } } }",
        "{ leads(first: 50) { nodes { conversation { transcript { text } } } } }",
        "{ leads(first: 50) { nodes { interactions { nodes { kind } } } } }",
        "{ conversations(first: 50) { nodes { transcript { text } } } interactions { nodes { kind } } }",
        "{ leads(last: 25) { nodes { name } } }",
    ] {
        let answer = ask(&[&acme, &zenith], query).await;
        assert_eq!(codes(&answer), [""; 0], "{query}");
    }
}

#[tokio::test]
async fn fragments_that_unfold_to_a_billion_fields_are_refused_at_once() {
    let acme = Arc::new(Scripted::named("acme"));
    let bomb = |levels: usize, spreads: usize| {
        let spread = |n: usize| format!("...F{n} ").repeat(spreads);
        let fragments: String =
            (0..levels).map(|n| format!("fragment F{n} on Lead {{ {}}} ", spread(n + 1))).collect();
        format!("{{ leads {{ nodes {{ ...F0 }} }} }} {fragments} fragment F{levels} on Lead {{ vendorId }}")
    };
    for bomb in [bomb(9, 10), bomb(29, 2)] {
        let answer = ask(&[&acme], &bomb).await;
        assert_eq!(codes(&answer), ["DOCUMENT_TOO_COMPLEX"]);
        let (exceeded, limit) = (json!("SELECTIONS"), json!(5_000));
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!((&extensions["exceeded"], &extensions["limit"]), (&exceeded, &limit));
    }
    assert_eq!(acme.lists.load(Ordering::Relaxed), 0);

    let answer = ask(&[&acme], &bomb(3, 10)).await;
    assert_eq!(answer["data"]["leads"]["nodes"][0], json!({ "vendorId": "3" }));
}
