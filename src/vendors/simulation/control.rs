//! The control desk of a simulated vendor, under `/_sim`: faults, switches, ledger, data, over HTTP, so that a person with
//! curl can do what the tests do.
//!
//! | request | does |
//! |---|---|
//! | `GET /_sim` | tells the switches there are |
//! | `PUT /_sim/faults` `[{"fault":{"kind":"reset"}}]` | replaces all faults |
//! | `PUT /_sim/switches/{name}` `value` | sets a switch; an empty body turns it off |
//! | `GET /_sim/calls`, `DELETE /_sim/calls` | shows or empties the ledger |
//! | `POST /_sim/leads` | adds a lead, created now |
//! | `DELETE /_sim/leads/{id}` | deletes a lead |
//! | `POST /_sim/webhooks` `{"url":…,"secret":…,"event":…}` | sends webhooks ([`WebhookOrder`]); answers how they were received |

use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post, put};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::faults::{Faults, Rule};
use super::ledger::Ledger;
use super::webhooks::{Outcome, WebhookOrder};
use super::{Simulated, Switches};

#[derive(Clone)]
pub(super) struct Desk {
    pub(super) faults: Arc<Faults>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) switches: Switches,
    pub(super) vendor: Arc<dyn Simulated>,
    pub(super) dice: Arc<Mutex<fastrand::Rng>>,
}

pub(super) fn router(desk: Desk) -> axum::Router {
    axum::Router::new()
        .route("/", get(about))
        .route("/faults", put(set_faults))
        .route("/switches/{name}", put(set_switch))
        .route("/calls", get(calls).delete(forget_calls))
        .route("/leads", post(add_lead))
        .route("/leads/{id}", delete(delete_lead))
        .route("/webhooks", post(webhooks))
        .with_state(desk)
}

async fn about(State(desk): State<Desk>) -> Json<Value> {
    let switches: Vec<Value> = desk
        .vendor
        .switches()
        .iter()
        .map(|(name, about)| json!({"name": name, "about": about, "value": desk.switches.get(name)}))
        .collect();
    Json(json!({"switches": switches, "leads": desk.vendor.leads().len(), "calls": desk.ledger.count()}))
}

async fn set_faults(State(desk): State<Desk>, Json(rules): Json<Vec<Rule>>) -> StatusCode {
    desk.faults.set(rules);
    StatusCode::NO_CONTENT
}

async fn set_switch(State(desk): State<Desk>, Path(name): Path<String>, value: String) -> StatusCode {
    if !desk.vendor.switches().iter().any(|(known, _)| *known == name) {
        return StatusCode::NOT_FOUND;
    }
    desk.switches.set(&name, value.trim());
    StatusCode::NO_CONTENT
}

async fn calls(State(desk): State<Desk>) -> Json<Value> {
    Json(json!(desk.ledger.entries()))
}

async fn forget_calls(State(desk): State<Desk>) -> StatusCode {
    desk.ledger.clear();
    StatusCode::NO_CONTENT
}

async fn add_lead(State(desk): State<Desk>) -> (StatusCode, Json<Value>) {
    let now = Timestamp::now();
    let at = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
    (StatusCode::CREATED, Json(json!({"id": desk.vendor.add_lead(at)})))
}

async fn delete_lead(State(desk): State<Desk>, Path(id): Path<String>) -> StatusCode {
    if desk.vendor.delete_lead(&id) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn webhooks(
    State(desk): State<Desk>,
    Json(mut order): Json<WebhookOrder>,
) -> Result<Json<Vec<Outcome>>, (StatusCode, String)> {
    if order.leads.is_empty() {
        let newest =
            desk.vendor.leads().into_iter().max_by(|one, other| (one.1, &one.0).cmp(&(other.1, &other.0)));
        order.leads.extend(newest.map(|(id, _)| id));
    }
    let refused = |sentence| (StatusCode::BAD_REQUEST, sentence);
    let deliveries = desk.vendor.webhook(&order).map_err(refused)?;
    let batch = {
        let mut dice = desk.dice.lock().unwrap_or_else(PoisonError::into_inner);
        order.batch(&deliveries, &mut dice).map_err(refused)?
    };
    Ok(Json(batch.send().await))
}
