//! Campaigns (L17) and the clients who buy their leads (L18).

use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{invalid, not_found, success};
use super::{CANARY, Tenant};

/// Campaign id (in all three documented formats), name, client, offer (LEADSAIL-15).
pub(super) const CAMPAIGNS: &[[&str; 4]] = &[
    ["U4D", "Roofing West", "cl_9", "of_2"],
    ["HXZ", "Solar Süd", "cl_9", "of_5"],
    ["cmp_abc123", "Kitchens & Baths", "cl_4", "of_7"],
    ["QK7P2", "Roofing East", "cl_4", "of_2"],
];
const CLIENTS: &[[&str; 3]] = &[["cl_9", "Norte Roofs", "NR"], ["cl_4", "Hearth & Tile", "HT"]];
const OFFERS: &[[&str; 3]] =
    &[["of_2", "Roof quote", "RQ"], ["of_5", "Solar check", "SC"], ["of_7", "Kitchen plan", "KP"]];

fn named(all: &[[&'static str; 3]], id: &str) -> [&'static str; 3] {
    all.iter().find(|entry| entry[0] == id).copied().unwrap_or(["", "", ""])
}

/// A campaign as a lead shows it.
pub(super) fn of_lead(index: usize) -> Value {
    let [id, name, client, offer] = CAMPAIGNS[index % CAMPAIGNS.len()];
    let ([_, client_name, client_abbrev], [_, offer_name, offer_abbrev]) =
        (named(CLIENTS, client), named(OFFERS, offer));
    json!({
        "campaignId": id, "name": name,
        "clientId": client, "clientName": client_name, "clientAbbrev": client_abbrev,
        "offerId": offer, "offerName": offer_name, "offerAbbrev": offer_abbrev,
    })
}

/// Where a campaign reports to, with the credential of another system (LEADSAIL-20).
pub(super) fn webhooks() -> Value {
    json!({
        "url": "https://crm.example/hook", "events": {"lead.delivered": true},
        "headers": {"Authorization": CANARY}, "retryAttempts": 3, "timeoutSeconds": 10,
        "enabled": true, "inheritFromTenant": false,
    })
}

#[derive(Deserialize)]
pub(super) struct Asked {
    page: Option<String>,
    limit: Option<String>,
    search: Option<String>,
}

fn paged(rows: Vec<Value>, name: &str, asked: &Asked) -> Response {
    let number =
        |text: &Option<String>, default: usize| text.as_ref().map_or(Some(default), |text| text.parse().ok());
    let (Some(page @ 1..), Some(limit @ 1..=100)) = (number(&asked.page, 1), number(&asked.limit, 25)) else {
        return invalid(&["page and limit must be positive numbers, limit at most 100"]);
    };
    let wanted = asked.search.clone().unwrap_or_default().to_lowercase();
    let rows: Vec<Value> = rows
        .into_iter()
        .filter(|row| row["name"].as_str().unwrap_or_default().to_lowercase().contains(&wanted))
        .collect();
    let total = rows.len();
    let shown: Vec<Value> = rows.into_iter().skip((page - 1).saturating_mul(limit)).take(limit).collect();
    success(&json!({name: shown, "pagination": {"total": total, "page": page, "limit": limit}}))
}

pub(super) async fn campaigns(Query(asked): Query<Asked>) -> Response {
    let campaign = |index| {
        let mut campaign = of_lead(index);
        campaign["active"] = json!(index != 3);
        campaign["webhooks"] = webhooks();
        campaign
    };
    paged((0..CAMPAIGNS.len()).map(campaign).collect(), "campaigns", &asked)
}

fn detail(client: [&str; 3], tenant: &Tenant) -> Value {
    let [id, name, abbrev] = client;
    let since = super::written(super::later(tenant.world().spec().now, -400 * 86_400_000));
    json!({
        "clientId": id, "name": name, "abbrev": abbrev, "active": true,
        "contactName": "Sam Lake", "contactEmail": "sam@buyer.example", "contactPhone": "+12125550100",
        "address": null, "settings": {"defaultPostingUrl": "https://buyer.example/in", "postingMethod": "http"},
        "tags": [], "createdAt": since, "updatedAt": since, "archivedAt": null,
    })
}

pub(super) async fn clients(State(tenant): State<Tenant>, Query(asked): Query<Asked>) -> Response {
    paged(CLIENTS.iter().map(|client| detail(*client, &tenant)).collect(), "clients", &asked)
}

pub(super) async fn client(State(tenant): State<Tenant>, Path(id): Path<String>) -> Response {
    match CLIENTS.iter().find(|client| client[0] == id) {
        Some(client) => success(&detail(*client, &tenant)),
        None => not_found(),
    }
}
