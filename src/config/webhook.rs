//! `[sources.webhook]`: the secrets of a source's webhook, by the names of their variables, and what its vendor sets beside.

use super::environment::Environment;
use super::raw::Section;
use super::sources::secret;
use crate::secret::Secret;

/// A source's webhook.
#[derive(Clone, PartialEq)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct WebhookConfig {
    /// The current secret first, then the one that will take its place.
    pub secrets: Vec<Secret>,
    /// The vendor's own settings, unread.
    pub settings: toml::Table,
}

/// The webhook of a source that has one.
pub(super) fn read(source: &mut Section<'_>, environment: Environment<'_>) -> Option<WebhookConfig> {
    let mut section = source.section("webhook");
    if !section.is_written() {
        return None;
    }
    let mut settings = source.table("webhook");
    let current = section.required("secret_env", "ACME_WEBHOOK_SECRET");
    let variables = [current, section.text("next_secret_env")];
    settings.retain(|key, _| key != "secret_env" && key != "next_secret_env");
    let secrets = variables.iter().flatten();
    // Where a problem was reported, something that works stands in, so that the vendor can look at the rest.
    let secrets = secrets.map(|variable| secret(&section, variable, environment));
    let mut secrets: Vec<_> =
        secrets.map(|text| Secret::new(text.unwrap_or_else(|| "unset".to_owned()))).collect();
    if secrets.is_empty() {
        secrets.push(Secret::new("unset"));
    }
    Some(WebhookConfig { secrets, settings })
}
