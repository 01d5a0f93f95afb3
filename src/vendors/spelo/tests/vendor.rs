//! The simulator by itself, without sockets: what the adapter never says to it, and its clock.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::super::simulator::simulate;
use super::stage::world;
use crate::vendors::simulation::{Stage, Switches};

/// The simulator without sockets: what the adapter does not say to it.
struct Bare {
    router: axum::Router,
    key: String,
    lead: String,
}

impl Bare {
    fn new() -> Self {
        let stage = Stage { world: world(30), switches: Switches::default() };
        let vendor = simulate(stage);
        let lead = vendor.leads().into_iter().map(|(id, _)| id).max().unwrap();
        Self { router: vendor.router(), key: vendor.key(), lead }
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, http::HeaderMap, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.key))
            .body(Body::from(body.to_owned()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, headers, serde_json::from_slice(&body).unwrap_or_default())
    }
}

#[tokio::test(start_paused = true)]
async fn quota_window_slides_and_tells_the_wait_in_four_headers() {
    let bare = Bare::new();
    for _ in 0..60 {
        assert_eq!(bare.ask("GET", "/v1/public/leads?limit=1", "").await.0, 200);
        tokio::time::advance(std::time::Duration::from_millis(500)).await;
    }
    let (status, headers, body) = bare.ask("GET", "/v1/public/leads", "").await;
    assert_eq!((status, &body["error"]["code"]), (429, &json!("RATE_LIMITED")));
    let shown = ["retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]
        .map(|name| headers[name].to_str().unwrap().to_owned());
    assert_eq!(shown, ["30", "60", "0", "30"]);
    tokio::time::advance(std::time::Duration::from_secs(30)).await;
    assert_eq!(bare.ask("GET", "/v1/public/leads", "").await.0, 200, "the oldest call has left the window");
    assert_eq!(bare.ask("GET", "/v1/public/leads", "").await.0, 429, "the second oldest has not");
}

#[tokio::test(start_paused = true)]
async fn signed_link_opens_its_recording_for_five_minutes() {
    let bare = Bare::new();
    let (_, _, page) = bare.ask("GET", "/v1/public/conversations?has_recording=1", "").await;
    let id = page["data"][0]["id"].as_str().unwrap();
    let (_, _, minted) = bare.ask("GET", &format!("/v1/public/conversations/{id}/recording"), "").await;
    let url: url::Url = minted["data"]["url"].as_str().unwrap().parse().unwrap();
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    assert_eq!(bare.ask("GET", &path, "").await.0, 200);
    assert_eq!(bare.ask("GET", url.path(), "").await.0, 400);
    tokio::time::advance(std::time::Duration::from_secs(300)).await;
    assert_eq!(bare.ask("GET", &path, "").await.0, 400);
}

#[tokio::test]
async fn update_changes_status_and_notes_and_nothing_else() {
    let bare = Bare::new();
    let path = format!("/v1/public/leads/{}", bare.lead);
    for refused in
        ["", "[]", "{}", r#"{"status":"won"}"#, r#"{"notes":7}"#, r#"{"name":"x"}"#, r#"{"status":null}"#]
    {
        assert_eq!(bare.ask("PATCH", &path, refused).await.0, 400, "{refused}");
    }
    let (_, _, before) = bare.ask("GET", &path, "").await;
    let change = r#"{"status":"qualified","notes":"Call at 5"}"#;
    let (status, _, changed) = bare.ask("PATCH", &path, change).await;
    assert_eq!(status, 200);
    let mut expected = before.clone();
    expected["data"]["status"] = json!("qualified");
    expected["data"]["notes"] = json!("Call at 5");
    expected["data"]["updated_at"] = changed["data"]["updated_at"].clone();
    assert_eq!(changed, expected);
    assert_ne!(changed["data"]["updated_at"], before["data"]["updated_at"]);
    let (_, _, listed) = bare.ask("GET", "/v1/public/leads?status=qualified&limit=100", "").await;
    assert!(listed["data"].as_array().unwrap().contains(&changed["data"]), "it shows at once");
    let (_, _, cleared) = bare.ask("PATCH", &path, r#"{"notes":null}"#).await;
    assert_eq!((&cleared["data"]["notes"], &cleared["data"]["status"]), (&Value::Null, &json!("qualified")));
    assert_eq!(bare.ask("PATCH", "/v1/public/leads/01JFOREIGN", change).await.0, 404);
}

#[tokio::test]
async fn simulator_refuses_what_is_out_of_range() {
    let bare = Bare::new();
    for query in ["limit=0", "limit=101", "limit=ten", "status=won", "since=soon", "cursor=%21"] {
        let (status, _, body) = bare.ask("GET", &format!("/v1/public/leads?{query}"), "").await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!("VALIDATION_ERROR")), "{query}");
    }
}

#[tokio::test]
async fn last_page_has_a_cursor_for_leads_and_none_for_conversations() {
    let bare = Bare::new();
    for (collection, rows, cursor) in [("leads", 30, true), ("conversations", 50, false)] {
        let (_, _, page) = bare.ask("GET", &format!("/v1/public/{collection}"), "").await;
        assert_eq!(page["data"].as_array().unwrap().len(), 25, "the vendor's own page size");
        assert_eq!(page["has_more"], true);
        let (_, _, page) = bare.ask("GET", &format!("/v1/public/{collection}?limit=100"), "").await;
        assert_eq!(page["data"].as_array().unwrap().len(), rows);
        assert_eq!((&page["has_more"], page["next_cursor"].is_string()), (&json!(false), cursor));
    }
}

#[tokio::test]
async fn key_looks_like_a_site_key_and_no_other_is_let_in() {
    let mut bare = Bare::new();
    assert_eq!(bare.key.strip_prefix("sk_live_").unwrap().len(), 43);
    bare.key.push('x');
    let (status, _, body) = bare.ask("GET", "/v1/public/leads", "").await;
    assert_eq!((status, &body["error"]["code"]), (401, &json!("UNAUTHENTICATED")));
}
