//! Updating a lead (L3) and reviewing it (L4).

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::answers::{invalid, not_found, success};
use super::leads::STATUSES;
use super::{Row, Tenant, written};

/// Fields that can be written, as the update schema names them.
const WRITABLE: &[&str] = &[
    "firstName",
    "lastName",
    "email",
    "phone",
    "country",
    "address",
    "dateOfBirth",
    "timezone",
    "timezoneSource",
    "questionnaire",
    "notes",
    "customFields",
    "attribution",
    "compliance",
    "status",
    "detail",
    "flags",
    "approval",
    "campaign",
    "tags",
    "clientLeadId",
    "repostedTo",
    "latestSubmittedAt",
    "lastActivityAt",
    "deliveredAt",
    "submissionCount",
];

impl Tenant {
    /// Writes over a lead; answers it as it is then, or `None` where there is none.
    fn write(&self, id: &str, fields: Map<String, Value>) -> Option<Row> {
        let now = written(self.clock());
        let mut shelf = self.shelf();
        let row = shelf.leads.iter_mut().find(|row| row.id == id)?;
        row.before = Some((Instant::now(), row.written.clone()));
        row.written.extend(fields);
        row.written.insert("updatedAt".to_owned(), json!(now));
        Some(row.clone())
    }
}

fn mistakes(body: &Map<String, Value>) -> Vec<&'static str> {
    let long = |field: &str, least: usize| {
        body.get(field).is_none_or(|value| value.as_str().is_some_and(|text| text.chars().count() >= least))
    };
    let list = |field: &str| body.get(field).is_none_or(Value::is_array);
    // The unmapped word at the end is not one of the schema.
    let known = &STATUSES[..STATUSES.len() - 1];
    let status =
        body.get("status").is_none_or(|word| word.as_str().is_some_and(|word| known.contains(&word)));
    let email = body.get("email").is_none_or(|email| email.as_str().is_some_and(|email| email.contains('@')));
    [
        (long("firstName", 1), "firstName must not be empty"),
        (long("lastName", 1), "lastName must not be empty"),
        (long("phone", 10), "phone must have 10 characters"),
        (long("country", 2), "country must have 2 letters"),
        (email, "email must be an address"),
        (status, "status is not one of the statuses"),
        (list("notes"), "notes must be an array"),
        (list("questionnaire"), "questionnaire must be an array"),
    ]
    .into_iter()
    .filter_map(|(fine, mistake)| (!fine).then_some(mistake))
    .collect()
}

/// L3. Arrays are replaced as a whole, and the answer holds nothing (LEADSAIL-32).
pub(super) async fn update(
    State(tenant): State<Tenant>,
    Path(id): Path<String>,
    Json(mut body): Json<Map<String, Value>>,
) -> Response {
    let mistakes = mistakes(&body);
    if !mistakes.is_empty() {
        return invalid(&mistakes);
    }
    body.retain(|field, _| WRITABLE.contains(&field.as_str()));
    match tenant.write(&id, body) {
        Some(_) => success(&Value::Null),
        None => not_found(),
    }
}

/// L4. A rejected lead also gets the status of that name (LEADSAIL-32).
pub(super) async fn approve(
    State(tenant): State<Tenant>,
    Path(id): Path<String>,
    Json(body): Json<Map<String, Value>>,
) -> Response {
    let word = body.get("status").and_then(Value::as_str).unwrap_or_default();
    if !["approved", "rejected", "pending"].contains(&word) {
        return invalid(&["status must be approved, rejected or pending"]);
    }
    let Some(row) = tenant.find(&id) else { return not_found() };
    let decided = (word != "pending").then(|| written(tenant.clock()));
    let approval = json!({
        "status": word, "campaignId": tenant.lead(&row)["campaign"]["campaignId"],
        "decidedAt": decided, "decidedBy": decided.as_ref().map(|_| "api"), "reason": body.get("reason"),
    });
    let mut fields = Map::from_iter([("approval".to_owned(), approval.clone())]);
    if word == "rejected" {
        fields.insert("status".to_owned(), json!("rejected"));
    }
    match tenant.write(&id, fields) {
        Some(_) => success(&json!({"leadId": id, "approval": approval})),
        None => not_found(),
    }
}
