//! What the operator sees: metrics, by [`metrics`], and logs, to standard error, for people on a terminal and for programs
//! elsewhere. Constant texts with fields, and never personal data.

mod line;
pub mod metrics;
#[cfg(test)]
mod tests;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use self::line::Lines;

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
    let logs = logs(format, std::io::stderr).with_filter(filter.and(filter_fn(may_be_logged)));
    let _ = Registry::default().with(logs).try_init();
    if refused {
        tracing::warn!(used = STANDARD, "RUST_LOG cannot be read");
    }
    // What a panic says may hold what a client or vendor sent, so only its place is told.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}

/// What crates of others say in detail names URLs, headers and bodies, whatever `RUST_LOG` asks for.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with(env!("CARGO_PKG_NAME")) || *metadata.level() <= Level::INFO
}

/// Writes events, each with the request it belongs to.
fn logs<S, W>(format: Format, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // No colours: what paints a line could also be in a value.
    let layer = fmt::layer().with_ansi(false).with_writer(Lines(writer));
    match format {
        Format::Human => layer.boxed(),
        Format::Json => layer.json().flatten_event(true).with_current_span(false).boxed(),
    }
}
