//! LeadSail's simulator: a tenant whose leads come from the shared world, told in LeadSail's words.
//!
//! Leads hold little more than their number in the world; what a call shows of them is made from dice when it is asked for.
//! So a tenant of thousands is made in milliseconds and the same seed shows the same tenant.

mod answers;
mod buyers;
mod interactions;
mod leads;
mod list;
mod webhooks;
mod writes;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::model::id::Vendor;
use crate::vendors::simulation::world::World;
use crate::vendors::simulation::{Delivery, Simulated, Stage, Switches, WebhookOrder};

/// The matter under which this vendor's leads stand in the world.
const LEADS: &str = "leads";

/// What stands where no client may ever see it: the value of a header of a campaign's webhooks (LEADSAIL-20).
pub(super) const CANARY: &str = "canary-credential-of-another-system";

/// One tenant.
#[derive(Clone)]
pub(super) struct Tenant(Arc<Inner>);

struct Inner {
    world: Arc<World>,
    switches: Switches,
    started: Instant,
    shelf: Mutex<Shelf>,
}

/// What changes.
#[derive(Default)]
struct Shelf {
    /// Newest first.
    leads: Vec<Row>,
    /// The number that the next lead gets.
    next: usize,
    /// How often each interaction has been read.
    reads: HashMap<String, u32>,
}

/// One lead.
#[derive(Clone)]
struct Row {
    id: String,
    /// Its number in the world; its dice.
    number: usize,
    created: Timestamp,
    /// What has been written over it.
    written: Map<String, Value>,
    /// What had been before the last time, and when that was.
    before: Option<(Instant, Map<String, Value>)>,
}

impl Row {
    /// The row as reads show it that lag behind.
    fn lagging(mut self, lag: Duration) -> Self {
        if let Some((made, before)) = self.before.take_if(|(made, _)| made.elapsed() < lag) {
            let _ = made;
            self.written = before;
        }
        self
    }
}

impl Tenant {
    /// A tenant of the stage's world.
    pub(super) fn new(stage: Stage) -> Self {
        let world = stage.world;
        let leads: Vec<Row> = (0..world.spec().leads)
            .map(|number| row(&world, number, world.moment(Vendor::LeadSail, LEADS, number)))
            .collect();
        let shelf = Shelf { next: leads.len(), leads, reads: HashMap::new() };
        let inner =
            Inner { world, switches: stage.switches, started: Instant::now(), shelf: Mutex::new(shelf) };
        Self(Arc::new(inner))
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn world(&self) -> &World {
        &self.0.world
    }

    fn switches(&self) -> &Switches {
        &self.0.switches
    }

    fn dice(&self, matter: &str, number: usize) -> fastrand::Rng {
        self.world().dice(Vendor::LeadSail, matter, number)
    }

    /// The vendor's clock: the world's newest moment, going on since the start.
    fn clock(&self) -> Timestamp {
        let gone = i64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(0);
        let now = self.world().spec().now.as_millisecond().saturating_add(gone);
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::MAX)
    }

    fn find(&self, id: &str) -> Option<Row> {
        let row = self.shelf().leads.iter().find(|row| row.id == id).cloned();
        row.map(|row| row.lagging(self.lag()))
    }

    /// For how long reads do not yet show a change.
    fn lag(&self) -> Duration {
        let lag = self.switches().get("stale_reads").and_then(|value| value.parse().ok());
        Duration::from_millis(lag.unwrap_or(0))
    }

    fn accepted_key(&self) -> String {
        let mut dice = self.dice("key", 0);
        format!("vf_{}", word(&mut dice, 32))
    }
}

fn row(world: &World, number: usize, created: Timestamp) -> Row {
    let mut dice = world.dice(Vendor::LeadSail, "id", number);
    let created = Timestamp::from_millisecond(created.as_millisecond()).unwrap_or(created);
    Row { id: format!("lead_{}", word(&mut dice, 10)), number, created, written: Map::new(), before: None }
}

/// Lower-case letters and digits, at most twelve to a roll: thousands of ids are made at the start.
fn word(dice: &mut fastrand::Rng, length: usize) -> String {
    const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut word = String::with_capacity(length);
    while word.len() < length {
        let mut roll = dice.u64(..);
        for _ in 0..12.min(length - word.len()) {
            word.push(char::from(LETTERS[(roll % 36) as usize]));
            roll /= 36;
        }
    }
    word
}

/// A moment as LeadSail writes it.
fn written(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// A moment some milliseconds later.
fn later(at: Timestamp, milliseconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_millis(milliseconds)).unwrap_or(at)
}

async fn keyed(State(tenant): State<Tenant>, request: Request, next: Next) -> Response {
    let key = request.headers().get("x-api-key").map(axum::http::HeaderValue::as_bytes);
    if key == Some(tenant.accepted_key().as_bytes()) {
        next.run(request).await
    } else {
        answers::unauthorized()
    }
}

impl Simulated for Tenant {
    fn router(&self) -> Router {
        let api = Router::new()
            .route("/leads", get(list::page))
            .route("/leads/{id}", get(leads::one).patch(writes::update))
            .route("/leads/{id}/approve", post(writes::approve))
            .route("/interactions/lead/{id}", get(interactions::of_lead))
            .route("/interactions/{id}", get(interactions::one))
            .route("/campaigns", get(buyers::campaigns))
            .route("/clients", get(buyers::clients))
            .route("/clients/{id}", get(buyers::client))
            .fallback(|| async { answers::not_found() })
            .layer(from_fn_with_state(self.clone(), keyed))
            .with_state(self.clone());
        Router::new().nest("/api/v1", api)
    }

    fn key(&self) -> String {
        self.accepted_key()
    }

    fn settings(&self) -> toml::Table {
        toml::Table::new()
    }

    fn leads(&self) -> Vec<(String, Timestamp)> {
        self.shelf().leads.iter().map(|row| (row.id.clone(), row.created)).collect()
    }

    fn add_lead(&self, at: Timestamp) -> String {
        let mut shelf = self.shelf();
        let mut row = row(self.world(), shelf.next, at);
        shelf.next += 1;
        row.written.insert("status".to_owned(), Value::from("new"));
        let id = row.id.clone();
        let place = shelf.leads.partition_point(|other| other.created > row.created);
        shelf.leads.insert(place, row);
        id
    }

    fn delete_lead(&self, id: &str) -> bool {
        let mut shelf = self.shelf();
        let before = shelf.leads.len();
        shelf.leads.retain(|row| row.id != id);
        shelf.leads.len() < before
    }

    fn switches(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("sparse", "list items hold nothing but their id"),
            ("ids_and_times", "list items hold their id and their times"),
            ("no_created_at", "list items have no createdAt"),
            ("success_false", "lists answer 200 with success:false; the value is the error code"),
            ("order", "asc or random instead of newest first"),
            ("stale_reads", "milliseconds: for so long after a change, reads show what was before it"),
            ("page_cap", "the most rows of a list page, whatever is asked for"),
            ("bad_rows", "so many rows that cannot be read stand on each list page, beside its leads"),
            ("email_search_exact", "search finds whole e-mail addresses only"),
            ("submitted_dates", "startDate and endDate go by latestSubmittedAt"),
            ("empty_has_more", "the list ends in an empty page that says there is more"),
            ("no_next_cursor", "lists never say nextCursor"),
            ("leaky", "leads show their campaign's webhooks, headers and all"),
        ]
    }

    fn webhook_event(&self) -> &'static str {
        "lead.queued"
    }
    fn webhook(&self, order: &WebhookOrder) -> Result<Vec<Delivery>, String> {
        webhooks::deliveries(self, order)
    }
}
