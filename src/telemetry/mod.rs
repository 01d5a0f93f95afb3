//! Metrics, by [`metrics`]. Logs: to standard error, for people on a terminal and for programs elsewhere. Constant texts with fields, and never
//! personal data.

pub mod metrics;

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// What is logged if nothing is said.
const STANDARD: &str = "info";

/// Sets the logs up for the whole process. `filter` is what stands in `RUST_LOG`. To be called once, by `main`.
pub fn start(format: Format, filter: Option<&str>) {
    let wanted = filter.filter(|filter| !filter.is_empty()).unwrap_or(STANDARD);
    let (filter, refused) = match EnvFilter::try_new(wanted) {
        Ok(filter) => (filter, false),
        Err(_) => (EnvFilter::new(STANDARD), true),
    };
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match format {
        Format::Human => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    if refused {
        tracing::warn!(used = STANDARD, "RUST_LOG cannot be read");
    }
    // What a panic says may hold what a client or vendor sent, so only its place is told.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}
