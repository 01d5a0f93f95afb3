//! Changing leads: what is sent, what is answered, and that the two agree.

mod audit;
mod keys;
mod own;
mod truth;

use serde_json::{Value, json};

use crate::harness::{CHATZURI, LEADSAIL, Plan, Query, SPELO, World};

pub(crate) const UPDATE: &str = "mutation($input: UpdateLeadInput!) { updateLead(input: $input) {
    clientMutationId outcome lead { id status vendorStatus updatedAt notes { text } approval { status reason } }
    userErrors { code message path } } }";
const REVIEW: &str = "mutation($input: ReviewLeadInput!) { reviewLead(input: $input) {
    clientMutationId outcome lead { status vendorStatus approval { status reason decidedBy } } userErrors { code message path } } }";

/// What came of an update.
pub(crate) async fn update(world: &World, input: Value) -> Value {
    world.ask(Query::new(UPDATE).with("input", input)).await.data()["updateLead"].clone()
}

async fn review(world: &World, input: Value) -> Value {
    world.ask(Query::new(REVIEW).with("input", input)).await.data()["reviewLead"].clone()
}

/// The one error of a payload: its code and path.
fn error(payload: &Value) -> (String, String) {
    let errors = payload["userErrors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{payload}");
    assert!(errors[0]["message"].as_str().unwrap().ends_with('.'), "{payload}");
    let path: Vec<_> =
        errors[0]["path"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
    (errors[0]["code"].as_str().unwrap().to_owned(), path.join("."))
}

fn texts(lead: &Value) -> Vec<&str> {
    lead["notes"].as_array().unwrap().iter().map(|note| note["text"].as_str().unwrap()).collect()
}

async fn one(vendor: &'static str) -> (World, String) {
    let world = Plan::new(30, 10).only(&[vendor]).start().await;
    let id = world.newest(vendor).await;
    (world, id)
}

#[tokio::test]
async fn a_status_and_a_note_are_one_write_and_the_answer_shows_them() {
    let (world, id) = one(SPELO).await;
    let before = world.calls().all();
    let input = json!({"id": id, "status": "QUALIFIED", "notes": "Called twice.\nWants a quote", "clientMutationId": "m1"});
    let payload = update(&world, input).await;
    assert_eq!((&payload["outcome"], &payload["clientMutationId"]), (&json!("APPLIED"), &json!("m1")));
    assert_eq!(payload["userErrors"], json!([]));
    let lead = &payload["lead"];
    assert_eq!((&lead["status"], &lead["vendorStatus"]), (&json!("QUALIFIED"), &json!("qualified")));
    assert_eq!(texts(lead), ["Called twice.\nWants a quote"]);
    assert_eq!((world.writes(SPELO), world.calls().all() - before), (1, 2), "a look before, the write");
}

#[tokio::test]
async fn answers_in_every_documented_shape_are_understood() {
    let (world, id) = one(SPELO).await;
    for (shape, calls) in [("bare", 2), ("empty", 3)] {
        world.switch(SPELO, "update", shape);
        let before = world.calls().all();
        let payload = update(&world, json!({"id": id, "notes": format!("as {shape}")})).await;
        assert_eq!(payload["outcome"], "APPLIED", "{shape}");
        assert_eq!(texts(&payload["lead"]), [format!("as {shape}")]);
        assert_eq!(world.calls().all() - before, calls, "{shape}");
    }
}

#[tokio::test]
async fn a_vendor_with_many_statuses_takes_its_own_word_or_a_group_of_one() {
    let (world, id) = one(LEADSAIL).await;
    let payload = update(&world, json!({"id": id, "vendorStatus": "scheduled_callback"})).await;
    assert_eq!((&payload["outcome"], &payload["lead"]["status"]), (&json!("APPLIED"), &json!("IN_PROGRESS")));
    let payload = update(&world, json!({"id": id, "status": "UNREACHABLE"})).await;
    assert_eq!(payload["lead"]["vendorStatus"], "no_contact");
    let writes = world.writes(LEADSAIL);
    let payload = update(&world, json!({"id": id, "status": "QUALIFIED"})).await;
    assert_eq!(error(&payload), ("INVALID".into(), "input.status".into()));
    assert!(payload["userErrors"][0]["message"].as_str().unwrap().contains("pending_signature"));
    assert_eq!(world.writes(LEADSAIL), writes);
}

#[tokio::test]
async fn a_note_is_added_beside_those_there_are_however_they_are_kept() {
    let world = Plan::new(30, 10).only(&[LEADSAIL]).start().await;
    let list = world.ask("{ leads(first: 20) { nodes { id vendorId notes { text } } } }").await;
    let (mut none, mut some) = (0, 0);
    for lead in list.data()["leads"]["nodes"].as_array().unwrap() {
        let before: Vec<String> = texts(lead).into_iter().map(str::to_owned).collect();
        *(if before.is_empty() { &mut none } else { &mut some }) += 1;
        let payload = update(&world, json!({"id": lead["id"], "notes": "one more"})).await;
        assert_eq!(payload["outcome"], "APPLIED");
        let now = texts(&payload["lead"]);
        assert_eq!(now[..before.len()], before);
        assert_eq!(now[before.len()..], ["one more"]);
        let path = format!("leads/{}", lead["vendorId"].as_str().unwrap());
        let told = world.told(LEADSAIL, &path).await;
        let first = &told["data"]["notes"][0];
        assert!(before.is_empty() || first["createdBy"] == "user_3" || first.get("id").is_none(), "{first}");
    }
    assert!(none > 0 && some > 0);
}

#[tokio::test]
async fn a_decision_is_made_and_undone() {
    let (world, id) = one(LEADSAIL).await;
    let payload = review(&world, json!({"id": id, "decision": "APPROVE", "reason": "fits"})).await;
    assert_eq!((&payload["outcome"], &payload["userErrors"]), (&json!("APPLIED"), &json!([])));
    assert_eq!(
        payload["lead"]["approval"],
        json!({"status": "approved", "reason": "fits", "decidedBy": "api"})
    );
    let payload = review(&world, json!({"id": id, "decision": "REJECT", "reason": "too far"})).await;
    assert_eq!(payload["lead"]["approval"]["status"], "rejected");
    assert_eq!(payload["lead"]["status"], "DISQUALIFIED", "the vendor sets it, too");
    let payload = review(&world, json!({"id": id, "decision": "RESET"})).await;
    assert_eq!(payload["lead"]["approval"]["status"], "pending");
    assert_eq!(world.writes(LEADSAIL), 3);
}

#[tokio::test]
async fn what_a_vendor_cannot_do_costs_no_call() {
    for (vendor, reviews) in [(CHATZURI, false), (CHATZURI, true), (SPELO, true)] {
        let (world, id) = one(vendor).await;
        let before = world.calls();
        let payload = if reviews {
            review(&world, json!({"id": id, "decision": "APPROVE"})).await
        } else {
            update(&world, json!({"id": id, "status": "NEW"})).await
        };
        assert_eq!(payload["outcome"], "NOT_APPLIED");
        assert_eq!(error(&payload), ("UNSUPPORTED_BY_SOURCE".into(), "input.id".into()), "{vendor}");
        assert_eq!(world.calls(), before, "{vendor}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_any_call_with_its_path() {
    let (world, id) = one(SPELO).await;
    let source = world.ask("{ sources { id } }").await.data()["sources"][0]["id"].clone();
    let before = world.calls();
    for (input, path) in [
        (json!({"id": id}), "input"),
        (json!({"id": id, "status": "NEW", "vendorStatus": "new"}), "input.vendorStatus"),
        (json!({"id": id, "status": "DELIVERED"}), "input.status"),
        (json!({"id": id, "status": "UNKNOWN"}), "input.status"),
        (json!({"id": id, "vendorStatus": "won"}), "input.vendorStatus"),
        (json!({"id": id, "vendorStatus": " "}), "input.vendorStatus"),
        (json!({"id": id, "notes": ""}), "input.notes"),
        (json!({"id": id, "notes": " \n"}), "input.notes"),
        (json!({"id": id, "notes": "n".repeat(10_001)}), "input.notes"),
        (json!({"id": id, "notes": "a\u{0}b"}), "input.notes"),
        (json!({"id": id, "notes": "n", "idempotencyKey": ""}), "input.idempotencyKey"),
        (json!({"id": id, "notes": "n", "idempotencyKey": "k".repeat(129)}), "input.idempotencyKey"),
        (json!({"id": "nonsense", "notes": "n"}), "input.id"),
        (json!({"id": source, "notes": "n"}), "input.id"),
    ] {
        let payload = update(&world, input.clone()).await;
        assert_eq!(payload["outcome"], "NOT_APPLIED", "{input}");
        assert_eq!(error(&payload), ("INVALID".into(), path.into()), "{input}");
        assert_eq!(payload["lead"], Value::Null);
    }
    assert_eq!(world.calls(), before);
}

#[tokio::test]
async fn a_lead_that_is_not_there_is_not_found_and_not_written() {
    let (world, id) = one(SPELO).await;
    let vendor_id =
        world.ask(Query::new("query($id: ID!) { lead(id: $id) { vendorId } }").with("id", id.clone())).await;
    let vendor_id = vendor_id.data()["lead"]["vendorId"].as_str().unwrap().to_owned();
    assert!(world.vendor(SPELO).vendor.delete_lead(&vendor_id));
    let payload = update(&world, json!({"id": id, "notes": "n"})).await;
    assert_eq!(error(&payload), ("NOT_FOUND".into(), "input.id".into()));
    assert_eq!(world.writes(SPELO), 0);
}

#[tokio::test]
async fn a_key_that_may_not_write_does_not_make_a_lead_disappear() {
    use leadgraph::vendors::simulation::{Fault, Rule};
    for vendor in [SPELO, LEADSAIL] {
        let (world, id) = one(vendor).await;
        world.fault(vendor, [Rule::always(Fault::Status { status: 403, retry_after: None }).method("PATCH")]);
        let payload = update(&world, json!({"id": id, "notes": "n"})).await;
        assert_eq!((&payload["outcome"], &payload["lead"]["id"]), (&json!("NOT_APPLIED"), &json!(id)));
        assert_eq!(payload["userErrors"][0]["code"], "SOURCE_FAILED", "{vendor}: {payload}");
    }
}

#[tokio::test]
async fn a_lead_that_has_changed_since_is_a_conflict_and_is_shown() {
    let (world, id) = one(SPELO).await;
    let first = update(&world, json!({"id": id, "notes": "first"})).await;
    let seen = first["lead"]["updatedAt"].clone();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let second = update(&world, json!({"id": id, "notes": "second", "ifUpdatedAt": seen})).await;
    assert_eq!(second["outcome"], "APPLIED", "it has not changed since");
    let writes = world.writes(SPELO);
    let third = update(&world, json!({"id": id, "notes": "third", "ifUpdatedAt": seen})).await;
    assert_eq!(error(&third), ("CONFLICT".into(), "input.ifUpdatedAt".into()));
    assert_eq!((&third["outcome"], texts(&third["lead"])), (&json!("NOT_APPLIED"), vec!["second"]));
    assert_eq!(world.writes(SPELO), writes);
}

#[tokio::test]
async fn an_order_given_again_is_answered_as_before_and_sent_once() {
    let (world, id) = one(SPELO).await;
    let order = json!({"id": id, "notes": "once", "idempotencyKey": "3f9d"});
    let orders = (0..20).map(|_| update(&world, order.clone()));
    let payloads = futures_util::future::join_all(orders).await;
    assert_eq!(payloads[0]["outcome"], "APPLIED");
    assert!(payloads.iter().all(|payload| payload == &payloads[0]));
    update(&world, json!({"id": id, "notes": "something else"})).await;
    assert_eq!(update(&world, order).await, payloads[0]);
    assert_eq!(world.writes(SPELO), 2);
    let other = update(&world, json!({"id": id, "notes": "twice", "idempotencyKey": "3f9d"})).await;
    assert_eq!(error(&other), ("INVALID".into(), "input.idempotencyKey".into()));
    assert_eq!(world.writes(SPELO), 2);
}

#[tokio::test]
async fn an_order_that_could_not_be_sent_may_be_given_again() {
    use leadgraph::vendors::simulation::{Fault, Rule};
    let (world, id) = one(SPELO).await;
    world.fault(SPELO, [Rule::always(Fault::Status { status: 500, retry_after: None }).method("GET")]);
    let order = json!({"id": id, "notes": "later", "idempotencyKey": "77"});
    let payload = update(&world, order.clone()).await;
    assert_eq!(error(&payload), ("SOURCE_FAILED".into(), "input".into()));
    assert_eq!((&payload["outcome"], world.writes(SPELO)), (&json!("NOT_APPLIED"), 0));
    world.fault(SPELO, []);
    assert_eq!(update(&world, order).await["outcome"], "APPLIED");
}

#[tokio::test]
async fn mutations_run_one_after_the_other_and_five_at_most() {
    let (world, id) = one(SPELO).await;
    let many = |count: usize| {
        let fields = (0..count).map(|n| format!("m{n}: updateLead(input: {{id: \"{id}\", notes: \"n{n}\"}}) {{ outcome lead {{ notes {{ text }} }} }}"));
        format!("mutation {{ {} }}", fields.collect::<Vec<_>>().join(" "))
    };
    let answer = world.ask(many(5)).await;
    for n in 0..5 {
        assert_eq!(texts(&answer.data()[format!("m{n}")]["lead"]), [format!("n{n}")]);
    }
    let told = world
        .ask(Query::new("query($id: ID!) { lead(id: $id) { notes { text } } }").with("id", id.clone()))
        .await;
    assert_eq!(texts(&told.data()["lead"]), ["n4"]);
    let refused = world.ask(many(6)).await;
    assert_eq!(refused.codes(), ["GRAPHQL_VALIDATION_FAILED"]);
    assert!(refused.message().contains("at most 5 mutations"), "{}", refused.message());
    assert_eq!(world.writes(SPELO), 5);
}

#[tokio::test]
async fn a_source_that_is_not_open_to_writes_takes_none_and_says_so() {
    let closed = |settings: &mut leadgraph::gather::settings::Settings| {
        settings.writable = leadgraph::gather::settings::Settings::default().writable;
    };
    let world = Plan::new(30, 10).only(&[SPELO]).settings(closed).start().await;
    let id = world.newest(SPELO).await;
    let query = "{ leads(first: 1) { nodes { viewerCanUpdate source { capabilities { updateLead } } } } }";
    let answer = world.ask(query).await;
    let lead = &answer.data()["leads"]["nodes"][0];
    assert_eq!(lead, &json!({"viewerCanUpdate": false, "source": {"capabilities": {"updateLead": false}}}));
    let payload = update(&world, json!({"id": id, "status": "NEW"})).await;
    assert_eq!(error(&payload), ("FORBIDDEN".into(), "input.id".into()));
    assert!(payload["userErrors"][0]["message"].as_str().unwrap().contains("writes = true"));
    assert_eq!(world.writes(SPELO), 0);
}
