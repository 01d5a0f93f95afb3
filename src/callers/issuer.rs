//! Issuers of tokens: whose are taken, and who the one is that shows one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::Algorithm as Any;
use serde_json::{Map, Value};
use url::Url;

use super::Rates;
use super::jwks::KeySet;
use crate::model::caller::{Caller, Scope, Scopes, Visible};
use crate::model::id::SourceId;

/// The longest name that a token may give its caller, in bytes.
const MAX_NAME: usize = 255;

/// What stands between an issuer's name and the caller's. No name of the configuration holds it, so nobody who is named by a
/// token is ever taken for someone with a key, or for someone of another issuer.
pub(super) const BETWEEN: char = ':';

/// Someone whose tokens are taken.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// Its name, which all its callers' names begin with.
    pub name: Arc<str>,
    /// What its tokens call it (`iss`).
    pub issuer: String,
    /// What its tokens for this gateway are for (`aud`).
    pub audience: String,
    /// Where its keys come from.
    pub keys: Keys,
    /// What its tokens may be signed by.
    pub algorithms: Vec<Algorithm>,
    /// By how much clocks may differ. 60 s.
    pub leeway: Duration,
    /// The claim that names the caller. `sub`.
    pub name_claim: String,
    /// The claim that says what the caller may do, as words in a text or in a list. `scope`.
    pub scope_claim: String,
    /// The most that any of its callers may do, whatever a token says.
    pub scopes: Scopes,
    /// The most that exists for any of its callers.
    pub sources: Visible,
    /// What of that exists for the one that shows a token.
    pub share: Share,
    /// How much each of its callers may ask.
    pub rates: Rates,
}

/// Where an issuer's keys come from.
#[derive(Clone, Debug)]
pub enum Keys {
    /// They were read with the configuration.
    Fixed(KeySet),
    /// They are fetched from there, and again as time goes by.
    At(Url),
}

/// Which of the sources that exist for an issuer's callers exist for one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// All of them.
    Whole,
    /// Those that this claim names, as words in a text or in a list.
    Named(String),
    /// Those that the configuration gives to what this claim says.
    Given {
        /// The claim.
        claim: String,
        /// What exists for whom.
        sources: BTreeMap<String, Visible>,
    },
}

/// How a token may be signed. All are such that who can check a signature cannot make one: no secret that both sides know, and
/// never nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithm(Any);

impl Algorithm {
    /// All there are.
    pub const ALL: [Self; 9] = [
        Self(Any::RS256),
        Self(Any::RS384),
        Self(Any::RS512),
        Self(Any::PS256),
        Self(Any::PS384),
        Self(Any::PS512),
        Self(Any::ES256),
        Self(Any::ES384),
        Self(Any::EdDSA),
    ];

    /// The algorithm's word in tokens and configurations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self.0 {
            Any::RS256 => "RS256",
            Any::RS384 => "RS384",
            Any::RS512 => "RS512",
            Any::PS256 => "PS256",
            Any::PS384 => "PS384",
            Any::PS512 => "PS512",
            Any::ES256 => "ES256",
            Any::ES384 => "ES384",
            _ => "EdDSA",
        }
    }

    /// The algorithm of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == word)
    }

    /// The library's, where it is one of ours.
    pub(super) fn of(any: Any) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.0 == any)
    }

    /// As the library has it.
    pub(super) fn library(self) -> Any {
        self.0
    }
}

impl Issuer {
    /// Who it is that shows a token with these claims, which has been checked. `None`: it names nobody.
    pub(super) fn caller(&self, claims: &Map<String, Value>) -> Option<Caller> {
        let name = claims.get(&self.name_claim)?.as_str()?;
        if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
            return None;
        }
        let said = words(claims.get(&self.scope_claim)).filter_map(Scope::parse);
        let scopes = said.filter(|scope| self.scopes.hold(*scope)).collect();
        let sources = match &self.share {
            Share::Whole => self.sources.clone(),
            Share::Named(claim) => {
                Visible::Only(words(claims.get(claim)).filter_map(SourceId::new).collect()).and(&self.sources)
            }
            Share::Given { claim, sources } => {
                let given = claims.get(claim).and_then(Value::as_str).and_then(|value| sources.get(value));
                given.map_or(Visible::Only(Arc::default()), |given| given.and(&self.sources))
            }
        };
        Some(Caller { name: format!("{}{BETWEEN}{name}", self.name).into(), scopes, sources })
    }
}

/// The words of a claim: those of a text, or the texts of a list.
fn words(claim: Option<&Value>) -> impl Iterator<Item = &str> {
    let text = claim.and_then(Value::as_str).unwrap_or_default().split_ascii_whitespace();
    let list = claim.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    text.chain(list)
}
