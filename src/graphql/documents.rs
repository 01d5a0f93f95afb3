//! Documents that clients name instead of sending them: those that the operator trusts, from a manifest, and those that
//! clients have shown before (Apollo's automatic persisted queries).
//!
//! A name is looked up before anything is parsed. What a client shows is kept only once it has been executed, so nothing that
//! does not parse or validate takes room, and only under the hash that it really has, so nobody can plant another document
//! under a name that someone else will ask for.
//!
//! And documents that ran lately, by their texts, so that they need not be parsed and validated again (`known.rs`).

mod known;
mod manifest;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(super) use self::known::{Inputs, Known, absent, takes};
pub use self::manifest::Manifest;
use super::error::{
    BAD_USER_INPUT, DOCUMENT_NOT_LISTED, HASH_MISMATCH, ID_REQUIRED, PERSISTED_NOT_FOUND,
    PERSISTED_NOT_SUPPORTED,
};
use super::request::Refusal;

/// The most documents kept.
const MAX_KEPT: u64 = 1_000;
/// The most bytes of all of them.
const MAX_KEPT_BYTES: u64 = 4 << 20;
/// The most documents known, and the most bytes of them, as parsed.
const MAX_KNOWN: u64 = 1_000;
const MAX_KNOWN_BYTES: u64 = 32 << 20;

/// Which documents clients may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentSettings {
    /// Whether what clients show with its hash is kept, to be named by the hash from then on. It is by default.
    pub automatic: bool,
    /// The documents that the operator trusts. None by default.
    pub trusted: Arc<Manifest>,
    /// Whether nothing runs but these, named by their ids. Not by default.
    pub only_trusted: bool,
}

impl Default for DocumentSettings {
    fn default() -> Self {
        Self { automatic: true, trusted: Arc::default(), only_trusted: false }
    }
}

/// The documents that can be named just now. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Documents {
    settings: DocumentSettings,
    kept: Cache<Hash, Arc<str>>,
    known: Cache<Arc<str>, Arc<Known>>,
}

pub(super) type Hash = [u8; 32];

/// A document, by whatever name.
#[derive(Debug)]
pub(super) struct Found {
    /// Its text.
    pub(super) text: String,
    /// Whether the client named it and sent nothing of it.
    pub(super) named: bool,
    /// Under which hash it is to be kept if it is executed.
    pub(super) keep: Option<Hash>,
}

impl Documents {
    pub(super) fn new(settings: DocumentSettings) -> Self {
        Self {
            settings,
            kept: lately(MAX_KEPT, MAX_KEPT_BYTES, |_: &Hash, text: &Arc<str>| text.len()),
            known: lately(MAX_KNOWN, MAX_KNOWN_BYTES, |text: &Arc<str>, _: &Arc<Known>| Known::weight(text)),
        }
    }

    /// The document of a request: `text`, or what is named by `id` or Apollo's `persistedQuery` among the extensions.
    pub(super) async fn find(
        &self,
        text: String,
        id: Option<&str>,
        extensions: &Value,
    ) -> Result<Found, Refusal> {
        let name = Name::of(id, extensions)?;
        match (name, text.is_empty()) {
            (None, true) if !self.settings.only_trusted => Ok(Found { text, named: false, keep: None }),
            (Some(name), true) => self.named(&name).await,
            _ if self.settings.only_trusted => {
                let message =
                    "This gateway runs trusted documents alone: send the id of one, and no document.";
                Err(Refusal::new(ID_REQUIRED, message, None))
            }
            (Some(Name { hash: Some(hash), .. }), false) if self.settings.automatic => {
                if Hash::from(Sha256::digest(&text)) != hash {
                    let message = "The hash is not the SHA-256 of the document sent with it.";
                    return Err(Refusal::new(HASH_MISMATCH, message, None));
                }
                Ok(Found { text, named: false, keep: Some(hash) })
            }
            (_, false) | (None, true) => Ok(Found { text, named: false, keep: None }),
        }
    }

    async fn named(&self, name: &Name<'_>) -> Result<Found, Refusal> {
        let found = |text: &str| Ok(Found { text: text.to_owned(), named: true, keep: None });
        if let Some(text) = self.settings.trusted.get(name.id) {
            return found(text);
        }
        if self.settings.only_trusted {
            let message = "No trusted document has this id.";
            return Err(Refusal::new(DOCUMENT_NOT_LISTED, message, None));
        }
        // These words are part of Apollo's protocol: its clients read them.
        if !self.settings.automatic {
            return Err(Refusal::new(PERSISTED_NOT_SUPPORTED, "PersistedQueryNotSupported", None));
        }
        match name.hash {
            Some(hash) => self.kept.get(&hash).await,
            None => None,
        }
        .map_or_else(
            || Err(Refusal::new(PERSISTED_NOT_FOUND, "PersistedQueryNotFound", None)),
            |text| found(&text),
        )
    }

    /// Keeps a document that has been executed.
    pub(super) async fn keep(&self, hash: Hash, text: Arc<str>) {
        self.kept.insert(hash, text).await;
    }

    /// A document of this text, if it is known.
    pub(super) async fn known(&self, text: &str) -> Option<Arc<Known>> {
        self.known.get(text).await
    }

    /// The bytes of all documents known.
    #[cfg(test)]
    pub(super) async fn known_bytes(&self) -> u64 {
        self.known.run_pending_tasks().await;
        self.known.weighted_size()
    }

    /// Knows a document from now on, since it has been executed.
    pub(super) async fn learn(&self, text: &str, document: Arc<Known>) {
        let held =
            || async { self.known.get(text).await.is_some_and(|known| known.covers_all_of(&document)) };
        if document.is_query() && !held().await {
            self.known.insert(Arc::from(text), document).await;
        }
    }
}

/// A cache of those that were used last. Each counts as no less than its share of the bytes, so that the bound of bytes bounds
/// their number, too.
fn lately<K, V>(
    most: u64,
    bytes: u64,
    weight: impl Fn(&K, &V) -> usize + Send + Sync + 'static,
) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let least = bytes.div_ceil(most);
    let weight = move |key: &K, value: &V| u64::try_from(weight(key, value)).unwrap_or(u64::MAX).max(least);
    Cache::builder()
        .max_capacity(bytes)
        .weigher(move |key, value| u32::try_from(weight(key, value)).unwrap_or(u32::MAX))
        .eviction_policy(EvictionPolicy::lru())
        .build()
}

/// What a client calls a document.
struct Name<'a> {
    /// As a manifest has it: without the prefix that says that it is a hash.
    id: &'a str,
    /// Where it is one.
    hash: Option<Hash>,
}

impl<'a> Name<'a> {
    fn of(id: Option<&'a str>, extensions: &'a Value) -> Result<Option<Self>, Refusal> {
        let id = match (id, extensions.get("persistedQuery")) {
            (Some(id), _) => id.strip_prefix("sha256:").unwrap_or(id),
            (None, None | Some(Value::Null)) => return Ok(None),
            (None, Some(extension)) => match (&extension["version"], extension["sha256Hash"].as_str()) {
                (Value::Number(version), Some(id)) if version.as_u64() == Some(1) => id,
                _ => {
                    let message = "`extensions.persistedQuery` must be {version: 1, sha256Hash: \"...\"}.";
                    return Err(Refusal::new(BAD_USER_INPUT, message, None));
                }
            },
        };
        Ok(Some(Self { id, hash: hash(id) }))
    }
}

/// The hash that 64 hexadecimal digits write.
fn hash(text: &str) -> Option<Hash> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    if rest.is_empty() { bytes?.try_into().ok() } else { None }
}
