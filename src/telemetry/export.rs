//! Traces on their way out: by OTLP over HTTP, in batches, from a thread of their own.
//!
//! What is sent waits in a bounded queue; what does not fit is lost, and nobody waits for it. Nothing of a trace goes to vendors.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Link, SpanKind, TraceId, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    Sampler, SamplingResult, SdkTracerProvider, ShouldSample, SpanData, SpanExporter,
};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::traces::{Settings, TARGET};

/// How long a collector may take for a batch.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end waits for what is still to be sent.
const LAST: Duration = Duration::from_secs(5);

const PARENT: &str = "traceparent";

/// What sends traces, until [`Export::end`].
#[derive(Debug)]
pub(super) struct Export(SdkTracerProvider);

impl Export {
    /// To be called outside of a runtime: the HTTP client has one of its own, which another one would not let be.
    pub(super) fn start(settings: &Settings) -> io::Result<Self> {
        let client = reqwest::blocking::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT);
        // As for vendors: where nothing is encrypted no roots are needed.
        let plain = settings.endpoint.scheme() == "http";
        let client = if plain { client.tls_certs_only([]) } else { client };
        let client = client.build().map_err(|error| io::Error::other(error.without_url()))?;
        let endpoint = format!("{}/v1/traces", settings.endpoint.as_str().trim_end_matches('/'));
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(TIMEOUT)
            .build()
            .map_err(io::Error::other)?;
        let resource = Resource::builder_empty()
            .with_service_name(settings.service.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        let provider = SdkTracerProvider::builder()
            .with_sampler(Share { percent: settings.sample_percent.into(), secret: RandomState::new() })
            .with_resource(resource.build())
            .with_batch_exporter(Telling { exporter, failing: AtomicBool::new(false) });
        Ok(Self(provider.build()))
    }

    /// What makes traces of the spans of [`super::traces`].
    pub(super) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("leadgraph"))
            .with_location(false)
            .with_threads(false)
            .with_level(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(filter_fn(|metadata| metadata.target() == TARGET))
    }

    /// Sends what is left.
    pub(super) fn end(&self) {
        if self.0.shutdown_with_timeout(LAST).is_err() {
            tracing::warn!("the last traces could not be delivered");
        }
    }
}

/// Takes a share of all traces, each of them whole or not at all. A client says whose child its request is, and with that names the
/// trace; whether it is taken is not the client's to say, so what decides is the name under a secret of this process.
#[derive(Clone, Debug)]
struct Share {
    percent: u64,
    secret: RandomState,
}

impl ShouldSample for Share {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let is_taken = self.secret.hash_one(trace.to_bytes()) % 100 < self.percent;
        let sampler = if is_taken { Sampler::AlwaysOn } else { Sampler::AlwaysOff };
        sampler.should_sample(parent, trace, name, kind, attributes, links)
    }
}

/// Tells the log when traces begin to get lost, and when they no longer do.
#[derive(Debug)]
struct Telling<E> {
    exporter: E,
    failing: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for Telling<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        // Why is not told: it may name an address with more in it than an address.
        match (self.failing.swap(sent.is_err(), Ordering::Relaxed), &sent) {
            (false, Err(_)) => tracing::warn!("traces cannot be delivered"),
            (true, Ok(())) => tracing::info!("traces are delivered again"),
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// The headers of a request, of which only one is looked at, if it is there once.
struct Parent<'a>(&'a HeaderMap);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.0.get_all(PARENT).iter();
        let value = values.next().filter(|_| key == PARENT)?;
        if values.next().is_some() { None } else { value.to_str().ok().filter(|value| is_whole(value)) }
    }

    fn keys(&self) -> Vec<&str> {
        vec![PARENT]
    }
}

/// Whether a `traceparent` has all its digits: the library reads one that is cut short for another one.
fn is_whole(value: &str) -> bool {
    let lengths = value.split('-').map(str::len);
    // Versions to come may say more.
    if value.starts_with("00-") { lengths.eq([2, 32, 16, 2]) } else { lengths.take(4).eq([2, 32, 16, 2]) }
}

/// Makes a span that has not begun a child of the one that these headers name, if they name one.
pub(super) fn adopt(span: &Span, headers: &HeaderMap) {
    if span.is_disabled() || !headers.contains_key(PARENT) {
        return;
    }
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Parent(headers));
    // It has not begun, so this does not fail.
    let _ = span.set_parent(context);
}
