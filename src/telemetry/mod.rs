//! What the operator sees: metrics, by [`metrics`], traces, by [`traces`], and logs, to standard error, for people on a terminal
//! and for programs elsewhere. Constant texts with fields, and never personal data.

#[cfg(feature = "otel")]
mod export;
mod line;
pub mod metrics;
#[cfg(test)]
mod tests;
pub mod traces;

use std::io;

use tracing::{Level, Metadata, Span, Subscriber};
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

/// What must be ended at the end of the process: traces that have not been sent yet.
#[derive(Debug)]
#[must_use]
pub struct Telemetry {
    #[cfg(feature = "otel")]
    export: Option<export::Export>,
}

impl Telemetry {
    /// Sends what is left, for some seconds at most. To be called outside of a runtime.
    pub fn end(self) {
        #[cfg(feature = "otel")]
        if let Some(export) = self.export {
            export.end();
        }
    }
}

/// Sets logs and traces up for the whole process. `filter` is what stands in `RUST_LOG`; without `traces` none are made. To be
/// called once, by `main`, outside of a runtime.
///
/// # Errors
/// Where what sends traces cannot be made, or this build has none.
pub fn start(
    format: Format,
    filter: Option<&str>,
    traces: Option<&traces::Settings>,
) -> io::Result<Telemetry> {
    #[cfg(feature = "otel")]
    let export = traces.map(export::Export::start).transpose()?;
    #[cfg(not(feature = "otel"))]
    if traces.is_some() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "traces are not in this build"));
    }
    let wanted = filter.filter(|filter| !filter.is_empty()).unwrap_or(STANDARD);
    let (filter, refused) = match EnvFilter::try_new(wanted) {
        Ok(filter) => (filter, false),
        Err(_) => (EnvFilter::new(STANDARD), true),
    };
    #[cfg(feature = "otel")]
    let traced = export.as_ref().map(export::Export::layer::<Registry>);
    #[cfg(not(feature = "otel"))]
    let traced: Option<tracing_subscriber::layer::Identity> = None;
    let _ = subscriber(format, std::io::stderr, filter, traced).try_init();
    if refused {
        tracing::warn!(used = STANDARD, "RUST_LOG cannot be read");
    }
    // What a panic says may hold what a client or vendor sent, so only its place is told.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
    Ok(Telemetry {
        #[cfg(feature = "otel")]
        export,
    })
}

/// What logs, and traces where there is what does. Not a layer that may be none: beneath one, each span of traces is made, entered
/// and ended for nobody.
fn subscriber<W, T>(
    format: Format,
    writer: W,
    filter: EnvFilter,
    traced: Option<T>,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    T: Layer<Registry> + Send + Sync,
{
    match traced {
        Some(traced) => Box::new(Registry::default().with(traced).with(logs(format, writer, filter))),
        None => Box::new(Registry::default().with(logs(format, writer, filter))),
    }
}

/// The span of a request in logs, by which each of its lines bears its id. At a level that no filter leaves out before the lines
/// themselves. What runs in a task of its own is to be in this one *and* in the current one: logs do not see the spans of traces,
/// and what is above these is not among the task's own.
pub fn request(id: &str) -> Span {
    tracing::error_span!(parent: None, "request", request_id = id)
}

/// What crates of others say in detail names URLs, headers and bodies, whatever `RUST_LOG` asks for. Spans of traces are not for
/// logs.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    if metadata.target() == traces::TARGET {
        return false;
    }
    metadata.target().starts_with(env!("CARGO_PKG_NAME")) || *metadata.level() <= Level::INFO
}

/// Writes events that a filter lets through, each with the request it belongs to.
fn logs<S, W>(format: Format, writer: W, filter: EnvFilter) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // No colours: what paints a line could also be in a value.
    let layer = fmt::layer().with_ansi(false).with_writer(Lines(writer));
    let layer = match format {
        Format::Human => layer.boxed(),
        Format::Json => layer.json().flatten_event(true).with_current_span(false).boxed(),
    };
    layer.with_filter(filter.and(filter_fn(may_be_logged)))
}
