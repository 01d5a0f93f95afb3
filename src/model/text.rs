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
    let mark = |c: char| matches!(c, ' ' | '.' | '-' | '(' | ')');
    let rest = phone.trim_start_matches(mark).strip_prefix('+')?;
    let digits = || rest.chars().filter(|c| !mark(*c));
    let count = digits().count();
    let certain =
        (7..=15).contains(&count) && digits().all(|c| c.is_ascii_digit()) && digits().next() != Some('0');
    // Most numbers are not, so room is asked for only now, and no more of it than is kept.
    certain.then(|| {
        let mut bare = String::with_capacity(1 + count);
        bare.push('+');
        bare.extend(digits());
        bare
    })
}

/// How two e-mail addresses are compared: trimmed and in lower case.
#[must_use]
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}
