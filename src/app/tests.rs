use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::live::sources;
use super::*;
use crate::gather::Gather;
use crate::gather::prices::{self, History, Lookup};
use crate::gather::request::SourceFilter;
use crate::model::caller::Caller;
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{SourceId, Vendor};
use crate::model::source::{Health, Quota, SourceState};
use crate::source::{Discovery, DynDiscovery, Source};

const EXAMPLE: &str = include_str!("../../examples/gateway.toml");

/// A variable for each that the example names.
fn variables(name: &str) -> Option<String> {
    match name {
        "LEADGRAPH_CURSOR_KEY" => Some("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".to_owned()),
        "ACME_SPELO_KEY" => Some("spk_live_0123456789abcdef".to_owned()),
        "ACME_CHATZURI_KEY" => Some("0123456789abcdef".to_owned()),
        "ACME_LEADSAIL_KEY" => Some("ls_0123456789abcdef".to_owned()),
        "ACME_SPELO_WEBHOOK_SECRET" | "ACME_CHATZURI_WEBHOOK_SECRET" | "ACME_LEADSAIL_WEBHOOK_SECRET" => {
            Some("whsec_0123456789abcdef".to_owned())
        }
        _ => None,
    }
}

#[test]
fn example_configuration_is_right_and_says_the_defaults() {
    let read = parse("examples/gateway.toml", EXAMPLE, &variables);
    let (config, parts) = read.unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(config.listen, config::LISTEN);
    // It knows no callers, so names are not taken on trust.
    assert_eq!(parts.http, http::Settings { hosts: Some(Vec::new()), ..http::Settings::default() });
    assert_eq!(parts.graphql, graphql::Settings::default());
    assert_eq!(parts.events, events::Settings::default());
    let cursor_keys = parts.gather.cursor_keys.clone();
    assert_eq!(cursor_keys.len(), 1);
    assert_eq!(parts.gather, Settings { cursor_keys, ..Settings::default() });
    let vendors: Vec<_> = config.sources.iter().map(|source| source.vendor).collect();
    assert_eq!(vendors, ["spelo", "chatzuri", "leadsail"], "every vendor has its example");
    assert_eq!(parts.accounts.len(), vendors.len());
}

/// The example with what it only shows, the tables of this name, written.
fn shown(tables: &str) -> Config {
    let (before, rest) = EXAMPLE.split_once(&format!("# [[{tables}]]\n")).unwrap();
    let (lines, after) = rest.split_once("\n\n").unwrap();
    let lines: String = lines.lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap())).collect();
    let text = format!("{before}[[{tables}]]\n{lines}\n{after}");
    let read = parse("gateway.toml", &text, &variables);
    read.unwrap_or_else(|problems| panic!("{problems:#?}")).0
}

#[test]
fn callers_of_the_example_are_right_and_say_the_defaults() {
    let config = shown("callers");
    let [caller] = &config.callers.known[..] else { panic!("one") };
    assert_eq!(caller.rates, callers::Rates::default());
    assert!(caller.previous_key.is_some());
}

#[test]
fn issuers_of_the_example_are_right_and_say_the_defaults() {
    let config = shown("issuers");
    let [issuer] = &config.callers.issuers[..] else { panic!("one") };
    assert_eq!(issuer.rates, callers::Rates::default());
    let least = "[[issuers]]\nname = 'corp'\nissuer = 'x'\naudience = 'y'\njwks_url = 'https://login.example/'\nscopes = []\n";
    let source = "[[sources]]\nname = 'a'\nvendor = 'spelo'\napi_key_env = 'ACME_SPELO_KEY'\n";
    let read = parse("gateway.toml", &format!("{least}{source}"), &variables);
    let (least, _) = read.unwrap_or_else(|problems| panic!("{problems:#?}"));
    let standard = &least.callers.issuers[0];
    assert_eq!(issuer.algorithms, standard.algorithms);
    assert_eq!(
        (issuer.leeway, &issuer.name_claim, &issuer.scope_claim),
        (standard.leeway, &standard.name_claim, &standard.scope_claim)
    );
    assert!(matches!(&issuer.share, callers::Share::Given { sources, .. } if sources.len() == 2));
}

#[test]
fn costs_are_reckoned_with_what_each_vendor_can_do() {
    let read = parse("examples/gateway.toml", EXAMPLE, &variables);
    let (_, parts) = read.unwrap_or_else(|problems| panic!("{problems:#?}"));
    let gather = Gather::new(parts.gather, sources(&parts.accounts));
    let of = |vendor| {
        gather.prices(&Caller::anonymous(), &SourceFilter { sources: None, vendors: Some(vec![vendor]) })
    };

    let spelo = &of(Vendor::Spelo).each[0];
    assert_eq!((spelo.leads, spelo.conversations, spelo.interactions), (1, 1, 1));
    assert_eq!((spelo.history, spelo.links, spelo.cuts), (History::Linked, true, true));
    assert_eq!([1, 2, 3, 50].map(|count| prices::scout(spelo, count)), [1, 2, 1, 6]);

    let chatzuri = of(Vendor::Chatzuri).each;
    assert_eq!(chatzuri.len(), 2, "one source for each agent");
    assert_eq!((chatzuri[0].leads, chatzuri[0].conversations, chatzuri[0].interactions), (3, 3, 3));
    assert_eq!((chatzuri[0].lead, chatzuri[0].conversation), (Lookup::Day, Lookup::Day));
    // Its webhook tells which conversation a lead came from.
    let (history, told) = (chatzuri[0].history, chatzuri[0].told);
    assert_eq!((history, told, chatzuri[0].cuts), (History::Linked, true, false));
    assert_eq!([0, 1, 25].map(|count| prices::scout(&chatzuri[0], count)), [0, 3, 3]);

    let leadsail = &of(Vendor::LeadSail).each[0];
    assert_eq!((leadsail.leads, leadsail.conversations, leadsail.interactions), (1, 0, 26));
    assert_eq!((leadsail.history, leadsail.lead, leadsail.cuts), (History::PerLead, Lookup::Id, false));

    let all = gather.prices(&Caller::anonymous(), &SourceFilter::default());
    assert_eq!((all.each.len(), all.backward), (4, 60));
    let nobody = SourceFilter { sources: SourceId::new("nobody").map(|id| vec![id]), vendors: None };
    assert_eq!(gather.prices(&Caller::anonymous(), &nobody).each, []);
}

#[test]
fn file_that_is_not_there_is_a_problem_like_any_other() {
    let Err(problems) = load(Path::new("/nowhere/gateway.toml"), &variables) else { panic!("loaded") };
    assert!(problems[0].to_string().starts_with("/nowhere/gateway.toml:1: the file cannot be read"));
}

/// A source that is known by name only.
struct Named(SourceId);

impl Named {
    fn source(name: &str) -> Arc<dyn Source> {
        Arc::new(Self(SourceId::new(name).unwrap()))
    }
}

impl Source for Named {
    fn id(&self) -> &SourceId {
        &self.0
    }
    fn vendor(&self) -> Vendor {
        Vendor::Spelo
    }
    fn health(&self) -> Health {
        let since = jiff::Timestamp::UNIX_EPOCH;
        Health { state: SourceState::Up, since, last_success_at: None, last_error: None, retry_at: None }
    }
    fn quota(&self) -> Quota {
        Quota { limit: 1, window: Duration::from_secs(1), remaining: 1, reset_at: None }
    }
}

/// A vendor that can tell its sources from the `from`th time on, after `takes`.
struct Finds {
    from: usize,
    takes: Duration,
    asked: AtomicUsize,
}

impl Discovery for Finds {
    async fn discover(&self, cx: &Cx) -> Result<Vec<Arc<dyn Source>>, SourceError> {
        assert!(cx.deadline > Instant::now());
        tokio::time::sleep(self.takes).await;
        let turn = 1 + self.asked.fetch_add(1, Ordering::Relaxed);
        if turn >= self.from {
            return Ok(vec![Named::source(&format!("team/{turn}"))]);
        }
        let id = SourceId::new("team").unwrap();
        Err(SourceError::new(&id, "agents.list", SourceErrorKind::Unreachable))
    }
}

fn account(name: &str, discovery: Option<Arc<dyn DynDiscovery>>) -> Account {
    let name = SourceId::new(name).unwrap();
    Account { sources: vec![Named::source(name.as_str())], name, discovery, client: None, webhook: None }
}

fn accounts(from: usize, takes: u64) -> Vec<Account> {
    let takes = Duration::from_millis(takes);
    let finds = Finds { from, takes, asked: AtomicUsize::new(0) };
    vec![account("fixed", None), account("team", Some(Arc::new(finds)))]
}

/// Runs a discovery, and keeps what was published, each time with its second.
async fn watch(accounts: Vec<Account>) -> (JoinSet<()>, Arc<Mutex<Vec<(u64, Vec<String>)>>>) {
    let seen: Arc<Mutex<Vec<_>>> = Arc::default();
    let (kept, start) = (Arc::clone(&seen), Instant::now());
    let publish: discovery::Publish = Arc::new(move |sources| {
        let names = sources.iter().map(|source| source.id().to_string()).collect();
        kept.lock().unwrap().push((start.elapsed().as_secs(), names));
    });
    let found = accounts.into_iter().map(|account| discovery::Found { account, looked_up: false }).collect();
    (discovery::run(&Arc::new(tokio::sync::Mutex::new(found)), publish).await, seen)
}

fn said(second: u64, name: &str) -> (u64, Vec<String>) {
    (second, vec!["fixed".to_owned(), name.to_owned()])
}

#[tokio::test(start_paused = true)]
async fn found_sources_replace_the_stand_in_before_the_first_request() {
    let (tasks, seen) = watch(accounts(1, 400)).await;
    assert_eq!(*seen.lock().unwrap(), [said(0, "team/1")]);
    drop(tasks);
}

#[tokio::test(start_paused = true)]
async fn slow_vendor_holds_the_start_up_for_half_a_second_at_most() {
    let start = Instant::now();
    let (tasks, seen) = watch(accounts(1, 3_000)).await;
    assert_eq!(start.elapsed().as_millis(), 500);
    assert!(seen.lock().unwrap().is_empty());
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(*seen.lock().unwrap(), [said(3, "team/1")]);
    drop(tasks);
}

#[tokio::test(start_paused = true)]
async fn sources_are_looked_for_every_half_minute_until_found_and_every_ten_minutes_after() {
    let (mut tasks, seen) = watch(accounts(3, 0)).await;
    tokio::time::sleep(Duration::from_secs(1_500)).await;
    let expected = [said(60, "team/3"), said(660, "team/4"), said(1_260, "team/5")];
    assert_eq!(*seen.lock().unwrap(), expected);
    tasks.shutdown().await;
    tokio::time::sleep(Duration::from_secs(1_500)).await;
    assert_eq!(seen.lock().unwrap().len(), 3, "it ends with the gateway");
}
