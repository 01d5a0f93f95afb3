//! The simulated vendors as a product: something to try, and something for frontends and CI to build against.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use url::Url;

use super::{App, Parts, listen};
use crate::callers;
use crate::events;
use crate::gather::settings::Settings;
use crate::graphql;
use crate::http;
use crate::model::caller::Visible;
use crate::model::id::SourceId;
use crate::secret::Secret;
use crate::vendors::simulation::{Simulator, World, WorldSpec};
use crate::vendors::{self, Account, Setup, WebhookSetup};

/// Where the configuration for simulated vendors looks for what they sign their webhooks with.
const WEBHOOK_VARIABLE: &str = "SIMULATED_WEBHOOK_SECRET";
/// What simulated vendors sign their webhooks with. It protects nothing: they listen on loopback only.
pub const WEBHOOK_SECRET: &str = "whsec_of_the_simulated_vendors";

/// All vendors, simulated, telling one world. Stop when dropped.
#[expect(missing_debug_implementations, reason = "holds trait objects")]
pub struct Stand {
    simulators: Vec<(&'static vendors::Entry, Simulator)>,
}

impl Stand {
    /// Starts one simulator for each vendor, on ports of `base` and those after it; on any free ports if that is 0.
    ///
    /// # Errors
    /// If a port cannot be had, or `base` is not loopback.
    pub async fn start(base: SocketAddr) -> io::Result<Self> {
        Self::start_at(base, None, None).await
    }

    /// As [`Stand::start`], with a world of this seed (7 if nothing is said) whose newest moment is `now` (the real one if
    /// nothing is said). The same two make the same world.
    ///
    /// # Errors
    /// As [`Stand::start`].
    pub async fn start_at(base: SocketAddr, seed: Option<u64>, now: Option<Timestamp>) -> io::Result<Self> {
        if !base.ip().is_loopback() {
            let what = format!("simulated vendors listen on loopback only, not on {base}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let mut spec = WorldSpec::demo(now.unwrap_or_else(Timestamp::now));
        spec.seed = seed.unwrap_or(spec.seed);
        let world = Arc::new(World::new(spec));
        let mut simulators = Vec::new();
        for (entry, step) in vendors::ALL.iter().zip(0_u16..) {
            let mut address = base;
            if base.port() != 0 {
                let port = base.port().checked_add(step).ok_or(io::ErrorKind::InvalidInput)?;
                address.set_port(port);
            }
            let listener = listen(address).await?;
            simulators.push((*entry, Simulator::start(entry, Arc::clone(&world), listener)?));
        }
        Ok(Self { simulators })
    }

    /// Opens one account at each simulated vendor, named like the vendor.
    ///
    /// # Errors
    /// If a vendor does not take its own simulator's settings, which is a bug.
    pub fn accounts(&self) -> io::Result<Vec<Account>> {
        self.simulators.iter().map(|(entry, simulator)| account(entry, simulator)).collect()
    }

    /// A gateway over them, with every default but one: leads may be changed.
    ///
    /// # Errors
    /// As [`Stand::accounts`].
    pub async fn gateway(&self) -> io::Result<App> {
        let parts = Parts {
            // It may be on a machine with a browser, and knows no callers.
            http: http::Settings { hosts: Some(Vec::new()), ..http::Settings::default() },
            graphql: graphql::Settings::default(),
            events: events::Settings::default(),
            gather: Settings { writable: Visible::All, ..Settings::default() },
            callers: callers::Settings::default(),
            accounts: self.accounts()?,
        };
        Ok(App::start(parts).await)
    }

    /// Each vendor's name, where its simulator listens, and its word for what it tells of a lead first.
    pub fn tellers(&self) -> impl Iterator<Item = (&'static str, SocketAddr, &'static str)> {
        let all = self.simulators.iter();
        all.map(|(entry, simulator)| (entry.name, simulator.address, simulator.vendor.webhook_event()))
    }

    /// Each vendor's name and where its simulator listens.
    pub fn addresses(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        self.simulators.iter().map(|(entry, simulator)| (entry.name, simulator.address))
    }

    /// Accounts at them as a configuration file would have them, and the variables that must be set.
    #[must_use]
    pub fn snippet(&self) -> (String, Vec<(String, String)>) {
        let mut text = String::new();
        let mut variables = Vec::new();
        for (entry, simulator) in &self.simulators {
            let variable = format!("SIMULATED_{}_KEY", entry.name.to_uppercase());
            text.push_str(&format!(
                "[[sources]]\nname = \"{0}\"\nvendor = \"{0}\"\nbase_url = \"{1}\"\napi_key_env = \"{variable}\"\nwrites = true\n",
                entry.name,
                simulator.base_url(entry),
            ));
            let settings = simulator.vendor.settings();
            if !settings.is_empty() {
                text.push_str(&format!("[sources.settings]\n{settings}"));
            }
            let webhook = simulator.vendor.webhook_settings();
            text.push_str(&format!("[sources.webhook]\nsecret_env = \"{WEBHOOK_VARIABLE}\"\n{webhook}\n"));
            variables.push((variable, simulator.vendor.key()));
        }
        variables.push((WEBHOOK_VARIABLE.to_owned(), WEBHOOK_SECRET.to_owned()));
        (text, variables)
    }
}

fn account(entry: &vendors::Entry, simulator: &Simulator) -> io::Result<Account> {
    let bug = |what: String| io::Error::other(format!("the simulated account at {}: {what}", entry.name));
    let mut policy = (entry.policy)();
    // What is shown is how the gateway answers, not the pace it keeps so as to spare a vendor; the quota still holds.
    policy.burst = policy.quota;
    let setup = Setup {
        name: SourceId::new(entry.name).ok_or_else(|| bug("its name".to_owned()))?,
        base_url: Url::parse(&simulator.base_url(entry)).map_err(|error| bug(error.to_string()))?,
        key: Secret::new(simulator.vendor.key()),
        policy,
        settings: simulator.vendor.settings(),
        webhook: Some(WebhookSetup {
            secrets: vec![Secret::new(WEBHOOK_SECRET)],
            settings: simulator.vendor.webhook_settings(),
        }),
    };
    (entry.open)(setup).map_err(|problems| {
        bug(problems.into_iter().map(|problem| problem.what).collect::<Vec<_>>().join("; "))
    })
}
