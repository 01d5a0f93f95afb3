//! Where a listener stands, as clients hold it.
//!
//! `base64url( version ‖ the log's life ‖ nonce ‖ XChaCha20-Poly1305( place ) )`, bound to the caller. The life is a number that a
//! log draws when it is made, in the clear: a cursor of another life (the process was started anew, or it is another process)
//! is no fault of the client's, it only reaches further back than this log does.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::rand_core::RngCore;
use chacha20poly1305::aead::{Aead, OsRng, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

const VERSION: u8 = 1;
const LIFE: usize = 8;
const NONCE: usize = 24;
/// A place and its tag.
const SEALED: usize = 8 + 16;
/// The length of every cursor, in characters.
const LENGTH: usize = (1 + LIFE + NONCE + SEALED).div_ceil(3) * 4;

/// A text that is no cursor of events, or is another caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCursor;

/// What a cursor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Go on with the event of this number.
    Here(u64),
    /// A place in another log.
    Elsewhere,
}

/// Seals and opens the cursors of one log.
pub(super) struct Cursors {
    life: [u8; LIFE],
    key: [u8; 32],
}

impl Cursors {
    /// Of a new life.
    pub(super) fn new() -> Self {
        let mut life = [0; LIFE];
        OsRng.fill_bytes(&mut life);
        Self { life, key: XChaCha20Poly1305::generate_key(&mut OsRng).into() }
    }

    /// The cursor of a place. `None` only if it cannot be sealed, which eight bytes always can be.
    pub(super) fn seal(&self, caller: &str, place: u64) -> Option<String> {
        let (bound, place) = (self.bind(caller), place.to_be_bytes());
        // Derived, so that one place has one cursor, and of all that goes in, so that no nonce serves twice.
        let mut hash = Sha256::new();
        for part in [&self.key[..], b"nonce", &place, &bound] {
            hash.update(part);
        }
        let nonce = XNonce::clone_from_slice(hash.finalize().get(..NONCE)?);
        let sealed = self.cipher().encrypt(&nonce, Payload { msg: &place, aad: &bound }).ok()?;
        let mut bytes = vec![VERSION];
        for part in [&self.life[..], &nonce, &sealed] {
            bytes.extend_from_slice(part);
        }
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a text says that a client took for a cursor.
    ///
    /// # Errors
    /// Where it is none that this gateway made for this caller.
    pub(super) fn open(&self, caller: &str, text: &str) -> Result<Place, BadCursor> {
        let bytes =
            (text.len() <= LENGTH).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten().ok_or(BadCursor)?;
        let (version, rest) = bytes.split_first().ok_or(BadCursor)?;
        let (life, rest) = rest.split_first_chunk::<LIFE>().ok_or(BadCursor)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(BadCursor)?;
        if *version != VERSION || sealed.len() != SEALED {
            return Err(BadCursor);
        }
        if *life != self.life {
            return Ok(Place::Elsewhere);
        }
        let bound = self.bind(caller);
        let opened = self
            .cipher()
            .decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: &bound })
            .map_err(|_| BadCursor)?;
        let place = <[u8; 8]>::try_from(opened).map_err(|_| BadCursor)?;
        Ok(Place::Here(u64::from_be_bytes(place)))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&self.key).into())
    }

    fn bind(&self, caller: &str) -> Vec<u8> {
        [b"lg-event", &[VERSION][..], &self.life, caller.as_bytes()].concat()
    }
}
