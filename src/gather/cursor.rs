//! What our clients hold: the position of every source, sealed.
//!
//! `base64url( version ‖ key id ‖ nonce ‖ XChaCha20-Poly1305( payload ) )`, bound to caller and field. Sealed rather than signed,
//! since vendors' own cursors are inside and clients are not to build on them. The nonce is derived from the payload with the
//! key, so that one place has one cursor. The server keeps no paging state.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload as Sealing};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::position::{Place, Position};
use super::request::{InputCode, InputError};
use super::settings::{CursorKey, Settings};

const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Where a walk stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// Of the filter; a cursor goes on only under the one it was made under.
    pub(super) filter: u64,
    /// When it was made, in seconds since 1970.
    pub(super) made: i64,
    /// The last record given, and the place of its source in `sources`.
    pub(super) last: Option<(u16, Place)>,
    /// All sources of the walk, frozen when it began.
    pub(super) sources: Vec<Stop>,
}

/// One source of a walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stop {
    pub(super) source: String,
    pub(super) vendor: u8,
    pub(super) position: Position,
}

/// What a cursor is bound to beside its key.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// For whom.
    pub(super) caller: std::sync::Arc<str>,
    /// Of which field of the schema.
    pub(super) field: &'static str,
}

impl Scope {
    fn bind(&self, head: [u8; 2]) -> Vec<u8> {
        let mut bound = b"lg-cursor".to_vec();
        bound.extend(head);
        bound.extend((self.caller.len() as u64).to_be_bytes());
        bound.extend(self.caller.as_bytes());
        bound.extend(self.field.as_bytes());
        bound
    }
}

/// Seals and opens cursors.
pub(super) struct Sealer {
    keys: Vec<(u8, CursorKey)>,
    life_seconds: i64,
}

impl Sealer {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut keys = settings.cursor_keys.clone();
        if keys.is_empty() {
            keys.push(CursorKey(XChaCha20Poly1305::generate_key(&mut chacha20poly1305::aead::OsRng).into()));
        }
        let named = |key: CursorKey| {
            let [kid, ..]: [u8; 32] = Sha256::digest(key.0).into();
            (kid, key)
        };
        let life_seconds = i64::try_from(settings.cursor_ttl.as_secs()).unwrap_or(i64::MAX);
        Self { keys: keys.into_iter().map(named).collect(), life_seconds }
    }

    /// Seals a cursor with the current key. `None` only if the payload cannot be written, which no payload of ours is.
    pub(super) fn seal(&self, scope: &Scope, cursor: &Cursor) -> Option<String> {
        let (kid, key) = self.keys.first()?;
        let payload = postcard::to_stdvec(cursor).ok()?;
        let bound = scope.bind([VERSION, *kid]);
        let mut hash = Sha256::new();
        for part in [&key.0[..], b"nonce", &bound, &payload] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let nonce = XNonce::clone_from_slice(hash.finalize().get(..NONCE)?);
        let cipher = XChaCha20Poly1305::new((&key.0).into());
        let sealed = cipher.encrypt(&nonce, Sealing { msg: &payload, aad: &bound }).ok()?;
        let mut bytes = vec![VERSION, *kid];
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// For how long a cursor is still good.
    pub(super) fn left(&self, cursor: &Cursor, now: Timestamp) -> Duration {
        let age = now.as_second().saturating_sub(cursor.made);
        Duration::from_secs(u64::try_from(self.life_seconds.saturating_sub(age)).unwrap_or(0))
    }

    /// Opens a cursor that was sealed for this scope and filter.
    ///
    /// # Errors
    /// `CursorInvalid`, `CursorExpired`, `CursorFilterMismatch`.
    pub(super) fn open(
        &self,
        scope: &Scope,
        filter: u64,
        now: Timestamp,
        text: &str,
        longest: usize,
    ) -> Result<Cursor, InputError> {
        let cursor =
            (text.len() <= longest).then(|| self.unseal(scope, text)).flatten().ok_or_else(|| {
                input(
                    InputCode::CursorInvalid,
                    "This cursor was not made by this gateway for this caller and field, or it was altered. \
                 Start again without a cursor.",
                )
            })?;
        let age = now.as_second().saturating_sub(cursor.made);
        if age > self.life_seconds {
            return Err(input(
                InputCode::CursorExpired,
                "This cursor is too old. Start again without a cursor.",
            ));
        }
        if cursor.filter != filter {
            return Err(input(
                InputCode::CursorFilterMismatch,
                "This cursor was made under another filter. Send the filter it was made under, or start again \
                 without a cursor.",
            ));
        }
        Ok(cursor)
    }

    fn unseal(&self, scope: &Scope, text: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let ([version, kid], rest) = bytes.split_first_chunk::<2>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        if *version != VERSION {
            return None;
        }
        let bound = scope.bind([*version, *kid]);
        let opened = self.keys.iter().filter(|(id, _)| id == kid).find_map(|(_, key)| {
            let cipher = XChaCha20Poly1305::new((&key.0).into());
            cipher.decrypt(XNonce::from_slice(nonce), Sealing { msg: sealed, aad: &bound }).ok()
        })?;
        postcard::from_bytes(&opened).ok()
    }
}

/// The longest cursor that is looked at: longer than any that is given of so many sources, each with all ids of one moment that a
/// place remembers; and as long for few as those that were given when they were more.
pub(super) fn longest(sources: usize) -> usize {
    (sources * 3_072).max(32 * 1024)
}

/// The fingerprint of a filter: of its `Debug` text, which names every member.
pub(super) fn fingerprint(filter: &impl std::fmt::Debug) -> u64 {
    // Room at once for what most filters say, instead of growing to it.
    let mut text = String::with_capacity(512);
    // A string takes all that is written.
    let _ = write!(text, "{filter:?}");
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// A typed refusal of an input.
pub(super) fn input(code: InputCode, message: impl Into<String>) -> InputError {
    InputError { code, message: message.into() }
}
