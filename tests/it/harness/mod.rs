//! The bench on which the gateway is tried: simulated vendors, a gateway over them on a free port, and a client.
//!
//! Requests go in as text and answers come out as JSON, over real sockets; the vendors' call ledgers are the witnesses. Nothing
//! here waits for the clock: lives and timeouts are long unless a test is about them, so a slow machine changes no outcome.

pub(crate) mod binary;
pub(crate) mod collector;
pub(crate) mod hostile;
pub(crate) mod issuer;
mod list;
mod world;

pub(crate) use self::list::{List, Page, records};
pub(crate) use self::world::{CHATZURI, Calls, LEADSAIL, Plan, SECRETS, SPELO, World, elements};

use leadgraph::callers::key::Digest;
use leadgraph::callers::{Known, Rates};
use leadgraph::model::caller::{Caller, Scope, Visible};
use leadgraph::model::id::SourceId;
use serde_json::{Map, Value, json};

/// A caller whose key is its name; all sources where none are named. Rates have tests of their own.
pub(crate) fn known(name: &str, scopes: &[Scope], sources: &[&str]) -> Known {
    let named = sources.iter().map(|name| SourceId::new(name).unwrap()).collect();
    let sources = if sources.is_empty() { Visible::All } else { Visible::Only(named) };
    Known {
        caller: Caller { name: name.into(), scopes: scopes.iter().copied().collect(), sources },
        key: Digest::of(name),
        previous_key: None,
        rates: Rates { requests_per_second: 100_000, cost_per_second: 100_000_000 },
    }
}

/// A GraphQL request.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    text: String,
    variables: Map<String, Value>,
}

impl Query {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), variables: Map::new() }
    }

    /// Gives a variable.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn body(&self) -> Value {
        json!({ "query": self.text, "variables": self.variables })
    }
}

impl From<&str> for Query {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Query {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// A GraphQL answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer(pub(crate) Value);

impl Answer {
    /// The `extensions.code` of every error.
    pub(crate) fn codes(&self) -> Vec<&str> {
        let errors = self.0["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap_or("none")).collect()
    }

    /// The data of an answer without errors.
    pub(crate) fn data(&self) -> &Value {
        assert!(self.0.get("errors").is_none(), "{:?} {:#}", self.codes(), self.0["errors"][0]);
        &self.0["data"]
    }

    /// One error's message.
    pub(crate) fn message(&self) -> &str {
        self.0["errors"][0]["message"].as_str().unwrap_or_default()
    }
}
