use std::io;
use std::sync::{Arc, Mutex};

use super::*;

/// What has been written.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All that is written while `act` runs, line by line.
fn written(format: Format, act: impl FnOnce()) -> Vec<String> {
    let page = Page::default();
    let writer = page.clone();
    let none: Option<tracing_subscriber::layer::Identity> = None;
    let subscriber = subscriber(format, move || writer.clone(), EnvFilter::new("trace"), none);
    tracing::subscriber::with_default(subscriber, act);
    let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    assert!(text.ends_with('\n'), "{text:?}");
    text.strip_suffix('\n').unwrap().split('\n').map(str::to_owned).collect()
}

const HOSTILE: [&str; 6] = [
    "Eve\u{1b}[31m\u{1b}]0;owned\u{7}",
    "Eve\r\n2026-05-11T12:00:00Z ERROR leadgraph: forged",
    "Eve\u{202e}gpj.exe\u{2066}",
    "Eve\u{85}\u{2028}\u{2029}forged",
    "Eve\u{9b}31m\u{0}\u{8}",
    "Eve\u{e0041}\u{feff}\u{200b}",
];

#[test]
fn hostile_name_is_one_escaped_line_in_every_form() {
    for name in HOSTILE {
        let log = || {
            let _request = tracing::error_span!("request", request_id = name).entered();
            tracing::info!(text = name, shown = %name, debug = ?name, "an event");
        };
        for format in [Format::Human, Format::Json] {
            let lines = written(format, log);
            assert_eq!(lines.len(), 1, "{lines:?}");
            let line = &lines[0];
            let wild = |c: char| {
                c.is_control() || "\u{202e}\u{2066}\u{2028}\u{2029}\u{feff}\u{200b}\u{e0041}".contains(c)
            };
            assert!(!line.chars().any(wild), "{line:?}");
            assert_eq!(line.matches("Eve").count(), 4, "{line:?}");
        }
    }
}

#[test]
fn json_line_says_what_was_logged() {
    for name in HOSTILE {
        let lines = written(Format::Json, || {
            let _request = tracing::error_span!("request", request_id = "r-1").entered();
            tracing::info!(text = name, "an event");
        });
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["text"], name, "the escapes are JSON's own");
        assert_eq!(line["spans"][0]["request_id"], "r-1");
    }
}

#[test]
fn details_of_other_crates_are_never_logged() {
    let lines = written(Format::Json, || {
        tracing::debug!(target: "hyper::client", url = "https://vendor.example/?email=eve", "connecting");
        tracing::trace!(target: "reqwest", "sending");
        tracing::trace!("ours");
        tracing::info!(target: "hyper::client", "theirs");
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("ours") && lines[1].contains("theirs"));
}

#[test]
fn where_no_traces_are_sent_none_of_their_spans_is_made() {
    let made = || {
        let headers = http::HeaderMap::new();
        [
            traces::request("GET", "/graphql", "r.1", &headers),
            traces::operation(),
            traces::read("spelo", "leads", false),
            request("r.1"),
        ]
        .map(|span| !span.is_disabled())
    };
    let none: Option<tracing_subscriber::layer::Identity> = None;
    let subscriber = subscriber(Format::Json, io::sink, EnvFilter::new("trace"), none);
    assert_eq!(tracing::subscriber::with_default(subscriber, made), [false, false, false, true]);
}
