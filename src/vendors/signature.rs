//! Who sent a webhook: secrets that both sides know, and the signatures made with them.
//!
//! Everything is compared in constant time, and always with every secret, so that how long it takes tells nothing about any
//! of them. Two secrets are good at a time, so that one can be replaced without losing a delivery.

use hmac::digest::Digest;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha1::Sha1;
use sha2::Sha256;

use crate::secret::Secret;

/// The secrets of one webhook.
#[derive(Clone)]
pub(super) struct Secrets(Vec<Secret>);

impl Secrets {
    /// Takes secrets, none of them empty, or `None` where there is none.
    pub(super) fn new(secrets: Vec<Secret>) -> Option<Self> {
        let sound = !secrets.is_empty() && secrets.iter().all(|secret| !secret.expose().is_empty());
        sound.then_some(Self(secrets))
    }

    /// Whether `signature` is the HMAC-SHA256, by one of the secrets, of `parts` one after the other.
    pub(super) fn sha256(&self, parts: &[&[u8]], signature: &[u8]) -> bool {
        self.signed::<Hmac<Sha256>>(parts, signature)
    }

    /// Whether `signature` is the HMAC-SHA1, by one of the secrets, of `body`.
    pub(super) fn sha1(&self, body: &[u8], signature: &[u8]) -> bool {
        self.signed::<Hmac<Sha1>>(&[body], signature)
    }

    /// Whether `text` is one of the secrets. Both are hashed before they are compared, so that neither content nor length
    /// shows in the time that takes.
    pub(super) fn hold(&self, text: &[u8]) -> bool {
        let keyed = |key: &[u8]| <Hmac<Sha256> as KeyInit>::new_from_slice(key).ok();
        let Some(theirs) = keyed(text) else { return false };
        let matches = |secret: &Secret| {
            let ours = keyed(secret.expose().as_bytes());
            ours.is_some_and(|ours| theirs.clone().verify(&ours.finalize().into_bytes()).is_ok())
        };
        self.any(matches)
    }

    fn signed<M: Mac + KeyInit>(&self, parts: &[&[u8]], signature: &[u8]) -> bool {
        self.any(|secret| {
            // A key of any length is a good key for HMAC.
            let Ok(mut mac) = <M as KeyInit>::new_from_slice(secret.expose().as_bytes()) else {
                return false;
            };
            parts.iter().for_each(|part| mac.update(part));
            mac.verify_slice(signature).is_ok()
        })
    }

    /// Asks every secret, also those after one that fits.
    fn any(&self, fits: impl Fn(&Secret) -> bool) -> bool {
        self.0.iter().fold(false, |any, secret| fits(secret) | any)
    }
}

/// What a header says. `None` where it is missing, not text, or there more than once: of two, one may be forged.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok().map(str::trim)
}

/// The bytes of a text of exactly `N` of them in hex.
pub(super) fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        for digit in pair {
            let value = char::from(*digit).to_digit(16)?;
            *byte = (*byte << 4) | u8::try_from(value).ok()?;
        }
    }
    Some(bytes)
}

/// The signatures of a header, which may hold several (while the vendor replaces its secret): separated by commas or
/// spaces, at most four.
pub(super) fn several(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ']).filter(|one| !one.is_empty()).take(4)
}

/// A mark of an event (`Told::mark`): its parts, told apart, hashed.
pub(super) fn mark(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
