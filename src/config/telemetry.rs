//! `[telemetry]`: where traces go.

use std::str::FromStr;

use url::Url;

use super::raw::Section;
use crate::telemetry::traces::{SAMPLE_PERCENT, SERVICE, Settings};

/// The address of a collector: plain http may be, since collectors live next door.
struct Collector(Url);

impl FromStr for Collector {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let url = Url::parse(text).map_err(|_| ())?;
        let web = matches!(url.scheme(), "http" | "https") && url.has_host();
        let bare = url.username().is_empty() && url.password().is_none();
        let bare = bare && url.query().is_none() && url.fragment().is_none();
        if web && bare { Ok(Self(url)) } else { Err(()) }
    }
}

/// `[telemetry]`. No traces without a collector.
pub(super) fn read(root: &mut Section<'_>) -> Option<Settings> {
    let mut section = root.section("telemetry");
    let endpoint = section.parsed::<Collector>("otlp_endpoint", "http://127.0.0.1:4318");
    let sample_percent = section.number("sample_percent", SAMPLE_PERCENT, &(1..=100));
    let service = section.text("service_name");
    if let Some(empty) = service.as_ref().filter(|service| service.value.trim().is_empty()) {
        let hint = "write a name, or leave it out";
        section.problems().at(&empty.span, "`telemetry.service_name` is empty", hint);
    }
    if endpoint.is_some() && !cfg!(feature = "otel") {
        section.complain(
            "traces are not in this build",
            "build with the feature `otel`, which is on by default, or leave [telemetry] out",
        );
    }
    section.refuse_others();
    let service = service.map_or_else(|| SERVICE.to_owned(), |service| service.value);
    endpoint.map(|Collector(endpoint)| Settings { endpoint, sample_percent, service })
}
