//! A world: vendors that tell it, and a gateway that gathers what they tell.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use leadgraph::app::{App, Parts};
use leadgraph::callers::{Issuer, Known};
use leadgraph::events::PollSettings;
use leadgraph::gather::settings::{CursorKey, Settings};
use leadgraph::model::caller::Visible;
use leadgraph::model::id::SourceId;
use leadgraph::secret::Secret;
use leadgraph::upstream::policy::Policy;
use leadgraph::vendors::simulation::{LedgerEntry, Rule, Simulator, World as Told, WorldSpec};
use leadgraph::vendors::{ALL, Account, Entry, Setup, WebhookSetup};
use leadgraph::{callers, events, graphql, http};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Answer, Query};

pub(crate) const CHATZURI: &str = "chatzuri";
pub(crate) const LEADSAIL: &str = "leadsail";
pub(crate) const SPELO: &str = "spelo";

/// What a world is made from.
#[derive(Clone)]
pub(crate) struct Plan {
    spec: WorldSpec,
    vendors: Vec<&'static str>,
    settings: Settings,
    callers: callers::Settings,
    policy: fn(&mut Policy),
    /// How the gateway is served.
    pub(crate) http: http::Settings,
    /// What an operation may cost.
    pub(crate) graphql: graphql::Settings,
    /// Settings of single vendors, each of them a text.
    words: Vec<(&'static str, &'static str, &'static str)>,
    events: events::Settings,
    /// Vendors whose accounts take webhooks, with what is set about them.
    webhooks: BTreeMap<&'static str, String>,
}

/// The secrets of all webhooks: the current one, and the one that will take its place.
pub(crate) const SECRETS: [&str; 2] = ["whsec_of_these_tests", "whsec_of_tomorrow"];

impl Plan {
    /// Leads per account over so many days; ends yesterday evening, so that the hour of the day changes nothing.
    pub(crate) fn new(leads: usize, days: u32) -> Self {
        let today = Timestamp::now().as_second().div_euclid(86_400) * 86_400;
        let now = Timestamp::from_second(today).unwrap() - SignedDuration::from_hours(6);
        let long = Duration::from_secs(600);
        let settings = Settings {
            list_ttl: long,
            lead_ttl: long,
            conversation_ttl: long,
            interaction_ttl: long,
            absent_ttl: long,
            source_timeout: Duration::from_secs(40),
            straggler_timeout: Duration::from_secs(40),
            cursor_keys: vec![CursorKey([7; 32])],
            writable: Visible::All,
            links_per_second: 10_000,
            ..Settings::default()
        };
        let spec = WorldSpec { seed: 11, leads, days, agents: 1, ties: 1, now };
        // The limits have tests of their own; elsewhere what an operation really costs is counted.
        let graphql = graphql::Settings {
            max_upstream_calls: 10_000,
            max_nodes: 1_000_000,
            ..graphql::Settings::default()
        };
        let http = http::Settings {
            // A slow machine is to refuse nothing here.
            max_requests: 10_000,
            max_wait: Duration::from_secs(60),
            request_timeout: Duration::from_secs(50),
            webhooks_per_second: 10_000,
            ..http::Settings::default()
        };
        let callers = callers::Settings::default();
        let every = Duration::ZERO;
        Self {
            spec,
            vendors: vec![CHATZURI, LEADSAIL, SPELO],
            settings,
            callers,
            policy: |_| {},
            http,
            graphql,
            words: Vec::new(),
            // Calls are counted, so nobody makes any that was not asked for.
            events: events::Settings { poll: PollSettings { every, reconcile: every }, ..Default::default() },
            webhooks: BTreeMap::new(),
        }
    }

    pub(crate) fn seed(mut self, seed: u64) -> Self {
        self.spec.seed = seed;
        self
    }

    pub(crate) fn ties(mut self, ties: usize) -> Self {
        self.spec.ties = ties;
        self
    }

    pub(crate) fn agents(mut self, agents: usize) -> Self {
        self.spec.agents = agents;
        self
    }

    pub(crate) fn only(mut self, vendors: &[&'static str]) -> Self {
        self.vendors = vendors.to_vec();
        self
    }

    pub(crate) fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Gives a vendor's accounts a setting of the vendor's own.
    pub(crate) fn word(mut self, vendor: &'static str, key: &'static str, value: &'static str) -> Self {
        self.words.push((vendor, key, value));
        self
    }

    /// Lists are read anew each time.
    pub(crate) fn forgetful(self) -> Self {
        self.settings(|settings| {
            (settings.list_ttl, settings.past_list_ttl) =
                (Duration::from_millis(1), Duration::from_millis(1));
            settings.stale_while_revalidate = Duration::ZERO;
            settings.list_stale_if_error = Duration::ZERO;
        })
    }

    /// Lets in these callers alone.
    pub(crate) fn callers(mut self, known: Vec<Known>) -> Self {
        self.callers.known = known;
        self
    }

    /// Takes tokens of these issuers.
    pub(crate) fn issuers(mut self, issuers: Vec<Issuer>) -> Self {
        self.callers.issuers = issuers;
        self
    }

    /// Changes how accounts are treated, beyond giving them room in plenty.
    pub(crate) fn policy(mut self, change: fn(&mut Policy)) -> Self {
        self.policy = change;
        self
    }

    /// Changes how events are kept, and how they come in.
    pub(crate) fn events(mut self, change: impl FnOnce(&mut events::Settings)) -> Self {
        change(&mut self.events);
        self
    }

    /// The vendor's account takes webhooks, with these settings of the vendor's.
    pub(crate) fn webhook(mut self, vendor: &'static str, settings: &str) -> Self {
        self.webhooks.insert(vendor, settings.to_owned());
        self
    }

    /// The world ends at this moment.
    pub(crate) fn until(mut self, now: Timestamp) -> Self {
        self.spec.now = now;
        self
    }

    pub(crate) async fn start(self) -> World {
        let told = Arc::new(Told::new(self.spec.clone()));
        let mut vendors = BTreeMap::new();
        for entry in ALL.iter().filter(|entry| self.vendors.contains(&entry.name)) {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let simulator = Simulator::start(entry, Arc::clone(&told), listener).unwrap();
            simulator.switches.set("quota", "off");
            vendors.insert(entry.name, (*entry, simulator));
        }
        // Lets go of idle connections before the gateway does.
        let idle = Duration::from_secs(4);
        let client = reqwest::Client::builder().no_proxy().pool_idle_timeout(idle).build().unwrap();
        let mut world = World { plan: self, vendors, client, gateways: Vec::new() };
        world.gateway().await;
        world
    }
}

/// Simulated vendors and a gateway over them. All of it ends when it is dropped.
pub(crate) struct World {
    plan: Plan,
    vendors: BTreeMap<&'static str, (&'static Entry, Simulator)>,
    client: reqwest::Client,
    gateways: Vec<(SocketAddr, JoinHandle<()>)>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.gateways.iter().for_each(|(_, task)| task.abort());
    }
}

impl World {
    /// A world whose vendors and settings are the usual ones.
    pub(crate) async fn of(leads: usize, days: u32) -> Self {
        Plan::new(leads, days).start().await
    }

    /// Starts another gateway in place of the one before, which remembers nothing; cursors of the one before are good for it.
    pub(crate) async fn gateway(&mut self) {
        let accounts = self.vendors.values().map(|(entry, simulator)| self.account(entry, simulator));
        let parts = Parts {
            http: self.plan.http.clone(),
            gather: self.plan.settings.clone(),
            events: self.plan.events,
            graphql: self.plan.graphql.clone(),
            callers: self.plan.callers.clone(),
            accounts: accounts.collect(),
        };
        let app = App::start(parts).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(app.serve(listener, std::future::pending()));
        self.gateways.push((address, task));
    }

    /// From the next gateway on accounts are treated so.
    pub(crate) fn policy(&mut self, change: fn(&mut Policy)) {
        self.plan.policy = change;
    }

    /// Puts the gateway aside and starts another one in its place.
    pub(crate) async fn put_aside(&mut self) -> usize {
        self.gateway().await;
        self.gateways.len() - 2
    }

    /// Asks the gateway that was put aside from now on.
    pub(crate) fn take_back(&mut self, aside: usize) {
        let last = self.gateways.len() - 1;
        self.gateways.swap(aside, last);
    }

    fn account(&self, entry: &Entry, simulator: &Simulator) -> Account {
        let mut policy = (entry.policy)();
        (policy.quota, policy.burst) = (100_000, 100_000);
        policy.attempt_timeout = Duration::from_secs(20);
        (self.plan.policy)(&mut policy);
        let own = self.plan.words.iter().filter(|(vendor, ..)| *vendor == entry.name);
        let mut settings = simulator.vendor.settings();
        settings.extend(own.map(|(_, key, value)| ((*key).to_owned(), toml::Value::from(*value))));
        let setup = Setup {
            name: SourceId::new(entry.name).unwrap(),
            base_url: simulator.base_url(entry).parse().unwrap(),
            key: Secret::new(simulator.vendor.key()),
            policy,
            settings,
            webhook: self.plan.webhooks.get(entry.name).map(|settings| WebhookSetup {
                secrets: SECRETS.map(Secret::new).into(),
                settings: settings.parse().unwrap(),
            }),
        };
        let opened = (entry.open)(setup);
        opened.map_err(|problems| format!("{problems:?}")).unwrap()
    }

    /// Asks the gateway.
    pub(crate) async fn ask(&self, query: impl Into<Query>) -> Answer {
        let response = self.request(query).send().await.unwrap();
        assert_eq!(response.status(), 200);
        Answer(response.json().await.unwrap())
    }

    /// Where a source's webhook lives.
    pub(crate) fn postbox(&self, source: &str) -> String {
        let (address, _) = self.gateways.last().unwrap();
        format!("http://{address}/webhooks/{source}")
    }

    /// Has a vendor send webhooks to the gateway; answers how each was received. `order` goes over the usual one.
    pub(crate) async fn tell(&self, vendor: &str, event: &str, order: Value) -> Vec<u16> {
        let mut all = serde_json::json!({"url": self.postbox(vendor), "secret": SECRETS[0], "event": event});
        all.as_object_mut().unwrap().extend(order.as_object().unwrap().clone());
        let desk = format!("http://{}/_sim/webhooks", self.vendor(vendor).address);
        let response = self.client.post(desk).json(&all).send().await.unwrap();
        assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
        let outcomes: Value = response.json().await.unwrap();
        elements(&outcomes).iter().map(|one| one["status"].as_u64().unwrap().try_into().unwrap()).collect()
    }

    /// A request that is not sent yet.
    pub(crate) fn request(&self, query: impl Into<Query>) -> reqwest::RequestBuilder {
        self.post(&query.into().body())
    }

    /// A request of any body, not sent yet.
    pub(crate) fn post(&self, body: &Value) -> reqwest::RequestBuilder {
        self.client.post(self.url()).json(body)
    }

    /// A request by GET, not sent yet.
    pub(crate) fn get(&self, parameters: &[(&str, &str)]) -> reqwest::RequestBuilder {
        self.client.get(self.url()).query(parameters)
    }

    fn url(&self) -> String {
        format!("http://{}/graphql", self.address())
    }

    /// Where the gateway listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.gateways.last().unwrap().0
    }

    pub(crate) fn vendor(&self, name: &str) -> &Simulator {
        &self.vendors[name].1
    }

    pub(crate) fn switch(&self, vendor: &str, name: &str, value: &str) {
        let simulator = self.vendor(vendor);
        assert!(simulator.vendor.switches().iter().any(|(known, _)| *known == name), "{name}");
        simulator.switches.set(name, value);
    }

    /// What goes wrong at a vendor from now on; nothing, where there are no rules.
    pub(crate) fn fault(&self, vendor: &str, rules: impl IntoIterator<Item = Rule>) {
        self.vendor(vendor).faults.set(rules);
    }

    /// What a vendor itself answers at a path, past the gateway; the call stands in its ledger like any other.
    pub(crate) async fn told(&self, vendor: &str, path: &str) -> Value {
        let (entry, simulator) = &self.vendors[vendor];
        let (url, key) = (format!("{}/{path}", simulator.base_url(entry)), simulator.vendor.key());
        let request = self.client.get(url).bearer_auth(&key).header("x-api-key", &key);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The id of a source's newest lead, as the gateway gives it.
    pub(crate) async fn newest(&self, vendor: &str) -> String {
        let query = "query($of: [Vendor!]) { leads(first: 1, filter: {vendors: $of}) { nodes { id } } }";
        let answer = self.ask(Query::new(query).with("of", vec![vendor.to_uppercase()])).await;
        answer.data()["leads"]["nodes"][0]["id"].as_str().unwrap().to_owned()
    }

    /// How often a vendor was sent a write.
    pub(crate) fn writes(&self, vendor: &str) -> usize {
        self.ledger(vendor).iter().filter(|entry| entry.method != "GET").count()
    }

    /// How often each vendor has been called.
    pub(crate) fn calls(&self) -> Calls {
        let count = |name| self.vendors.get(name).map_or(0, |(_, simulator)| simulator.ledger.count());
        Calls { chatzuri: count(CHATZURI), leadsail: count(LEADSAIL), spelo: count(SPELO) }
    }

    /// Asks, and tells what that cost.
    pub(crate) async fn cost(&self, query: impl Into<Query>) -> (Answer, Calls) {
        let before = self.calls();
        let answer = self.ask(query).await;
        (answer, self.calls() - before)
    }

    /// All a vendor was asked.
    pub(crate) fn ledger(&self, vendor: &str) -> Vec<LedgerEntry> {
        self.vendor(vendor).ledger.entries()
    }

    /// All leads there are (of the first agent of each account), as (source, vendor's id), newest first.
    pub(crate) fn leads(&self) -> Vec<(String, String)> {
        let leads = self.vendors.iter().flat_map(|(name, (_, simulator))| {
            let source = if *name == CHATZURI { "chatzuri/agt_1" } else { name };
            let leads = simulator.vendor.leads().into_iter();
            leads.map(move |(id, at)| (std::cmp::Reverse(at), source.to_owned(), id))
        });
        let mut leads: Vec<_> = leads.collect();
        leads.sort();
        leads.into_iter().map(|(_, source, id)| (source, id)).collect()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.plan.spec.now
    }
}

/// Calls of each vendor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) chatzuri: usize,
    pub(crate) leadsail: usize,
    pub(crate) spelo: usize,
}

impl Calls {
    pub(crate) fn all(self) -> usize {
        self.chatzuri + self.leadsail + self.spelo
    }
}

impl std::ops::Sub for Calls {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            chatzuri: self.chatzuri - before.chatzuri,
            leadsail: self.leadsail - before.leadsail,
            spelo: self.spelo - before.spelo,
        }
    }
}

/// A JSON list's elements.
pub(crate) fn elements(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
