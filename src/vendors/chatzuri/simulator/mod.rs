//! Chatzuri in a box: the vendor's four reads over the shared world, with its documented habits as they are and its
//! undocumented ones as switches.
//!
//! By default it answers as CHATZURI-4 (202 for leads, 200 for the rest), CHATZURI-11, CHATZURI-12, CHATZURI-14 and
//! CHATZURI-25 say, newest first, in the days of Nairobi, `endDate` included, and refuses POST.

mod data;
mod params;
mod tell;
mod webhooks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use jiff::Timestamp;
use serde_json::{Value, json};

use self::data::{Agent, Data, Order, Row};
use self::params::{End, Params};
use self::tell::Style;
use crate::vendors::simulation::{Delivery, Simulated, Stage, Switches, WebhookOrder};

const KEY: &str = "chatzuri-simulated-key";

const SWITCHES: &[(&str, &str)] = &[
    ("order", "`asc` or `random` instead of newest first; fixed for as long as the simulator lives"),
    ("insert_while_paging", "each list call is followed by a new lead, created now, and its conversation"),
    ("delete_while_paging", "each list call is followed by the deletion of a random row of that list"),
    ("collected_customers", "the list of leads is called `collectedCustomers` instead of `data`"),
    ("post_only", "GET is refused with 405; the parameters come in a JSON body"),
    ("legacy_names", "only `chatbotId` is understood, not `agentId`"),
    ("text_ids", "ids of leads are text"),
    ("size_cap", "no page has more rows than this number, whatever is asked"),
    ("no_agents_endpoint", "there is no get-agents"),
    ("bad_rows", "this many rows at the head of each page cannot be read"),
    ("oversized", "each conversation has another 100 KiB: a page of 100 is larger than 8 MiB"),
    ("date_only", "`created_at` is a day, in the vendor's time zone"),
    ("timezone", "the vendor's time zone in whole hours east of UTC; 3 unless set"),
    ("end_exclusive", "rows of the day `endDate` are not in the answer"),
];

/// The vendor: one team, its agents, their leads and conversations.
pub(super) struct Office {
    desk: Arc<Desk>,
}

struct Desk {
    switches: Switches,
    data: Mutex<Data>,
}

impl Desk {
    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number<T: std::str::FromStr>(&self, switch: &str) -> Option<T> {
        self.switches.get(switch)?.parse().ok()
    }
}

impl Office {
    pub(super) fn new(stage: Stage) -> Self {
        let data = Mutex::new(Data::new(stage.world));
        Self { desk: Arc::new(Desk { switches: stage.switches, data }) }
    }
}

/// Leads are told, added and deleted at the first agent only: ids of agents are not part of the ids of leads.
impl Simulated for Office {
    fn router(&self) -> Router {
        Router::new()
            .route("/api/v1/get-leads", any(leads))
            .route("/api/v1/get-conversations", any(conversations))
            .route("/api/v1/get-agents", any(agents))
            .route("/api/v1/get-chatbots", any(chatbots))
            .with_state(Arc::clone(&self.desk))
    }

    fn key(&self) -> String {
        KEY.to_owned()
    }

    fn settings(&self) -> toml::Table {
        let agents = self.desk.data().agents().iter().map(|agent| agent.id.clone().into()).collect();
        toml::Table::from_iter([("agents".to_owned(), toml::Value::Array(agents))])
    }

    fn leads(&self) -> Vec<(String, Timestamp)> {
        let data = self.desk.data();
        let first = data.agents().first();
        first.into_iter().flat_map(|agent| &agent.leads).map(|lead| (lead.id.clone(), lead.at)).collect()
    }

    fn add_lead(&self, at: Timestamp) -> String {
        self.desk.data().add_lead(0, at)
    }

    fn delete_lead(&self, id: &str) -> bool {
        self.desk.data().delete_lead(0, id)
    }

    fn switches(&self) -> &'static [(&'static str, &'static str)] {
        SWITCHES
    }

    // The older shapes, which name the conversation, are signed in the older way (CHATZURI-27).
    fn webhook_settings(&self) -> toml::Table {
        toml::Table::from_iter([("sha1".to_owned(), true.into())])
    }
    fn webhook_event(&self) -> &'static str {
        "lead.submit"
    }
    fn webhook(&self, order: &WebhookOrder) -> Result<Vec<Delivery>, String> {
        webhooks::deliveries(&self.desk.data(), order)
    }
}

/// Why a request is not answered. The shape of the body is not documented (CHATZURI-21).
struct Refused(StatusCode, &'static str);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, axum::Json(json!({"message": self.1}))).into_response()
    }
}

type Call = (Method, HeaderMap, RawQuery, Bytes);

async fn leads(State(desk): State<Arc<Desk>>, call: Call) -> Result<Response, Refused> {
    let rows =
        desk.list(&call, |agent, _| agent.leads.iter().collect(), tell::lead, Data::delete_some_lead)?;
    let key = if desk.switches.on("collected_customers") { "collectedCustomers" } else { "data" };
    Ok((StatusCode::ACCEPTED, axum::Json(json!({key: rows}))).into_response())
}

async fn conversations(State(desk): State<Arc<Desk>>, call: Call) -> Result<Response, Refused> {
    let rows = desk.list(&call, data::Agent::talks_of, tell::talk, Data::delete_some_talk)?;
    Ok(axum::Json(json!({"data": rows})).into_response())
}

async fn agents(State(desk): State<Arc<Desk>>, call: Call) -> Result<Response, Refused> {
    if desk.switches.on("no_agents_endpoint") {
        return Err(Refused(StatusCode::NOT_FOUND, "not found"));
    }
    desk.admit(&call)?;
    let data = desk.data();
    let rows: Vec<Value> = data.agents().iter().map(|agent| tell::agent(agent, &data)).collect();
    Ok(axum::Json(json!({"agents": rows})).into_response())
}

async fn chatbots(State(desk): State<Arc<Desk>>, call: Call) -> Result<Response, Refused> {
    desk.admit(&call)?;
    let data = desk.data();
    let rows: Vec<Value> = data.agents().iter().map(|agent| tell::chatbot(agent, &data)).collect();
    Ok(axum::Json(json!({"chatbots": rows})).into_response())
}

impl Desk {
    /// The key first, then the method; answers whether the parameters are in the body.
    fn admit(&self, (method, headers, _, _): &Call) -> Result<bool, Refused> {
        let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if key.and_then(|value| value.strip_prefix("Bearer ")) != Some(KEY) {
            return Err(Refused(StatusCode::UNAUTHORIZED, "unauthorized"));
        }
        let posts = self.switches.on("post_only");
        if *method != (if posts { Method::POST } else { Method::GET }) {
            return Err(Refused(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"));
        }
        Ok(posts)
    }

    fn asked(&self, call: &Call) -> Result<Params, Refused> {
        let fields = if self.admit(call)? {
            params::of_body(&call.3).ok_or(Refused(StatusCode::BAD_REQUEST, "the body is not JSON"))?
        } else {
            params::of_query(call.2.0.as_deref().unwrap_or_default())
        };
        let agent_field = if self.switches.on("legacy_names") { "chatbotId" } else { "agentId" };
        Params::read(&fields, agent_field, self.number("size_cap"))
            .map_err(|what| Refused(StatusCode::BAD_REQUEST, what))
    }

    /// One page of a list, told; then the list changes as other people change it between two calls.
    fn list<T: Row>(
        &self,
        call: &Call,
        rows_of: for<'a> fn(&'a Agent, &Params) -> Vec<&'a T>,
        tell: fn(&Data, &Agent, &T, &Style) -> Value,
        delete_some: fn(&mut Data, usize),
    ) -> Result<Vec<Value>, Refused> {
        let params = self.asked(call)?;
        let mut data = self.data();
        let known = data.agents().iter().position(|agent| agent.id == params.agent);
        // CHATZURI-25
        let number = known.ok_or(Refused(StatusCode::NOT_FOUND, "unknown agent"))?;
        let (agent, style) = (&data.agents()[number], self.style());
        let page = params.page_of(rows_of(agent, &params), self.order(), style.offset_hours, self.end());
        let rows = page.into_iter().map(|row| tell(&data, agent, row, &style)).collect();
        if self.switches.on("insert_while_paging") {
            let now = data.now();
            data.add_lead(number, now);
        }
        if self.switches.on("delete_while_paging") {
            delete_some(&mut data, number);
        }
        Ok(tell::spoil(rows, self.number("bad_rows").unwrap_or(0)))
    }

    fn style(&self) -> Style {
        Style {
            text_ids: self.switches.on("text_ids"),
            date_only: self.switches.on("date_only"),
            oversized: self.switches.on("oversized"),
            offset_hours: self.number("timezone").unwrap_or(3),
        }
    }

    fn order(&self) -> Order {
        match self.switches.get("order").as_deref() {
            Some("asc") => Order::Oldest,
            Some("random") => Order::Random,
            _ => Order::Newest,
        }
    }

    fn end(&self) -> End {
        if self.switches.on("end_exclusive") { End::Excluded } else { End::Included }
    }
}
