//! Bad inputs: each is refused with a code for programs and words for people, and costs no call.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leadgraph::vendors::simulation::{Fault, Rule};
use serde_json::{Value, json};

use crate::harness::{CHATZURI, LEADSAIL, List, Plan, Query, SPELO, World, elements};

/// An id as leadgraph writes it, of whatever text.
fn id(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// Asks, and checks that the answer is this refusal, with words, and that no vendor heard of it.
async fn refused(world: &World, query: Query, code: &str) -> String {
    let before = world.calls();
    let answer = world.ask(query.clone()).await;
    assert_eq!(answer.codes(), [code], "{}", query.body());
    assert_eq!((world.calls() - before).all(), 0, "{}", query.body());
    let (message, id) = (answer.message(), &answer.0["errors"][0]["extensions"]["requestId"]);
    assert!(message.len() > 20 && message.ends_with('.') && id.is_string(), "{message}");
    message.to_owned()
}

fn paged(paging: Value) -> Query {
    List::leads().query(paging)
}

fn filtered(filter: Value) -> Query {
    List::leads().filter(filter).query(json!({}))
}

#[tokio::test]
async fn page_that_cannot_be_is_refused() {
    let world = World::of(30, 10).await;
    let page = List::leads().page(&world, json!({ "first": 5 })).await;
    let cursor = page.end().unwrap();
    for (paging, advice) in [
        (json!({ "first": 5, "last": 5 }), "not both"),
        (json!({ "first": 0 }), "from 1 to 100"),
        (json!({ "first": 101 }), "from 1 to 100"),
        (json!({ "first": -1 }), "from 1 to 100"),
        (json!({ "last": 0 }), "from 1 to 100"),
        (json!({ "last": 101 }), "pageInfo.endCursor"),
        (json!({ "after": cursor, "before": cursor }), "not both"),
        (json!({ "first": 5, "before": cursor }), "last and before"),
        (json!({ "last": 5, "after": cursor }), "first and after"),
    ] {
        for list in [List::leads(), List::conversations(), List::interactions()] {
            let message = refused(&world, list.query(paging.clone()), "BAD_USER_INPUT").await;
            assert!(message.contains(advice), "{paging}: {message}");
        }
    }
}

#[tokio::test]
async fn filter_that_matches_nothing_is_refused() {
    let world = World::of(30, 10).await;
    let spelo = id("v1:Source:spelo");
    let (noon, one) = ("2026-01-05T12:00:00Z", "2026-01-05T13:00:00+01:00");
    for (filter, code) in [
        (json!({ "status": [] }), "BAD_USER_INPUT"),
        (json!({ "sources": [] }), "BAD_USER_INPUT"),
        (json!({ "vendors": [] }), "BAD_USER_INPUT"),
        (json!({ "createdAt": { "from": noon, "to": noon } }), "BAD_USER_INPUT"),
        (json!({ "createdAt": { "from": noon, "to": one } }), "BAD_USER_INPUT"),
        (json!({ "createdAt": { "from": noon, "to": "2025-12-31T00:00:00Z" } }), "BAD_USER_INPUT"),
        (json!({ "email": "" }), "BAD_USER_INPUT"),
        (json!({ "phone": "  " }), "BAD_USER_INPUT"),
        (json!({ "text": "\t" }), "BAD_USER_INPUT"),
        (json!({ "text": "x".repeat(201) }), "BAD_USER_INPUT"),
        (json!({ "sources": [spelo], "vendors": ["CHATZURI"] }), "BAD_USER_INPUT"),
        (json!({ "sources": [id("v1:Source:hubspot")] }), "BAD_ID"),
        (json!({ "sources": [spelo, id("v1:Lead:spelo::01J")] }), "BAD_ID"),
        (json!({ "sources": ["spelo"] }), "BAD_ID"),
    ] {
        refused(&world, filtered(filter), code).await;
    }
}

#[tokio::test]
async fn filter_of_conversations_and_interactions_is_checked_too() {
    let world = World::of(30, 10).await;
    let lead = |text: &str| json!({ "leads": [id(text)] });
    let noon = "2026-01-05T12:00:00Z";
    for (list, filter, code) in [
        (List::conversations(), json!({ "channel": [] }), "BAD_USER_INPUT"),
        (List::conversations(), json!({ "text": " " }), "BAD_USER_INPUT"),
        (List::conversations(), json!({ "startedAt": { "from": noon, "to": noon } }), "BAD_USER_INPUT"),
        (List::interactions(), json!({ "kind": [] }), "BAD_USER_INPUT"),
        (List::interactions(), json!({ "direction": [] }), "BAD_USER_INPUT"),
        (List::interactions(), json!({ "leads": [] }), "BAD_USER_INPUT"),
        (List::interactions(), json!({ "occurredAt": { "from": noon, "to": noon } }), "BAD_USER_INPUT"),
        (List::interactions(), json!({ "leads": vec![id("v1:Lead:spelo::01J"); 101] }), "BAD_USER_INPUT"),
        (List::interactions(), lead("v1:Lead:hubspot::01J"), "BAD_ID"),
        (List::interactions(), lead("v1:Conversation:spelo::01J"), "BAD_ID"),
    ] {
        refused(&world, list.filter(filter).query(json!({})), code).await;
    }
    let left_out = json!({ "leads": [id("v1:Lead:spelo::01J")], "vendors": ["LEADSAIL"] });
    let message =
        refused(&world, List::interactions().filter(left_out).query(json!({})), "BAD_USER_INPUT").await;
    assert!(message.contains("leaves out"), "{message}");
}

/// Texts that are no ids.
fn no_ids() -> Vec<String> {
    let garbled = ["", " ", "1", "spelo", "💥", "../../x", "%2e%2e", "djE6TGVhZDpzcGVsbzo6", "null", "a'--"];
    let mut ids: Vec<_> = garbled.iter().map(|text| (*text).to_owned()).collect();
    ids.extend(
        [
            "v1:Lead:spelo:",
            "v1:Lead:spelo::",
            "v1:Lead",
            "v2:Lead:spelo::1",
            "v1:User:spelo::1",
            "v1:Lead:::1",
            "v1:Lead:hubspot::1",
            "v1:Lead:chatzuri/agt_9:2026-01-05:1",
            "v1:Lead:chatzuri/agt_1:2026-13-77:10000003",
            "v1:Lead:chatzuri/agt_1:2026-1-7:10000003",
        ]
        .map(id),
    );
    ids.push(id(&format!("v1:Lead:spelo::{}", "x".repeat(5_000))));
    ids.push(format!("{}=", id("v1:Lead:spelo::01J")));
    ids
}

#[tokio::test]
async fn text_that_is_no_id_costs_no_call_wherever_an_id_is_taken() {
    let world = World::of(30, 10).await;
    for id in no_ids() {
        for field in ["node", "lead", "conversation", "interaction"] {
            let query = Query::new(format!("query($id: ID!) {{ found: {field}(id: $id) {{ id }} }}"));
            refused(&world, query.with("id", &*id), "BAD_ID").await;
        }
        let query = Query::new("query($id: ID!) { nodes(ids: [$id]) { id } }");
        refused(&world, query.with("id", &*id), "BAD_ID").await;
        for list in [List::leads(), List::conversations(), List::interactions()] {
            refused(&world, list.filter(json!({ "sources": [id] })).query(json!({})), "BAD_ID").await;
        }
        refused(&world, List::interactions().filter(json!({ "leads": [id] })).query(json!({})), "BAD_ID")
            .await;
    }
}

#[tokio::test]
async fn hostile_text_in_an_id_never_reaches_a_vendor() {
    let world = World::of(30, 10).await;
    let hostile = [
        "../../x", "..", ".", "%2e%2e", "a%00", "a/b", "a?b=c", "a#b", "a\\b", "a b", "\u{0}", "a\r\nb", "à",
    ];
    for (source, kind) in [SPELO, LEADSAIL]
        .into_iter()
        .flat_map(|source| ["Lead", "Conversation", "Interaction"].map(|kind| (source, kind)))
    {
        for native in hostile {
            let id = id(&format!("v1:{kind}:{source}::{native}"));
            let field = kind.to_lowercase();
            let query = Query::new(format!(
                "query($id: ID!, $ids: [ID!]!) {{ node(id: $id) {{ id }} nodes(ids: $ids) {{ id }} {field}(id: $id) {{ id }} }}"
            ));
            let (answer, calls) = world.cost(query.with("id", &*id).with("ids", json!([id]))).await;
            let told =
                answer.codes().iter().all(|code| *code == "BAD_ID") && answer.0["data"]["node"].is_null();
            assert!(told && calls.all() == 0, "{kind} {native:?}: {calls:?} {:?}", answer.codes());
            let of_lead = List::interactions().filter(json!({ "leads": [id] }));
            let (_, calls) = world.cost(of_lead.query(json!({}))).await;
            assert_eq!(calls.all(), 0, "{kind} {native:?}");
        }
    }
}

#[tokio::test]
async fn id_of_a_day_beyond_all_calendars_is_of_nothing() {
    let world = World::of(30, 10).await;
    for day in ["9999-12-31", "9999-12-30", "0000-01-01", "-009999-01-01", "1969-12-31"] {
        let id = id(&format!("v1:Lead:chatzuri/agt_1:{day}:10000003"));
        let answer = world.ask(Query::new("query($id: ID!) { lead(id: $id) { id } }").with("id", id)).await;
        assert!(answer.0["data"]["lead"].is_null(), "{day}");
        assert!(answer.codes().iter().all(|code| *code == "BAD_ID"), "{day}: {:?}", answer.codes());
    }
}

#[tokio::test]
async fn id_of_another_type_is_told_what_it_is() {
    let world = World::of(30, 10).await;
    let lead = List::leads().page(&world, json!({ "first": 1 })).await;
    let query = Query::new("query($id: ID!) { conversation(id: $id) { id } }");
    let message = refused(&world, query.with("id", lead.ids()[0]), "BAD_ID").await;
    assert!(message.contains("id of a Lead") && message.contains("id of a Conversation"), "{message}");
}

#[tokio::test]
async fn id_of_nothing_is_null_without_an_error() {
    let world = World::of(30, 10).await;
    for id in ["v1:Lead:spelo::01JZZZ", "v1:Lead:leadsail::lead_none", "v1:Conversation:spelo::conv_none"] {
        let query = Query::new("query($id: ID!) { node(id: $id) { id } }").with("id", self::id(id));
        assert_eq!(world.ask(query).await.data(), &json!({ "node": null }), "{id}");
    }
}

#[tokio::test]
async fn one_bad_id_of_many_costs_only_its_own_place() {
    let world = World::of(30, 10).await;
    let page = List::leads().page(&world, json!({ "first": 2 })).await;
    let ids = json!([page.ids()[0], "garbled", page.ids()[1]]);
    let answer =
        world.ask(Query::new("query($ids: [ID!]!) { nodes(ids: $ids) { id } }").with("ids", ids)).await;
    assert_eq!(answer.codes(), ["BAD_ID"]);
    assert_eq!(answer.0["errors"][0]["path"], json!(["nodes", 1]));
    let found: Vec<_> = elements(&answer.0["data"]["nodes"]).iter().map(|node| node["id"].as_str()).collect();
    assert_eq!(found, [Some(page.ids()[0]), None, Some(page.ids()[1])]);
}

#[tokio::test]
async fn more_than_a_hundred_ids_at_once_are_refused() {
    let world = World::of(30, 10).await;
    let query = Query::new("query($ids: [ID!]!) { nodes(ids: $ids) { id } }");
    let many = vec![id("v1:Lead:spelo::01J"); 101];
    let message = refused(&world, query.with("ids", many), "BAD_USER_INPUT").await;
    assert!(message.contains("100"), "{message}");
}

#[tokio::test]
async fn cursor_that_was_altered_anywhere_is_refused() {
    let world = World::of(30, 10).await;
    let page = List::leads().page(&world, json!({ "first": 5 })).await;
    let cursor = page.end().unwrap();
    let flipped = |at: usize| {
        let mut bytes = cursor.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let mut altered: Vec<_> =
        (0..cursor.len()).step_by(5).chain([1, 2, 3, cursor.len() - 2]).map(flipped).collect();
    altered.extend(["", " ", "x", "AQ", "💥", "../../x"].map(str::to_owned));
    altered.extend([cursor[1..].to_owned(), cursor[..cursor.len() - 4].to_owned(), format!("{cursor}AAAA")]);
    altered.extend([format!("{cursor}="), "A".repeat(50_000)]);
    for text in altered {
        refused(&world, paged(json!({ "first": 5, "after": text })), "CURSOR_INVALID").await;
        refused(&world, paged(json!({ "last": 5, "before": text })), "CURSOR_INVALID").await;
    }
}

#[tokio::test]
async fn cursor_of_another_filter_or_field_is_refused() {
    let world = World::of(30, 10).await;
    let page = List::leads().page(&world, json!({ "first": 5 })).await;
    let after = json!({ "first": 5, "after": page.end() });
    for filter in
        [json!({ "vendors": ["SPELO"] }), json!({ "text": "a" }), json!({ "hasConversation": true })]
    {
        let query = List::leads().filter(filter).query(after.clone());
        let message = refused(&world, query, "CURSOR_FILTER_MISMATCH").await;
        assert!(message.contains("start again"), "{message}");
    }
    for list in [List::conversations(), List::interactions()] {
        refused(&world, list.query(after.clone()), "CURSOR_INVALID").await;
    }
}

#[tokio::test]
async fn cursor_of_one_leads_history_is_not_good_for_another() {
    let world = World::of(30, 10).await;
    let list = List::leads().of(LEADSAIL).select("interactions(first: 1) { edges { cursor } }");
    let page = list.page(&world, json!({ "first": 20 })).await;
    let with_history: Vec<_> =
        page.nodes().into_iter().filter(|lead| lead["interactions"]["edges"][0].is_object()).collect();
    let cursor = &with_history[0]["interactions"]["edges"][0]["cursor"];
    let query =
        "query($id: ID!, $after: String) { lead(id: $id) { interactions(after: $after) { nodes { id } } } }";
    let query = Query::new(query).with("after", cursor.clone());
    let own = world.ask(query.clone().with("id", with_history[0]["id"].clone())).await;
    assert_eq!(own.codes(), [""; 0]);
    refused(&world, query.with("id", with_history[1]["id"].clone()), "CURSOR_FILTER_MISMATCH").await;
}

#[tokio::test]
async fn cursor_grows_old() {
    let plan = Plan::new(30, 10).settings(|settings| settings.cursor_ttl = std::time::Duration::ZERO);
    let world = plan.start().await;
    let page = List::leads().page(&world, json!({ "first": 5 })).await;
    let query = paged(json!({ "first": 5, "after": page.end() }));
    // It counts whole seconds, so it may be good for a moment.
    for _ in 0..200 {
        let answer = world.ask(query.clone()).await;
        if answer.codes() == ["CURSOR_EXPIRED"] {
            refused(&world, query, "CURSOR_EXPIRED").await;
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("it never grew old");
}

#[tokio::test]
async fn values_of_wrong_types_are_refused_before_any_call() {
    let world = World::of(30, 10).await;
    for text in [
        "{ leads(first: \"5\") { nodes { id } } }",
        "{ leads(first: 1.5) { nodes { id } } }",
        "{ leads(filter: { status: [WON] }) { nodes { id } } }",
        "{ leads(filter: { vendor: [SPELO] }) { nodes { id } } }",
        "{ leads(filter: { createdAt: { from: \"2026-01-05\" } }) { nodes { id } } }",
        "{ leads(filter: { createdAt: { from: \"yesterday\" } }) { nodes { id } } }",
        "{ leads(filter: { email: 5 }) { nodes { id } } }",
        "{ leads(onSourceFailure: IGNORE) { nodes { id } } }",
        "{ leads { nodes { shoeSize } } }",
        "{ leads { nodes } }",
        "{ node { id } }",
        "{ nodes(ids: [true]) { id } }",
    ] {
        let before = world.calls();
        let answer = world.ask(text).await;
        let codes = answer.codes();
        let known = ["GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"];
        assert!(!codes.is_empty() && codes.iter().all(|code| known.contains(code)), "{text}: {codes:?}");
        assert_eq!((world.calls() - before).all(), 0, "{text}");
    }
    let wrong = Query::new("query($first: Int) { leads(first: $first) { nodes { id } } }");
    for value in [json!("5"), json!(1.5), json!([5, 6]), json!({}), json!(3_000_000_000_u64)] {
        let before = world.calls();
        let answer = world.ask(wrong.clone().with("first", value.clone())).await;
        assert!(!answer.codes().is_empty(), "{value}");
        assert_eq!((world.calls() - before).all(), 0, "{value}");
    }
}

#[tokio::test]
async fn refusals_repeat_nothing_of_what_was_sent() {
    let world = World::of(30, 10).await;
    let secret = "ada.lovelace@example.com";
    let email = json!({ "email": format!("{}{secret}", " ".repeat(190)), "text": "x".repeat(300) });
    for query in [
        filtered(email),
        Query::new("query($id: ID!) { node(id: $id) { id } }").with("id", secret),
        paged(json!({ "after": secret })),
        Query::new(format!("{{ leads(filter: {{ email: {secret} }}) {{ nodes {{ id }} }} }}")),
    ] {
        let answer = world.ask(query).await;
        assert!(!answer.codes().is_empty() && !answer.0.to_string().contains("lovelace"), "{:#}", answer.0);
    }
}

#[tokio::test]
async fn bad_input_is_told_as_such_while_vendors_are_down() {
    let world = World::of(30, 10).await;
    for vendor in [SPELO, CHATZURI, LEADSAIL] {
        world.fault(vendor, [Rule::always(Fault::Reset)]);
    }
    refused(&world, paged(json!({ "first": 0 })), "BAD_USER_INPUT").await;
    refused(&world, paged(json!({ "after": "x" })), "CURSOR_INVALID").await;
}

#[tokio::test]
async fn one_name_of_the_answer_is_one_thing_and_a_mutation_is_sent_once() {
    let world = Plan::new(5, 5).only(&[SPELO]).start().await;
    let write = |notes: &str| format!("updateLead(input: {{ id: \"x\", notes: \"{notes}\" }}) {{ outcome }}");
    let conflicts = [
        "{ leads(first: 1) { nodes { id } } ... on Query { leads(first: 100) { nodes { name } } } }"
            .to_owned(),
        "{ leads { nodes { id } ... on LeadConnection { nodes { id: name } } } }".to_owned(),
        format!("mutation {{ ...F ...F }} fragment F on Mutation {{ {} }}", write("n")),
        format!("mutation {{ {0} ... on Mutation {{ {0} }} }}", write("n")),
        format!("mutation {{ {} ... on Mutation {{ {} }} }}", write("n"), write("m")),
    ];
    for query in conflicts {
        let answer = world.ask(Query::new(&*query)).await;
        assert_eq!(answer.codes(), ["GRAPHQL_VALIDATION_FAILED"], "{query}");
        assert!(answer.0.get("data").is_none(), "{query}");
    }
    assert_eq!(world.calls().all(), 0);
    let twice = "{ leads(first: 2) { nodes { id } } ... on Query { leads(first: 2) { nodes { vendor } } } }";
    let answer = world.ask(twice).await;
    assert_eq!(answer.data()["leads"]["nodes"][1]["vendor"], "SPELO", "what is the same is one thing");
}
