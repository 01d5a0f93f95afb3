use async_graphql::{EmptyMutation, EmptySubscription, Schema};
use serde_json::{Value, json};

use super::*;
use crate::graphql::types::vendor;
use crate::model::caller::Caller;
use crate::model::id::{NativeId, SourceId};

/// Shows leads as a list would, over no sources: what must be read fails.
struct Stage(Vec<Arc<model::Lead>>);

#[Object]
impl Stage {
    async fn leads(&self) -> Option<Vec<Lead>> {
        let show = |lead| Lead::new(Shown::to(&Caller::anonymous(), lead));
        Some(self.0.iter().cloned().map(show).collect())
    }
}

async fn show(lead: model::Lead, fields: &str) -> Value {
    let schema = Schema::new(Stage(vec![Arc::new(lead)]), EmptyMutation, EmptySubscription);
    let response = schema.execute(format!("{{ leads {{ {fields} }} }}")).await;
    serde_json::to_value(response).unwrap()
}

fn lead(native: &str) -> model::Lead {
    let key =
        Key { source: SourceId::new("acme").unwrap(), native: NativeId::new(native).unwrap(), day: None };
    model::Lead::bare(key, vendor::ANY)
}

fn json(text: &str) -> text::Json {
    text::Json::from_valid(text)
}

#[tokio::test]
async fn what_a_list_gave_costs_no_read() {
    let known = model::Lead { name: Some("Ada".to_owned()), sparse: true, ..lead("1") };
    let answer = show(known, "vendorId name source { name } __typename").await;
    assert_eq!(
        answer,
        json!({ "data": { "leads": [
            { "vendorId": "1", "name": "Ada", "source": { "name": "acme" }, "__typename": "Lead" }
        ] } })
    );
}

#[tokio::test]
async fn what_a_sparse_lead_lacks_is_an_error_where_it_cannot_be_read() {
    let sparse = model::Lead { sparse: true, ..lead("1") };
    let answer = show(sparse, "vendorId email status raw").await;
    assert_eq!(
        answer["data"],
        json!({ "leads": [{ "vendorId": "1", "email": null, "status": null, "raw": null }] })
    );
    let paths: Vec<_> = answer["errors"].as_array().unwrap().iter().map(|error| &error["path"]).collect();
    for field in ["email", "status", "raw"] {
        assert!(paths.contains(&&json!(["leads", 0, field])), "{field}: {paths:?}");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_null_is_empty_beside_its_error() {
    let sparse = model::Lead { sparse: true, ..lead("1") };
    let answer = show(sparse, "notes { text } customFields { key }").await;
    assert_eq!(answer["data"], json!({ "leads": [{ "notes": [], "customFields": [] }] }));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 2);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL");
}

#[tokio::test]
async fn what_a_vendor_does_not_have_is_null_without_an_error() {
    let answer = show(lead("1"), "email status notes { text } conversation { id } raw").await;
    let expected = json!({ "email": null, "status": null, "notes": [], "conversation": null, "raw": null });
    assert_eq!(answer, json!({ "data": { "leads": [expected] } }));
}

#[tokio::test]
async fn vendors_json_is_passed_on_as_it_is() {
    let full = model::Lead {
        custom_fields: vec![
            model::CustomField { key: "a".to_owned(), label: None, value: Some(json("[1,{\"b\":2.5}]")) },
            model::CustomField { key: "e".to_owned(), label: Some("Empty".to_owned()), value: None },
        ],
        raw: Some(json("{\"id\":18446744073709551615,\"x y\":null}")),
        ..lead("1")
    };
    let fields = "raw customFields { key value } e: customField(key: \"e\") { label value } \
                  none: customField(key: \"none\") { key }";
    let answer = show(full, fields).await;
    assert_eq!(
        answer,
        json!({ "data": { "leads": [{
            "raw": { "id": u64::MAX, "x y": null },
            "customFields": [{ "key": "a", "value": [1, { "b": 2.5 }] }, { "key": "e", "value": null }],
            "e": { "label": "Empty", "value": null },
            "none": null,
        }] } })
    );
}

#[tokio::test]
async fn json_that_is_nested_too_deep_fails_alone() {
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let answer = show(model::Lead { raw: Some(json(&deep)), ..lead("1") }, "vendorId raw").await;
    assert_eq!(answer["data"], json!({ "leads": [{ "vendorId": "1", "raw": null }] }));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "SOURCE_PROTOCOL");
}

#[tokio::test]
async fn notes_have_ids_that_are_unique_over_all_leads() {
    let note = model::LeadNote { id: "1".to_owned(), text: "hi".to_owned(), created_at: None, author: None };
    let schema = |native| model::Lead { notes: vec![note.clone()], ..lead(native) };
    let (one, two) = (show(schema("1"), "notes { id }").await, show(schema("2"), "notes { id }").await);
    assert_ne!(one, two);
}
