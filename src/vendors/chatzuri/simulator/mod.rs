//! Chatzuri in a box: the vendor's four reads over the shared world, with its documented habits as they are and its
//! undocumented ones as switches.
//!
//! By default it answers as CHATZURI-4 (202 for leads, 200 for the rest), CHATZURI-11, CHATZURI-12, CHATZURI-14 and
//! CHATZURI-25 say, newest first, in the days of Nairobi, `endDate` included, and refuses POST.

mod data;
mod params;
mod tell;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use jiff::Timestamp;
use serde_json::{Value, json};

use self::data::{Data, Order};
use self::params::Params;
use crate::vendors::simulation::{Simulated, Stage, Switches};

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
}

/// A request as the vendor takes it, or its refusal.
struct Refused(StatusCode, &'static str);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, axum::Json(json!({"message": self.1}))).into_response()
    }
}

type Request = (State<Arc<Desk>>, Method, HeaderMap, RawQuery, Bytes);

/// The key first, then the method, then what is asked.
fn admit(desk: &Desk, (method, headers): (&Method, &HeaderMap)) -> Result<bool, Refused> {
    let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if key.and_then(|value| value.strip_prefix("Bearer ")) != Some(KEY) {
        return Err(Refused(StatusCode::UNAUTHORIZED, "unauthorized"));
    }
    let posts = desk.switches.on("post_only");
    if *method != (if posts { Method::POST } else { Method::GET }) {
        return Err(Refused(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"));
    }
    Ok(posts)
}

fn asked(request: &Request) -> Result<Params, Refused> {
    let (State(desk), method, headers, RawQuery(query), body) = request;
    let posts = admit(desk, (method, headers))?;
    let fields = if posts {
        params::of_body(body).ok_or(Refused(StatusCode::BAD_REQUEST, "the body is not JSON"))?
    } else {
        params::of_query(query.as_deref().unwrap_or_default())
    };
    let agent = if desk.switches.on("legacy_names") { "chatbotId" } else { "agentId" };
    Params::read(&fields, agent, desk.number("size_cap"))
        .map_err(|what| Refused(StatusCode::BAD_REQUEST, what))
}

async fn leads(
    state: State<Arc<Desk>>,
    method: Method,
    headers: HeaderMap,
    query: RawQuery,
    body: Bytes,
) -> Result<Response, Refused> {
    let request = (state, method, headers, query, body);
    let params = asked(&request)?;
    let State(desk) = &request.0;
    let mut data = desk.data();
    let agent = agent_of(&data, &params)?;
    let style = style(desk);
    let page = params.page_of(&data.agents()[agent].leads, order(desk), style.offset_hours, end(desk));
    let rows = page.into_iter().map(|lead| tell::lead(&data, agent, lead, &style)).collect();
    let rows = tell::spoil(rows, desk.number("bad_rows").unwrap_or(0));
    churn(desk, &mut data, agent, Data::delete_some_lead);
    let key = if desk.switches.on("collected_customers") { "collectedCustomers" } else { "data" };
    Ok((StatusCode::ACCEPTED, axum::Json(json!({key: rows}))).into_response())
}

async fn conversations(
    state: State<Arc<Desk>>,
    method: Method,
    headers: HeaderMap,
    query: RawQuery,
    body: Bytes,
) -> Result<Response, Refused> {
    let request = (state, method, headers, query, body);
    let params = asked(&request)?;
    let State(desk) = &request.0;
    let mut data = desk.data();
    let agent = agent_of(&data, &params)?;
    let style = style(desk);
    let wanted = |talk: &&data::Talk| params.sources.is_empty() || params.sources.contains(talk.source);
    let talks = data.agents()[agent].talks.iter().filter(wanted);
    let page = params.page_of(talks, order(desk), style.offset_hours, end(desk));
    let rows = page.into_iter().map(|talk| tell::talk(&data, agent, talk, &style)).collect();
    let rows = tell::spoil(rows, desk.number("bad_rows").unwrap_or(0));
    churn(desk, &mut data, agent, Data::delete_some_talk);
    Ok(axum::Json(json!({"data": rows})).into_response())
}

async fn agents(
    State(desk): State<Arc<Desk>>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    if desk.switches.on("no_agents_endpoint") {
        return Err(Refused(StatusCode::NOT_FOUND, "not found"));
    }
    admit(&desk, (&method, &headers))?;
    let data = desk.data();
    let rows: Vec<Value> = data.agents().iter().map(|agent| tell::agent(agent, &data)).collect();
    Ok(axum::Json(json!({"agents": rows})).into_response())
}

async fn chatbots(
    State(desk): State<Arc<Desk>>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    admit(&desk, (&method, &headers))?;
    let data = desk.data();
    let rows: Vec<Value> = data.agents().iter().map(|agent| tell::chatbot(agent, &data)).collect();
    Ok(axum::Json(json!({"chatbots": rows})).into_response())
}

fn agent_of(data: &Data, params: &Params) -> Result<usize, Refused> {
    let known = data.agents().iter().position(|agent| agent.id == params.agent);
    known.ok_or(Refused(StatusCode::NOT_FOUND, "unknown agent"))
}

fn style(desk: &Desk) -> tell::Style {
    tell::Style {
        text_ids: desk.switches.on("text_ids"),
        date_only: desk.switches.on("date_only"),
        oversized: desk.switches.on("oversized"),
        offset_hours: desk.number("timezone").unwrap_or(3),
    }
}

fn order(desk: &Desk) -> Order {
    match desk.switches.get("order").as_deref() {
        Some("asc") => Order::Oldest,
        Some("random") => Order::Random,
        _ => Order::Newest,
    }
}

fn end(desk: &Desk) -> params::End {
    if desk.switches.on("end_exclusive") { params::End::Excluded } else { params::End::Included }
}

/// What other people do between two calls.
fn churn(desk: &Desk, data: &mut Data, agent: usize, delete_some: fn(&mut Data, usize)) {
    if desk.switches.on("insert_while_paging") {
        let now = data.now();
        data.add_lead(agent, now);
    }
    if desk.switches.on("delete_while_paging") {
        delete_some(data, agent);
    }
}
