//! Deliveries as vendors send them, repeated and out of order, to the binary, which is killed and stopped in between: each event has
//! one effect in the life of a process, and in every life in which it came.
//!
//! `LEADGRAPH_DELIVERIES=10000 cargo test --test it restarts -- --nocapture` for so many events, and how long they took.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use leadgraph::vendors::ALL;
use leadgraph::vendors::simulation::{Simulator, World as Told, WorldSpec};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::effects::{followed_at, next};
use super::*;
use crate::harness::binary::{Gateway, leadgraph};

const LIVES: usize = 3;
/// The most times one event is sent.
const COPIES: usize = 5;
/// Deliveries under way at a time.
const AT_ONCE: usize = 16;

/// An event: of whom, about which lead.
type Named = (&'static str, String);

/// Two vendors with a lead for each event, and the file of a gateway that takes what they tell.
struct Stand {
    vendors: Vec<(&'static str, Simulator)>,
    file: std::path::PathBuf,
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

impl Stand {
    async fn start(leads: usize) -> Self {
        let now = Timestamp::now();
        let spec = WorldSpec { seed: 3, leads, days: 10, agents: 1, ties: 1, now };
        let told = Arc::new(Told::new(spec));
        let mut text = "[server]\nlisten = '127.0.0.1:0'\nwebhooks_per_second = 10000\n[events]\nmax_events = 100000\n\
            max_bytes = 1073741824\nmax_waiting = 10000\n[webhooks]\nqueue = 100000\n[polling]\nevery_secs = 0\n\
            reconcile_secs = 0\n[defaults.upstream]\nquota = 100000\nburst = 100000\nattempt_timeout_ms = 20000\n"
            .to_owned();
        let mut vendors = Vec::new();
        for entry in ALL.iter().filter(|entry| [LEADSAIL, SPELO].contains(&entry.name)) {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let simulator = Simulator::start(entry, Arc::clone(&told), listener).unwrap();
            simulator.switches.set("quota", "off");
            let (name, url) = (entry.name, simulator.base_url(entry));
            write!(
                text,
                "[[sources]]\nname = '{name}'\nvendor = '{name}'\nbase_url = '{url}'\napi_key_env = 'KEY_{}'\n\
                 [sources.settings]\n{}[sources.webhook]\nsecret_env = 'HOOK'\n",
                name.to_uppercase(),
                simulator.vendor.settings()
            )
            .unwrap();
            vendors.push((name, simulator));
        }
        let file = std::env::temp_dir().join(format!("leadgraph-restarts-{}.toml", std::process::id()));
        std::fs::write(&file, text).unwrap();
        Self { vendors, file }
    }

    async fn gateway(&self) -> Gateway {
        let mut command = leadgraph(&["serve", "--log", "json", "--config"]);
        command.arg(&self.file).env("HOOK", SECRETS[0]);
        for (name, simulator) in &self.vendors {
            command.env(format!("KEY_{}", name.to_uppercase()), simulator.vendor.key());
        }
        tokio::task::spawn_blocking(move || Gateway::start(&mut command)).await.unwrap()
    }

    /// As many events as are wanted, each about a lead of its own, and for each vendor one more.
    fn events(&self, count: usize) -> (Vec<Named>, Vec<Named>) {
        let (mut events, mut last) = (Vec::new(), Vec::new());
        for (name, simulator) in &self.vendors {
            let mut leads = simulator.vendor.leads().into_iter().map(|(id, _)| (*name, id));
            last.extend(leads.next());
            events.extend(leads.take(count / self.vendors.len()));
        }
        assert_eq!(events.len(), count);
        (events, last)
    }
}

/// Sends an event until it is acknowledged, as vendors do; tells how long that took at the last try.
async fn deliver(client: &reqwest::Client, address: &str, (vendor, lead): &Named) -> Duration {
    loop {
        let parcel = Parcel::of(vendor, &body(vendor, lead));
        let mut request = client.post(format!("http://{address}/webhooks/{vendor}"));
        for (name, value) in parcel.headers {
            request = request.header(name, value);
        }
        let start = Instant::now();
        let status = request.body(parcel.body).send().await.unwrap().status();
        if status == 202 {
            return start.elapsed();
        }
        assert_eq!(status, 503, "it is taken, or has to come again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn deliver_all(address: &str, deliveries: &[Named]) -> Vec<Duration> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let each = deliveries.iter().map(|event| deliver(&client, address, event));
    futures_util::stream::iter(each).buffer_unordered(AT_ONCE).collect().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_has_one_effect_in_the_life_of_a_process_however_often_it_comes() {
    let count: usize =
        leadgraph::config::variable("LEADGRAPH_DELIVERIES").map_or(300, |count| count.parse().unwrap()) / 2
            * 2;
    let stand = Stand::start(count / 2 + 1).await;
    let (events, last) = stand.events(count);
    let mut dice = fastrand::Rng::with_seed(26);
    let mut deliveries: Vec<Named> =
        events.iter().flat_map(|event| vec![event.clone(); dice.usize(1..=COPIES)]).collect();
    dice.shuffle(&mut deliveries);

    let (mut acks, mut effects) = (Vec::new(), BTreeMap::<Named, usize>::new());
    for (life, share) in deliveries.chunks(deliveries.len().div_ceil(LIVES)).enumerate() {
        let mut gateway = stand.gateway().await;
        let mut told = followed_at(&gateway.address).await;
        acks.extend(deliver_all(&gateway.address, share).await);
        let wanted: BTreeSet<Named> = share.iter().cloned().collect();
        let mut heard = Vec::new();
        let mut hear = async |how_many: usize| {
            while heard.len() < how_many {
                let event = next(&mut told).await;
                assert_eq!(event["type"], "LEAD_UPDATED", "{event}");
                let source = if event["source"]["name"] == SPELO { SPELO } else { LEADSAIL };
                heard.push((source, event["lead"]["vendorId"].as_str().unwrap().to_owned()));
            }
        };
        hear(wanted.len()).await;
        // Once more, now that all is done; what comes after them shows that nothing is to come any more.
        acks.extend(deliver_all(&gateway.address, &share[..share.len() / 4]).await);
        deliver_all(&gateway.address, &last).await;
        hear(wanted.len() + last.len()).await;
        let once: BTreeSet<Named> = heard.iter().cloned().collect();
        assert_eq!(once.len(), heard.len(), "life {life}: something was told twice");
        assert!(wanted.iter().all(|event| once.contains(event)), "life {life}: something was not told");
        wanted.into_iter().for_each(|event| *effects.entry(event).or_default() += 1);
        if life == 0 {
            gateway.child.kill().unwrap();
        } else {
            drop(told);
            assert!(
                std::process::Command::new("kill")
                    .arg(gateway.child.id().to_string())
                    .status()
                    .unwrap()
                    .success()
            );
            assert_eq!(gateway.child.wait().unwrap().code(), Some(0));
        }
    }
    assert_eq!(effects.len(), count, "each event had its effect");
    acks.sort();
    let at = |percent: usize| acks[(acks.len() - 1) * percent / 100];
    println!(
        "{count} events, {} deliveries, {LIVES} lives: {} effects, once in each life; acknowledged in {:?} (half), {:?} (99 %), \
         {:?} (all)",
        acks.len(),
        effects.values().sum::<usize>(),
        at(50),
        at(99),
        at(100)
    );
    assert!(at(100) < Duration::from_secs(5), "vendors wait no longer");
}
