//! Rules for text that several vendors share: what counts as empty, as a phone number, as the same e-mail address.

use std::sync::Arc;

/// JSON text, kept as the vendor sent it. Parsed only where a client selects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// Takes text that is known to be valid JSON.
    #[must_use]
    pub fn from_valid(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Trims, and makes nothing of an empty text.
#[must_use]
pub fn present(text: &str) -> Option<&str> {
    let trimmed = text.trim();
    (!trimmed.is_empty()).then_some(trimmed)
}

/// The E.164 form of a phone number, only where it is certain: after removing spaces, dots, dashes and parentheses
/// it must be `+`, a digit 1 to 9, and 6 to 14 more digits. A country code is never guessed.
#[must_use]
pub fn e164(phone: &str) -> Option<String> {
    let bare: String = phone.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '(' | ')')).collect();
    let digits = bare.strip_prefix('+')?;
    let certain = (7..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0');
    certain.then_some(bare)
}

/// How two e-mail addresses are compared: trimmed and in lower case.
#[must_use]
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}
