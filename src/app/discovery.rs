//! Finding the sources of accounts that do not name them all: at the start, and again from time to time.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::model::caller::Caller;
use crate::model::cx::{Cx, Meter};
use crate::source::{DynDiscovery, Source};
use crate::vendors::Account;

/// How long the start waits for the first attempts.
const START: Duration = Duration::from_millis(500);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// Between attempts until the first success.
const UNTIL_FOUND: Duration = Duration::from_secs(30);
/// Between attempts from then on.
const AFTERWARDS: Duration = Duration::from_secs(600);

/// Takes all sources there are now.
pub(super) type Publish = Arc<dyn Fn(Vec<Arc<dyn Source>>) + Send + Sync>;

/// The sources of each account as they are known now.
type Known = Arc<Mutex<Vec<Vec<Arc<dyn Source>>>>>;

/// Starts to look, and waits a moment for the first answers. What goes on afterwards ends with the returned set.
pub(super) async fn run(accounts: Vec<Account>, publish: Publish) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let known: Known = Arc::new(Mutex::new(accounts.iter().map(|account| account.sources.clone()).collect()));
    // Each task holds a sender until its first attempt is over: the channel closes when all are.
    let (attempting, mut attempted) = mpsc::channel::<()>(1);
    for (place, account) in accounts.into_iter().enumerate() {
        let Some(discovery) = account.discovery else { continue };
        tasks.spawn(look(place, discovery, Arc::clone(&known), Arc::clone(&publish), attempting.clone()));
    }
    drop(attempting);
    let _ = timeout(START, attempted.recv()).await;
    tasks
}

async fn look(
    place: usize,
    discovery: Arc<dyn DynDiscovery>,
    known: Known,
    publish: Publish,
    attempting: mpsc::Sender<()>,
) {
    let mut attempting = Some(attempting);
    let mut pause = UNTIL_FOUND;
    loop {
        match discovery.discover_dyn(&circumstances()).await {
            Ok(found) => {
                pause = AFTERWARDS;
                let mut known = known.lock().await;
                known[place] = found;
                publish(known.concat());
            }
            // What was found before stays: a vendor that cannot tell just now has not lost its sources.
            Err(error) => {
                tracing::warn!(source = %error.source, error = ?error.kind, "sources could not be looked up");
            }
        }
        drop(attempting.take());
        sleep(pause).await;
    }
}

/// Nobody asked for this one: the gateway did.
fn circumstances() -> Cx {
    Cx {
        deadline: Instant::now() + ATTEMPT,
        now: Timestamp::now(),
        request_id: Arc::from("discovery"),
        caller: Caller::gateway(),
        meter: Meter::default(),
        background: false,
    }
}
