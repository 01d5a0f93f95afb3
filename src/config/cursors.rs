//! The keys that seal cursors: 32 random bytes in base64, by the name of an environment variable.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::environment::Environment;
use super::raw::Section;
use super::sources::secret;
use crate::gather::settings::CursorKey;

/// The current key first, then the one before it, which opens older cursors still.
pub(super) fn keys(section: &mut Section<'_>, environment: Environment<'_>) -> Vec<CursorKey> {
    let current = key(section, "key_env", environment);
    let previous = key(section, "previous_key_env", environment);
    if section.is_written() && !section.has("key_env") {
        section.complain(
            "`key_env` is missing in [cursors]",
            "add: key_env = \"LEADGRAPH_CURSOR_KEY\", or leave [cursors] out for a random key at every start",
        );
    }
    current.into_iter().chain(previous).collect()
}

fn key(section: &mut Section<'_>, name: &'static str, environment: Environment<'_>) -> Option<CursorKey> {
    let variable = section.text(name)?;
    let text = secret(section, &variable, environment)?;
    let bytes = BASE64_STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    if bytes.is_none() {
        section.problems().at(
            &variable.span,
            format!("environment variable {} does not hold 32 bytes in base64", variable.value),
            "make one: openssl rand -base64 32",
        );
    }
    bytes.map(CursorKey)
}
