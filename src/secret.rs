//! Secrets: vendor keys and everything else that must not be shown.

use secrecy::{ExposeSecret, SecretString};

/// A secret text. It has no `Debug`, no `Display` and cannot be serialized; its memory is wiped when dropped.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "a secret that can be printed will be printed")]
pub struct Secret(SecretString);

impl PartialEq for Secret {
    /// Of two of ours; what a client sends is compared in constant time elsewhere.
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Secret {
    /// Takes a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text, for the one place that must write it: a vendor's dialect.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}
