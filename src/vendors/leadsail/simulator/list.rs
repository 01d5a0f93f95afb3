//! The list of leads (L1).

use std::cmp::Reverse;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{failure, invalid, success};
use super::{Row, Tenant, buyers};

/// What LeadSail gives where nothing is asked for. Ours: the default is not documented (LEADSAIL-5).
const DEFAULT_LIMIT: usize = 25;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    cursor: Option<String>,
    limit: Option<String>,
    campaign_ids: Option<String>,
    client_ids: Option<String>,
    offer_ids: Option<String>,
    status: Option<String>,
    search: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
}

/// What a lead must be like to be shown.
struct Wanted {
    campaigns: Option<Vec<String>>,
    clients: Option<Vec<String>>,
    offers: Option<Vec<String>>,
    status: Option<String>,
    search: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

pub(super) async fn page(State(tenant): State<Tenant>, Query(asked): Query<Asked>) -> Response {
    if let Some(code) = tenant.switches().get("success_false") {
        return failure(StatusCode::OK, &code, "Something went wrong");
    }
    let limit = asked.limit.as_ref().map_or(Ok(DEFAULT_LIMIT), |limit| limit.parse());
    let Ok(limit @ 1..=100) = limit else {
        return invalid(&["limit must be between 1 and 100"]);
    };
    let cap = tenant.switches().get("page_cap").and_then(|cap| cap.parse().ok()).unwrap_or(limit);
    let limit = limit.min(cap);
    let (Ok(from), Ok(to)) = (bound(asked.start_date.as_ref(), 0), bound(asked.end_date.as_ref(), 1)) else {
        return invalid(&["startDate and endDate must be ISO 8601 dates"]);
    };
    let wanted = Wanted {
        campaigns: ids(asked.campaign_ids),
        clients: ids(asked.client_ids),
        offers: ids(asked.offer_ids),
        status: asked.status,
        search: asked.search.map(|text| text.to_lowercase()),
        from,
        to,
    };
    let rows = tenant.ordered();
    let start = match &asked.cursor {
        None => 0,
        // The cursor is a lead, looked up among all: it may be gone (LEADSAIL-6, LEADSAIL-8).
        Some(cursor) => match rows.iter().position(|row| row.id == *cursor) {
            Some(place) => place + 1,
            None => return invalid(&["cursor does not name a lead"]),
        },
    };
    let mut rest = rows[start..].iter().filter(|row| tenant.wants(&wanted, row));
    let shown: Vec<&Row> = rest.by_ref().take(limit).collect();
    let endless = tenant.switches().on("empty_has_more");
    let has_more = rest.next().is_some() || endless;
    let mut leads: Vec<Value> = shown.iter().map(|row| tenant.item(row)).collect();
    if !shown.is_empty() {
        let bad = tenant.switches().get("bad_rows").and_then(|count| count.parse().ok()).unwrap_or(0);
        let unreadable = [Value::Null, json!(42), json!({"leadId": null}), json!({"firstName": "Nobody"})];
        leads.extend(unreadable.into_iter().cycle().take(bad));
    }
    let mut data = json!({"leads": leads, "hasMore": has_more});
    if !tenant.switches().on("no_next_cursor") {
        // Also on the last page, where it means nothing (LEADSAIL-7).
        data["nextCursor"] = shown.last().map(|row| row.id.clone()).or(asked.cursor).into();
    }
    success(&data)
}

fn ids(list: Option<String>) -> Option<Vec<String>> {
    list.map(|list| list.split(',').map(|id| id.trim().to_owned()).collect())
}

/// A bound of a date filter: an instant, or the beginning of a day (of the day after, for an inclusive end).
fn bound(text: Option<&String>, days_on: i64) -> Result<Option<Timestamp>, jiff::Error> {
    let Some(text) = text else { return Ok(None) };
    if let Ok(instant) = text.parse() {
        return Ok(Some(instant));
    }
    let midnight = text.parse::<Date>()?.to_zoned(TimeZone::UTC)?.timestamp();
    midnight.checked_add(SignedDuration::from_hours(24 * days_on)).map(Some)
}

impl Tenant {
    /// All leads, in the order in which they are listed.
    fn ordered(&self) -> Vec<Row> {
        let rows = self.shelf().leads.clone();
        let mut rows: Vec<Row> = rows.into_iter().map(|row| row.lagging(self.lag())).collect();
        match self.switches().get("order").as_deref() {
            Some("asc") => rows.reverse(),
            Some("random") => rows.sort_by_cached_key(|row| Reverse(self.dice("order", row.number).u64(..))),
            _ => {}
        }
        rows
    }

    fn wants(&self, wanted: &Wanted, row: &Row) -> bool {
        let sketch = self.sketch(row);
        let campaign = buyers::of_lead(sketch.campaign);
        let among = |list: &Option<Vec<String>>, field: &str| {
            list.as_ref().is_none_or(|list| list.iter().any(|id| campaign[field] == id.as_str()))
        };
        let by = if self.switches().on("submitted_dates") { sketch.submitted } else { row.created };
        let exact = self.switches().on("email_search_exact");
        let found = |search: &String| {
            let name = format!("{} {}", sketch.first, sketch.last).to_lowercase();
            let email = sketch.email.as_deref().unwrap_or_default().to_lowercase();
            let parts = [name.as_str(), sketch.phone.as_deref().unwrap_or_default(), &row.id, &email];
            if exact { email == *search } else { parts.iter().any(|part| part.contains(search)) }
        };
        wanted.status.as_ref().is_none_or(|status| sketch.status == *status)
            && among(&wanted.campaigns, "campaignId")
            && among(&wanted.clients, "clientId")
            && among(&wanted.offers, "offerId")
            && wanted.from.is_none_or(|from| by >= from)
            && wanted.to.is_none_or(|to| by < to)
            && wanted.search.as_ref().is_none_or(found)
    }

    /// A list item: nobody documents how much of the lead it holds (LEADSAIL-9).
    fn item(&self, row: &Row) -> Value {
        let mut lead = self.lead(row);
        let kept: Option<&[&str]> = if self.switches().on("sparse") {
            Some(&["leadId"])
        } else if self.switches().on("ids_and_times") {
            Some(&["leadId", "createdAt", "updatedAt", "lastActivityAt", "latestSubmittedAt"])
        } else {
            None
        };
        if let Some(object) = lead.as_object_mut() {
            object.retain(|field, _| kept.is_none_or(|kept| kept.contains(&field.as_str())));
            if self.switches().on("no_created_at") {
                object.remove("createdAt");
            }
        }
        lead
    }
}
