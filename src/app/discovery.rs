//! Finding the sources of accounts that do not name them all: at the start, and again from time to time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use super::circumstances;
use crate::source::{DynDiscovery, Source};
use crate::vendors::Account;

/// How long the start waits for the first attempts.
const START: Duration = Duration::from_millis(500);
/// Between attempts until the first success.
const UNTIL_FOUND: Duration = Duration::from_secs(30);
/// Between attempts from then on.
const AFTERWARDS: Duration = Duration::from_secs(600);

/// What stands for a request's id.
const OWN: &str = "discovery";

/// Takes all sources there are now.
pub(super) type Publish = Arc<dyn Fn(Vec<Arc<dyn Source>>) + Send + Sync>;

/// All accounts, with their sources as they are known now.
pub(super) type Known = Arc<Mutex<Vec<Found>>>;

/// An account, and whether its sources have been looked up.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) account: Account,
    pub(super) looked_up: bool,
}

/// Starts to look, and waits a moment for the first answers. What goes on afterwards ends with the returned set. Accounts whose
/// sources have been looked up are looked up again when it is time, not now.
pub(super) async fn run(known: &Known, publish: Publish) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let accounts = known.lock().await.clone();
    // Each task holds a sender until its first attempt is over: the channel closes when all are.
    let (attempting, mut attempted) = mpsc::channel::<()>(1);
    for (place, Found { account, looked_up }) in accounts.into_iter().enumerate() {
        let Some(discovery) = account.discovery else { continue };
        let (known, publish) = (Arc::clone(known), Arc::clone(&publish));
        let attempting = (!looked_up).then(|| attempting.clone());
        let looking = look(place, discovery, known, publish, attempting);
        tasks.spawn(looking.instrument(tracing::error_span!("request", request_id = OWN)));
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
    mut attempting: Option<mpsc::Sender<()>>,
) {
    let mut pause = UNTIL_FOUND;
    if attempting.is_none() {
        sleep(AFTERWARDS).await;
    }
    loop {
        match discovery.discover_dyn(&circumstances::needed(OWN)).await {
            Ok(found) => {
                pause = AFTERWARDS;
                let mut known = known.lock().await;
                if let Some(known) = known.get_mut(place) {
                    known.account.sources = found;
                    known.looked_up = true;
                }
                publish(known.iter().flat_map(|known| known.account.sources.iter().cloned()).collect());
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
