//! The accounts: `[defaults.upstream]` and `[[sources]]`.

use url::{Host, Url};

use super::environment::Environment;
use super::problem::Problems;
use super::raw::{Placed, Section};
use super::webhook::{self, WebhookConfig};
use crate::model::id::SourceId;
use crate::secret::Secret;
use crate::upstream::policy::Policy;

/// What this room must know of a vendor. The composition root tells it.
#[derive(Clone, Copy, Debug)]
pub struct KnownVendor {
    /// Its name in the configuration.
    pub name: &'static str,
    /// Where its API lives if nothing is configured.
    pub base_url: &'static str,
    /// How its accounts are treated if nothing is configured.
    pub policy: fn() -> Policy,
}

/// One account.
#[derive(Clone, PartialEq)]
#[expect(missing_debug_implementations, reason = "holds the key")]
pub struct SourceConfig {
    /// Its name.
    pub name: SourceId,
    /// Its vendor's name, one of those that were said to be known.
    pub vendor: &'static str,
    /// Where the vendor's API lives.
    pub base_url: Url,
    /// Its key.
    pub key: Secret,
    /// How it is treated.
    pub policy: Policy,
    /// Whether leads may be changed. `false`.
    pub writes: bool,
    /// The vendor's own settings, unread.
    pub settings: toml::Table,
    /// Its webhook, if it takes one.
    pub webhook: Option<WebhookConfig>,
}

impl SourceConfig {
    /// Whether it is opened with the same key at the same place, whatever else is said of it.
    #[must_use]
    pub fn has_key_of(&self, other: &Self) -> bool {
        let Self { name, vendor, base_url, key, .. } = self;
        (name, vendor, base_url) == (&other.name, &other.vendor, &other.base_url) && *key == other.key
    }
}

/// Something that a vendor finds wrong with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Keys below the account's table.
    pub path: Vec<String>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// What accounts are read with.
pub(super) struct Surroundings<'a> {
    pub(super) problems: &'a Problems<'a>,
    pub(super) environment: Environment<'a>,
    pub(super) vendors: &'a [KnownVendor],
    pub(super) defaults: &'a toml::Table,
}

/// `[defaults.upstream]`: how accounts are treated where they do not say otherwise.
pub(super) fn defaults(root: &mut Section<'_>) -> toml::Table {
    let mut defaults = root.section("defaults");
    let upstream = defaults.table("upstream");
    defaults.refuse_others();
    if overlay(&defaults, &mut Policy::default(), &upstream) { upstream } else { toml::Table::new() }
}

/// All `[[sources]]`. `check` sees each whose vendor is known.
pub(super) fn read(
    root: &mut Section<'_>,
    around: &Surroundings<'_>,
    check: &mut dyn FnMut(&SourceConfig) -> Vec<Flaw>,
) -> Vec<SourceConfig> {
    let Some(sections) = root.sections("sources") else { return Vec::new() };
    if sections.is_empty() {
        root.complain("there are no [[sources]]", "add at least one: see examples/gateway.toml");
    }
    let mut names = Vec::new();
    let mut sources = Vec::new();
    for mut section in sections {
        let Some(source) = one(&mut section, around, &mut names) else { continue };
        for flaw in check(&source) {
            around.problems.at(&section.place(&flaw.path), flaw.what, flaw.hint);
        }
        sources.push(source);
    }
    sources
}

fn one(
    section: &mut Section<'_>,
    around: &Surroundings<'_>,
    names: &mut Vec<Placed<SourceId>>,
) -> Option<SourceConfig> {
    let name = name(section, around.problems, names);
    let vendor = vendor(section, around);
    let base_url = base_url(section, vendor);
    let variable = section.required("api_key_env", "ACME_KEY");
    let key = variable.and_then(|variable| secret(section, &variable, around.environment));
    let writes = section.boolean("writes");
    let upstream = section.table("upstream");
    let settings = section.table("settings");
    let webhook = webhook::read(section, around.environment);
    section.refuse_others();
    let vendor = vendor?;
    let mut policy = (vendor.policy)();
    for (key, what) in policy.overlay(around.defaults).err().unwrap_or_default() {
        let what = format!("`defaults.upstream.{key}` does not fit this source: it {what}");
        section.complain(&what, "set it for this source in [sources.upstream]");
    }
    overlay(section, &mut policy, &upstream);
    Some(SourceConfig {
        // Where a problem was reported, something that works stands in, so that the vendor can look at the rest.
        name: name.or_else(|| SourceId::new("unnamed"))?,
        vendor: vendor.name,
        base_url: base_url.or_else(|| Url::parse(vendor.base_url).ok())?,
        key: Secret::new(key.unwrap_or_else(|| "unset".to_owned())),
        policy,
        writes,
        settings,
        webhook,
    })
}

fn name(
    section: &mut Section<'_>,
    problems: &Problems<'_>,
    names: &mut Vec<Placed<SourceId>>,
) -> Option<SourceId> {
    let text = section.required("name", "acme-site")?;
    let Some(name) = SourceId::new(&text.value) else {
        problems.at(
            &text.span,
            format!("\"{}\" cannot be the name of a source", text.value.escape_debug()),
            "a name has 1 to 128 letters, digits and . _ ~ / -",
        );
        return None;
    };
    // An account with several sources names them `account/source`, so one name may not begin like another and go on with `/`.
    let within = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with('/'));
    for other in &*names {
        let line = problems.line(other.span.start);
        if other.value == name {
            let what = format!("the name \"{name}\" is taken already, in line {line}");
            problems.at(&text.span, what, "names are parts of ids: give each source its own");
        } else if within(name.as_str(), other.value.as_str()) || within(other.value.as_str(), name.as_str()) {
            let what =
                format!("\"{name}\" and \"{}\" (line {line}) may be taken for each other", other.value);
            problems.at(&text.span, what, "a name may not be another name, a slash and more");
        }
    }
    names.push(Placed { value: name.clone(), span: text.span });
    Some(name)
}

fn vendor(section: &mut Section<'_>, around: &Surroundings<'_>) -> Option<KnownVendor> {
    let known = around.vendors.iter().map(|vendor| vendor.name).collect::<Vec<_>>().join(", ");
    let text = section.required("vendor", around.vendors.first().map_or("", |vendor| vendor.name))?;
    let found = around.vendors.iter().find(|vendor| vendor.name == text.value).copied();
    if found.is_none() {
        let what = format!("\"{}\" is not a vendor that leadgraph knows", text.value.escape_debug());
        around.problems.at(&text.span, what, format!("known: {known}"));
    }
    found
}

fn base_url(section: &mut Section<'_>, vendor: Option<KnownVendor>) -> Option<Url> {
    let hint = vendor.map_or(String::new(), |vendor| format!("without base_url it is {}", vendor.base_url));
    address(section, "base_url", &hint)
}

/// The address of something that is asked from here: https, or http on loopback, and nothing in it that is secret.
pub(super) fn address(section: &mut Section<'_>, key: &'static str, hint: &str) -> Option<Url> {
    let text = section.text(key)?;
    let problems = section.problems();
    // The text itself is not repeated: it may hold a password.
    let refuse = |what: &str| {
        problems.at(&text.span, format!("`{key}` {what}"), hint);
        None
    };
    let Ok(url) = Url::parse(&text.value) else { return refuse("is not a URL") };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => return refuse("must be https: nothing but loopback is trusted in the clear"),
        _ => return refuse("must be https"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("may not hold a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("may not hold a query or a fragment");
    }
    Some(url)
}

/// A secret by the name of its variable.
pub(super) fn secret(
    section: &Section<'_>,
    variable: &Placed<String>,
    environment: Environment<'_>,
) -> Option<String> {
    let name = &variable.value;
    let may_name =
        |(at, c): (usize, char)| c.is_ascii_uppercase() || c == '_' || (at > 0 && c.is_ascii_digit());
    if name.is_empty() || !name.chars().enumerate().all(may_name) {
        // Not repeated: someone may have written the key itself here.
        section.problems().at(
            &variable.span,
            "this is not the name of an environment variable",
            "write the variable's name in capitals, digits and _; the key itself never goes into the file",
        );
        return None;
    }
    let wrong = match environment(name) {
        None => "is not set",
        Some(value) if value.is_empty() => "is empty",
        Some(value) if !value.bytes().all(|byte| byte.is_ascii_graphic()) => {
            "holds spaces or characters that no key has"
        }
        Some(value) => return Some(value),
    };
    let what = format!("environment variable {name} {wrong}");
    section.problems().at(&variable.span, what, format!("set it before the start: export {name}=..."));
    None
}

/// Lays a table over a policy; answers whether nothing was wrong with it.
fn overlay(section: &Section<'_>, policy: &mut Policy, table: &toml::Table) -> bool {
    let problems = policy.overlay(table).err().unwrap_or_default();
    for (key, what) in &problems {
        let span = section.place(&["upstream".to_owned(), key.clone()]);
        let hint = "see examples/gateway.toml for what can be set";
        section.problems().at(&span, format!("`upstream.{key}` {what}"), hint);
    }
    problems.is_empty()
}
