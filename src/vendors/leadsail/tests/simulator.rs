//! The simulator itself, where the adapter does not reach: what it refuses, what it writes, what it hides in campaigns.

use serde_json::json;

use super::*;
use crate::vendors::leadsail::simulator::CANARY;

#[tokio::test]
async fn failures_answer_as_documented() {
    let bench = bench(3, "").await;
    let documented: Value = serde_json::from_str(include_str!("../testdata/error_not_found.json")).unwrap();
    assert_eq!(bench.get("/leads/lead_unknown").await, (404, documented.clone()));
    assert_eq!(bench.get("/interactions/lead/lead_unknown").await, (404, documented.clone()));
    assert_eq!(bench.get("/no/such/thing").await, (404, documented));
    for query in ["limit=0", "limit=101", "limit=x", "cursor=lead_gone", "startDate=soon"] {
        let (status, body) = bench.get(&format!("/leads?{query}")).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!("VALIDATION_ERROR")), "{query}");
    }
    let documented: Value =
        serde_json::from_str(include_str!("../testdata/error_unauthorized.json")).unwrap();
    assert_eq!(ask(&bench, "vf_wrong", Method::GET, "/leads", None).await, (401, documented));
}

#[tokio::test]
async fn an_update_answers_nothing_and_is_seen_by_the_next_read() {
    let bench = bench(3, "").await;
    let id = &bench.ids()[1];
    let path = format!("/leads/{id}");
    let body = json!({"status": "signed", "firstName": "Ann", "notes": [{"id": "n_9", "text": "Called"}]});
    let answer = bench.ask(Method::PATCH, &path, Some(body)).await;
    assert_eq!(answer, (200, json!({"success": true, "data": null})));
    let lead = bench.lead(id).await.unwrap();
    assert_eq!((lead.vendor_status.as_deref(), lead.first_name.as_deref()), (Some("signed"), Some("Ann")));
    assert_eq!(lead.notes.len(), 1);
    assert!(lead.updated_at > lead.created_at);
    let (status, _) = bench.ask(Method::PATCH, &path, Some(json!({"status": "no_such_status"}))).await;
    assert_eq!(status, 400);
    assert_eq!(bench.lead(id).await.unwrap().vendor_status.as_deref(), Some("signed"));
}

#[tokio::test]
async fn a_review_is_kept_and_a_rejection_rejects_the_lead() {
    let bench = bench(3, "").await;
    let id = &bench.ids()[0];
    let path = format!("/leads/{id}/approve");
    let (status, body) =
        bench.ask(Method::POST, &path, Some(json!({"status": "rejected", "reason": "far"}))).await;
    assert_eq!((status, &body["data"]["approval"]["status"]), (200, &json!("rejected")));
    let lead = bench.lead(id).await.unwrap();
    let approval = lead.approval.unwrap();
    assert_eq!((approval.status.as_str(), approval.reason.as_deref()), ("rejected", Some("far")));
    assert!(approval.decided_at.is_some() && approval.decided_by.is_some());
    assert_eq!(lead.vendor_status.as_deref(), Some("rejected"));
    let (status, _) = bench.ask(Method::POST, &path, Some(json!({"status": "maybe"}))).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn campaigns_and_clients_are_listed_with_totals_and_secrets() {
    let bench = bench(1, "").await;
    let (_, body) = bench.get("/campaigns?page=2&limit=3").await;
    assert_eq!(body["data"]["pagination"], json!({"total": 4, "page": 2, "limit": 3}));
    assert_eq!(body["data"]["campaigns"].as_array().unwrap().len(), 1);
    assert!(body.to_string().contains(CANARY));
    let (_, body) = bench.get("/clients?search=norte").await;
    assert_eq!(body["data"]["clients"][0]["clientId"], "cl_9");
    assert_eq!(bench.get("/clients/cl_4").await.1["data"]["abbrev"], "HT");
    assert_eq!(bench.get("/clients/cl_0").await.0, 404);
}

#[tokio::test]
async fn the_same_seed_shows_the_same_tenant() {
    let (one, other) = (bench(20, "").await, bench(20, "").await);
    assert_eq!(one.ids(), other.ids());
    assert_eq!(one.simulator.vendor.key(), other.simulator.vendor.key());
    let path = format!("/leads/{}", one.ids()[7]);
    assert_eq!(one.get(&path).await, other.get(&path).await);
}
