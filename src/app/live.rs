//! What answers just now, and what takes its place when the configuration is read anew.
//!
//! A [`Live`] is never changed: a request that has begun finishes on the one it began with. What is known of accounts that stay
//! as they were goes over to the next one: their clients with quota, breaker and the vendor's wish for silence, the sources that
//! were found, what the cache holds of them, the keys of cursors.

use std::sync::Arc;
use std::time::Duration;

use ::http::StatusCode;
use futures_util::future::{Either, ready};
use futures_util::{FutureExt, StreamExt};
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::discovery::{self, Found, Known};
use super::{Parts, circumstances, issuers, webhooks};
use crate::callers::{Callers, Refused};
use crate::config::SourceConfig;
use crate::events::{self, Event, EventKind, Log, Looked, Told};
use crate::gather::Gather;
use crate::graphql::{self, Budget, Opened, Request, Schema};
use crate::http::{
    self, Answer, Ask, Engine, Engines, Identify, Lines, LiveEngine, Readiness, Refusal, Reply, Surface,
};
use crate::model::caller::Caller;
use crate::model::id::SourceId;
use crate::model::lead::Lead;
use crate::source::Source;
use crate::vendors::Account;

/// A gateway over one configuration. Its background work ends when it is dropped.
pub(super) struct Live {
    pub(super) surface: Surface,
    /// WebSockets and event streams that began here.
    pub(super) lines: Lines,
    callers: Callers,
    gather: Gather,
    /// What its accounts were opened with, in their order; empty where they did not come from a configuration.
    configs: Vec<SourceConfig>,
    known: Known,
    _background: JoinSet<()>,
}

/// What outlives every configuration.
#[derive(Clone)]
pub(super) struct Lasting {
    pub(super) readiness: Readiness,
    pub(super) events: Log,
    /// What webhooks have told already.
    pub(super) told: Told,
    /// What sources looked like when they were last looked at.
    pub(super) looked: Looked,
    /// Works off what webhooks told, also what they told before.
    pub(super) inboxes: Arc<Mutex<JoinSet<()>>>,
    pub(super) lines: Lines,
}

/// What a gateway is made of, its sources being gathered already.
struct Pieces {
    http: http::Settings,
    callers: Callers,
    graphql: graphql::Settings,
    events: events::Settings,
    gather: Gather,
    found: Vec<Found>,
    configs: Vec<SourceConfig>,
}

impl Live {
    /// The first one. Accounts whose sources must be found are asked for them; at most half a second is waited for that.
    pub(super) async fn start(parts: Parts, configs: Vec<SourceConfig>, lasting: &Lasting) -> Self {
        let Parts { http, callers, graphql, events, gather, accounts } = parts;
        let callers = Callers::new(callers, issuers::fetch);
        let gather = Gather::new(gather, sources(&accounts));
        let found = accounts.into_iter().map(|account| Found { account, looked_up: false }).collect();
        Self::run(Pieces { http, callers, graphql, events, gather, found, configs }, lasting).await
    }

    /// The one that takes this one's place.
    pub(super) async fn next(&self, parts: Parts, configs: Vec<SourceConfig>, lasting: &Lasting) -> Self {
        let Parts { http, callers, graphql, events, gather, accounts } = parts;
        let callers = self.callers.next(callers, issuers::fetch);
        let opened = configs.iter().zip(accounts);
        let found: Vec<Found> = {
            let known = self.known.lock().await;
            let before: Vec<_> = self.configs.iter().zip(&*known).collect();
            opened.map(|(config, account)| take_over(&before, config, account)).collect()
        };
        let stays = |source: &SourceId| {
            let config = self.configs.iter().find(|config| source.is_of(&config.name));
            config.is_some_and(|config| configs.contains(config))
        };
        let same = |source: &SourceId| {
            let config = self.configs.iter().find(|config| source.is_of(&config.name));
            config.is_some_and(|config| configs.iter().any(|next| next.has_key_of(config)))
        };
        let all = found.iter().flat_map(|found| found.account.sources.iter().cloned()).collect();
        let gather = self.gather.next(gather, all, &stays, &same);
        Self::run(Pieces { http, callers, graphql, events, gather, found, configs }, lasting).await
    }

    async fn run(pieces: Pieces, lasting: &Lasting) -> Self {
        let Pieces { http, callers, graphql, events, gather, found, configs } = pieces;
        let accounts = found.iter().map(|found| &found.account);
        let postboxes = webhooks::open(accounts, events.inbox, &gather, lasting).await;
        let known: Known = Arc::new(Mutex::new(found));
        let mut background = discovery::run(&known, publisher(&gather)).await;
        gather.on_write(publish_writes(lasting.events.clone()));
        background.spawn(events::watch(gather.clone(), lasting.events.clone()));
        let circumstances = Arc::new(|| circumstances::in_the_background("polling"));
        let log = lasting.events.clone();
        let looked = lasting.looked.clone();
        background.spawn(events::poll(gather.clone(), log, events.poll, circumstances, looked));
        let events = lasting.events.clone();
        let schema = graphql::schema_within(gather.clone(), events, graphql, callers.clone());
        background.spawn(callers.clone().keep());
        let identify = identify(callers.clone());
        let engines = Engines { once: engine(schema.clone()), live: follow(schema) };
        let lines = lasting.lines.next(&http);
        let readiness = lasting.readiness.clone();
        let surface = Surface::new(&http, identify, engines, lines.clone(), postboxes, readiness);
        Self { surface, lines, callers, gather, configs, known, _background: background }
    }
}

/// An account as it goes on: as it is where nothing about it has changed; anew, but with what is known of its key, where that
/// is still the one; else anew.
fn take_over(before: &[(&SourceConfig, &Found)], config: &SourceConfig, account: Account) -> Found {
    if let Some((_, found)) = before.iter().find(|(old, _)| *old == config) {
        return (*found).clone();
    }
    let same_key = before.iter().find(|(old, _)| old.has_key_of(config));
    if let (Some(new), Some(old)) =
        (&account.client, same_key.and_then(|(_, found)| found.account.client.as_ref()))
    {
        new.inherit(old);
    }
    Found { account, looked_up: false }
}

pub(super) fn sources(accounts: &[Account]) -> Vec<Arc<dyn Source>> {
    accounts.iter().flat_map(|account| account.sources.iter().cloned()).collect()
}

/// Tells those who listen of our own writes.
fn publish_writes(events: Log) -> impl Fn(Timestamp, Arc<Lead>) + Send + Sync {
    move |at, lead| {
        let event = Event::new(EventKind::LeadUpdated, lead.key.source.clone(), lead.vendor, at);
        events.publish_own(Event { occurred_at: lead.updated_at, lead: Some(lead), ..event });
    }
}

fn publisher(gather: &Gather) -> discovery::Publish {
    let gather = gather.clone();
    Arc::new(move |sources| gather.set_sources(sources))
}

fn identify(callers: Callers) -> Identify {
    fn lifted(refused: Refused) -> Refusal {
        match refused {
            Refused::Missing => Refusal::Missing,
            Refused::Unknown => Refusal::Unknown,
            Refused::Unavailable => Refusal::Unavailable,
            Refused::TooOften(retry_after) => Refusal::TooOften { retry_after },
        }
    }
    Arc::new(move |token| match callers.at_once(token) {
        Some(told) => Either::Left(ready(told.map_err(lifted))),
        None => {
            let (callers, token) = (callers.clone(), token.unwrap_or_default().to_owned());
            Either::Right(async move { callers.issued(&token).await.map_err(lifted) }.boxed())
        }
    })
}

impl Budget for Callers {
    fn take(&self, caller: &Caller, cost: u32) -> Result<(), Duration> {
        self.spend(caller, cost)
    }

    fn give_back(&self, caller: &Caller, cost: u32) {
        self.unspend(caller, cost);
    }
}

fn engine(schema: Schema) -> Engine {
    let schema = Arc::new(schema);
    Arc::new(move |cx, asks| {
        let schema = Arc::clone(&schema);
        async move {
            let mut requests: Vec<_> = asks.into_iter().map(request).collect();
            if requests.len() > 1 {
                return graphql::execute_batch(&schema, cx, requests).await.iter().map(answer).collect();
            }
            // Nearly always: what a batch must keep apart costs it nothing.
            match requests.pop() {
                Some(one) => vec![answer(&graphql::execute(&schema, cx, one).await)],
                None => Vec::new(),
            }
        }
        .boxed()
    })
}

fn follow(schema: Schema) -> LiveEngine {
    Arc::new(move |cx, ask| {
        let schema = schema.clone();
        async move {
            match graphql::open(&schema, cx, request(ask)).await {
                Opened::Once(once) => Reply::Once(answer(&once)),
                Opened::Each(answers) => Reply::Each(answers.map(|each| answer(&each)).boxed()),
            }
        }
        .boxed()
    })
}

fn request(ask: Ask) -> Request {
    let Ask { query, document_id, operation_name, variables, extensions, safe } = ask;
    Request {
        query,
        document_id,
        operation_name,
        variables: variables.into(),
        extensions: extensions.into(),
        safe,
    }
}

fn answer(answer: &graphql::Answer) -> Answer {
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Answer {
        body: answer.to_bytes().into(),
        status,
        fresh: answer.fresh(),
        lease: answer.lease().cloned(),
        retry_after: answer.retry_after(),
    }
}
