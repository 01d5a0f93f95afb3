//! A simulated Spelo: one site over real HTTP.
//!
//! `story.rs` tells what its leads and conversations are, `site.rs` keeps them and pages over them, `endpoints.rs` speaks
//! HTTP, `quota.rs` counts calls, `webhooks.rs` tells what has happened. Faults and the ledger of calls are added around it by `vendors::simulation`.

mod endpoints;
mod quota;
mod site;
mod story;
mod webhooks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use self::quota::Window;
use self::site::Site;
use self::story::Teller;
use crate::model::id::Vendor;
use crate::vendors::simulation::{Delivery, Simulated, Stage, Switches, WebhookOrder};

const SWITCHES: &[(&str, &str)] = &[
    ("forbidden", "any value: an id of another site is answered with 403 instead of 404"),
    ("list_transcripts", "full, missing, or truncated (the default): transcripts of list items"),
    ("quota", "calls to a minute, or off; 60 if nothing is said"),
    ("order", "asc or random: lists are not newest first"),
    ("page_cap", "a number: the most rows to a page, whatever is asked for"),
    ("stale_reads", "milliseconds: for so long after a change, reads show what was before it"),
    ("update", "what a change is answered with: bare, the lead without an envelope; empty, nothing"),
    ("bad_rows", "a number: rows without an id that are added to each page"),
    (
        "cursor",
        "missing: has_more without next_cursor; stuck: every page gives back the cursor that was asked for",
    ),
];

/// Makes the simulator.
pub(super) fn simulate(stage: Stage) -> Arc<dyn Simulated> {
    Arc::new(Spelo(Arc::new(Shared::new(stage))))
}

struct Spelo(Arc<Shared>);

/// What all handlers share.
struct Shared {
    key: String,
    switches: Switches,
    start: (Timestamp, Instant),
    state: Mutex<State>,
}

struct State {
    site: Site,
    window: Window,
    /// Signed links: their token, what they open, until when.
    links: Vec<(String, String, Instant)>,
    dice: fastrand::Rng,
}

impl Shared {
    fn new(stage: Stage) -> Self {
        let mut dice = stage.world.dice(Vendor::Spelo, "key", 0);
        let bytes: [u8; 32] = std::array::from_fn(|_| dice.u8(..));
        Self {
            key: format!("sk_live_{}", URL_SAFE_NO_PAD.encode(bytes)),
            start: (stage.world.spec().now, Instant::now()),
            switches: stage.switches,
            state: Mutex::new(State {
                site: Site::new(Teller::new(stage.world)),
                window: Window::default(),
                links: Vec::new(),
                dice,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.site.lag = Duration::from_millis(self.number("stale_reads").unwrap_or(0) as u64);
        state
    }

    /// The vendor's clock: it stood at the world's `now` at the start and goes on since.
    fn now(&self) -> Timestamp {
        let (wall, monotonic) = self.start;
        let elapsed = SignedDuration::try_from(monotonic.elapsed()).unwrap_or_default();
        let now = wall.checked_add(elapsed).unwrap_or(wall);
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    fn number(&self, switch: &str) -> Option<usize> {
        self.switches.get(switch)?.parse().ok()
    }
}

impl Simulated for Spelo {
    fn router(&self) -> axum::Router {
        endpoints::router(Arc::clone(&self.0))
    }
    fn key(&self) -> String {
        self.0.key.clone()
    }
    fn settings(&self) -> toml::Table {
        toml::Table::new()
    }
    fn leads(&self) -> Vec<(String, Timestamp)> {
        self.0.state().site.leads()
    }
    fn add_lead(&self, at: Timestamp) -> String {
        self.0.state().site.add_lead(at)
    }
    fn delete_lead(&self, id: &str) -> bool {
        self.0.state().site.delete_lead(id)
    }
    fn switches(&self) -> &'static [(&'static str, &'static str)] {
        SWITCHES
    }
    fn webhook_event(&self) -> &'static str {
        "lead.captured"
    }
    fn webhook(&self, order: &WebhookOrder) -> Result<Vec<Delivery>, String> {
        webhooks::deliveries(&mut self.0.state(), order)
    }
}
