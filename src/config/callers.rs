//! Who may ask: `[[callers]]`. Those who show tokens of others stand in `issuers.rs`.

use super::issuers;
use super::problem::Problems;
use super::raw::{Placed, Section};
use super::sources::SourceConfig;
use crate::callers::key::Digest;
use crate::callers::{Known, Rates, Settings};
use crate::http;
use crate::model::caller::{Caller, Scope, Scopes, Visible};
use crate::model::id::SourceId;

/// Names that the gateway uses itself.
const OWN: [&str; 2] = ["anonymous", "leadgraph"];
const MAKE: &str = "make a key and what to write here: leadgraph key";

/// All `[[callers]]` and `[[issuers]]`. `file` is the configuration's.
pub(super) fn read(root: &mut Section<'_>, sources: &[SourceConfig], file: &str) -> Settings {
    let (mut names, mut keys) = (Vec::new(), Vec::new());
    let sections = root.sections("callers").unwrap_or_default();
    let known = sections.into_iter().filter_map(|section| one(section, sources, &mut names, &mut keys));
    let known = known.collect();
    Settings { known, issuers: issuers::read(root, sources, file) }
}

fn one(
    mut section: Section<'_>,
    sources: &[SourceConfig],
    names: &mut Vec<Placed<String>>,
    keys: &mut Vec<Placed<Digest>>,
) -> Option<Known> {
    let name = named(&mut section, names, "dashboard", "a caller");
    let key =
        section.required("key_sha256", "64 hexadecimal digits; leadgraph key makes a key and prints them");
    let key = key.and_then(|text| digest(section.problems(), &text, keys));
    let previous = section.text("previous_key_sha256");
    let previous_key = previous.and_then(|text| digest(section.problems(), &text, keys));
    let scopes = scopes(&mut section, "[[callers]]", "say what the caller may do");
    let visible = visible(&mut section, sources);
    let rates = rates(&mut section);
    section.refuse_others();
    let caller = Caller { name: name?.into(), scopes, sources: visible };
    Some(Known { caller, key: key?, previous_key, rates })
}

/// The name of what `of` says, which no other one has.
pub(super) fn named(
    section: &mut Section<'_>,
    names: &mut Vec<Placed<String>>,
    example: &str,
    of: &str,
) -> Option<String> {
    let text = section.required("name", example)?;
    let problems = section.problems();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !(1..=64).contains(&text.value.len()) || !text.value.chars().all(allowed) {
        let what = format!("\"{}\" cannot be the name of {of}", text.value.escape_debug());
        problems.at(&text.span, what, "a name has 1 to 64 letters, digits and . _ -");
        return None;
    }
    if OWN.contains(&text.value.as_str()) {
        let what = format!("\"{}\" is what the gateway itself calls someone", text.value);
        problems.at(&text.span, what, "choose another name");
        return None;
    }
    if let Some(other) = names.iter().find(|other| other.value == text.value) {
        let line = problems.line(other.span.start);
        let what = format!("the name \"{}\" is taken already, in line {line}", text.value);
        problems.at(&text.span, what, "cursors and rates are kept by name: give each its own");
    }
    names.push(Placed { value: text.value.clone(), span: text.span });
    Some(text.value)
}

/// What a key is known by, which is nobody else's: whoever shows it is one caller.
fn digest(problems: &Problems<'_>, text: &Placed<String>, keys: &mut Vec<Placed<Digest>>) -> Option<Digest> {
    let Some(value) = Digest::parse(&text.value) else {
        // Not repeated: someone may have written the key itself here.
        problems.at(&text.span, "this is not a SHA-256 digest of 64 hexadecimal digits", MAKE);
        return None;
    };
    if value == Digest::of("") {
        problems.at(&text.span, "this is the digest of nothing: the key was empty", MAKE);
    }
    if let Some(other) = keys.iter().find(|other| other.value == value) {
        let what = format!("this key is written already, in line {}", problems.line(other.span.start));
        problems.at(&text.span, what, "give each caller a key of its own: leadgraph key makes one");
    }
    keys.push(Placed { value, span: text.span.clone() });
    Some(value)
}

/// What a caller may do. Nothing is the default: who writes a caller says what for.
pub(super) fn scopes(section: &mut Section<'_>, table: &str, hint: &str) -> Scopes {
    let known = || Scope::ALL.map(Scope::as_str).join(", ");
    if !section.has("scopes") {
        section.complain(&format!("`scopes` is missing in {table}"), &format!("{hint}: {}", known()));
    }
    let words = section.texts("scopes").unwrap_or_default();
    let problems = section.problems();
    let scope = |word: &Placed<String>| {
        let scope = Scope::parse(&word.value);
        if scope.is_none() {
            let what = format!("\"{}\" is no scope", word.value.escape_debug());
            problems.at(&word.span, what, format!("known: {}", known()));
        }
        scope
    };
    words.iter().filter_map(scope).collect()
}

/// Which sources exist for a caller. All, if nothing is said.
pub(super) fn visible(section: &mut Section<'_>, sources: &[SourceConfig]) -> Visible {
    let names = section.texts("sources");
    if !section.has("sources") {
        return Visible::All;
    }
    let names = names.unwrap_or_default();
    let problems = section.problems();
    let configured =
        |id: &SourceId| sources.iter().any(|source| Visible::Only([source.name.clone()].into()).holds(id));
    let id = |name: &Placed<String>| {
        let id = SourceId::new(&name.value).filter(configured);
        if id.is_none() {
            let what = format!("\"{}\" is not a source of this file", name.value.escape_debug());
            let known: Vec<_> = sources.iter().map(|source| source.name.as_str()).collect();
            problems.at(
                &name.span,
                what,
                format!("known: {}; or one found there: name/...", known.join(", ")),
            );
        }
        id
    };
    Visible::Only(names.iter().filter_map(id).collect())
}

pub(super) fn rates(section: &mut Section<'_>) -> Rates {
    let standard = Rates::default();
    Rates {
        requests_per_second: section.number(
            "requests_per_second",
            standard.requests_per_second,
            &(1..=100_000),
        ),
        cost_per_second: section.number("cost_per_second", standard.cost_per_second, &(100..=100_000_000)),
    }
}

/// What is not written about serving is as it fits to who may ask. Where that is everyone on this machine, pages of other sites
/// may not have a name of theirs mean it; where callers are known, there is no page that shows the schema to others.
pub(super) fn fit(http: &mut http::Settings, server: &Section<'_>, anonymous: bool, callers: &Settings) {
    if callers.is_empty() && !anonymous && http.hosts.is_none() {
        http.hosts = Some(Vec::new());
    }
    if !callers.is_empty() && !server.has("graphiql") {
        http.graphiql = false;
    }
}

/// Refuses to be reached from elsewhere where nobody is known.
pub(super) fn guard(server: &Section<'_>, listen: std::net::SocketAddr, anonymous: bool, callers: &Settings) {
    if anonymous && !callers.is_empty() {
        server.problems().at(
            &server.span_of("allow_anonymous"),
            "`server.allow_anonymous` does not go with [[callers]] or [[issuers]]: whoever is not known is refused",
            "leave out one of the two",
        );
    }
    if callers.is_empty() && !anonymous && !listen.ip().is_loopback() {
        server.problems().at(
            &server.span_of("listen"),
            format!("{listen} may be reached from other machines, and there are no [[callers]]: everyone could read everything"),
            "add [[callers]] (leadgraph key makes a key), listen on 127.0.0.1, or, where something in front lets in only \
             those who may, write server.allow_anonymous = true",
        );
    }
}
