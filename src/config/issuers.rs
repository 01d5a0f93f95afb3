//! Whose tokens are taken: `[[issuers]]`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use toml::Value;

use super::callers::{named, rates, scopes, visible};
use super::raw::{Placed, Section};
use super::sources::{self, SourceConfig};
use crate::callers::{Algorithm, Issuer, KeySet, Keys, Share};
use crate::model::caller::Visible;
use crate::model::id::SourceId;

/// The most bytes of a file of keys.
const MAX_FILE_BYTES: u64 = 256 * 1024;
/// What issuers sign by as a rule.
const USUAL: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];

/// All `[[issuers]]`. `file` is the configuration's, beside which a file of keys lies.
pub(super) fn read(root: &mut Section<'_>, sources: &[SourceConfig], file: &str) -> Vec<Issuer> {
    let (mut names, mut said) = (Vec::new(), Vec::new());
    let sections = root.sections("issuers").unwrap_or_default();
    sections.into_iter().filter_map(|section| one(section, sources, file, &mut names, &mut said)).collect()
}

fn one(
    mut section: Section<'_>,
    sources: &[SourceConfig],
    file: &str,
    names: &mut Vec<Placed<String>>,
    said: &mut Vec<Placed<String>>,
) -> Option<Issuer> {
    let name = named(&mut section, names, "corp", "an issuer");
    let issuer = section.required("issuer", "https://login.example.com/");
    if let Some(issuer) = &issuer {
        if let Some(other) = said.iter().find(|other| other.value == issuer.value) {
            let what =
                format!("the tokens of this issuer are taken already, in line {}", section.line(&other.span));
            section.problems().at(&issuer.span, what, "write each issuer once");
        }
        said.push(Placed { value: issuer.value.clone(), span: issuer.span.clone() });
    }
    let audience = section.required("audience", "leadgraph");
    let keys = keys(&mut section, file);
    let algorithms = algorithms(&mut section);
    let leeway = section.secs("leeway_secs", Duration::from_secs(60), &(0..=300));
    let mut claim = |key, standard: &str| section.text(key).map_or(standard.to_owned(), |text| text.value);
    let (name_claim, scope_claim) = (claim("name_claim", "sub"), claim("scope_claim", "scope"));
    let scopes = scopes(&mut section, "[[issuers]]", "say what its callers may do at most");
    let most = visible(&mut section, sources);
    let share = share(&mut section, sources);
    let rates = rates(&mut section);
    section.refuse_others();
    let (issuer, audience) = (issuer?.value, audience?.value);
    Some(Issuer {
        name: name?.into(),
        issuer,
        audience,
        keys: keys?,
        algorithms,
        leeway,
        name_claim,
        scope_claim,
        scopes,
        sources: most,
        share,
        rates,
    })
}

/// Where its keys come from: exactly one place.
fn keys(section: &mut Section<'_>, file: &str) -> Option<Keys> {
    let url = sources::address(section, "jwks_url", "it is where the issuer tells its public keys");
    let (has_url, path) = (section.has("jwks_url"), section.text("jwks_file"));
    match (has_url, path) {
        (true, None) => url.map(Keys::At),
        (false, Some(path)) => key_set(section, &path, file).map(Keys::Fixed),
        (true, Some(path)) => {
            let what = "`jwks_url` and `jwks_file` are two places for the same keys";
            section.problems().at(&path.span, what, "leave out one of the two");
            None
        }
        (false, None) => {
            section.complain(
                "`jwks_url` is missing in [[issuers]]",
                "add: jwks_url = \"https://login.example.com/.well-known/jwks.json\"; or jwks_file, with the keys in it",
            );
            None
        }
    }
}

fn key_set(section: &Section<'_>, path: &Placed<String>, file: &str) -> Option<KeySet> {
    let place = Path::new(file).parent().unwrap_or(Path::new("")).join(&path.value);
    let read = match fs::metadata(&place) {
        Ok(found) if found.len() > MAX_FILE_BYTES => Err("is larger than 256 KiB".to_owned()),
        Ok(_) => fs::read(&place).map_err(|error| format!("cannot be read: {}", error.kind())),
        Err(error) => Err(format!("cannot be read: {}", error.kind())),
    };
    let set = read.and_then(|json| {
        KeySet::parse(&json)
            .ok_or_else(|| "is no JSON Web Key Set with a key to check tokens with".to_owned())
    });
    set.map_err(|what| {
        section.problems().at(
            &path.span,
            format!("the file \"{}\" {what}", path.value.escape_debug()),
            "it is what the issuer's jwks_uri answers; its path begins at this file",
        );
    })
    .ok()
}

fn algorithms(section: &mut Section<'_>) -> Vec<Algorithm> {
    let Some(words) = section.texts("algorithms") else {
        return USUAL.into_iter().filter_map(Algorithm::parse).collect();
    };
    if words.is_empty() {
        let span = section.span_of("algorithms");
        section.problems().at(&span, "no token could be signed by none of these", "leave `algorithms` out");
    }
    let problems = section.problems();
    let algorithm = |word: &Placed<String>| {
        let algorithm = Algorithm::parse(&word.value);
        if algorithm.is_none() {
            let what = format!("\"{}\" is not what tokens may be signed by here", word.value.escape_debug());
            problems.at(
                &word.span,
                what,
                format!("known: {}", Algorithm::ALL.map(Algorithm::as_str).join(", ")),
            );
        }
        algorithm
    };
    words.iter().filter_map(algorithm).collect()
}

/// What exists for the one that shows a token: by a claim that names sources, or by one that the configuration has sources for.
fn share(section: &mut Section<'_>, sources: &[SourceConfig]) -> Share {
    let named = section.text("sources_claim");
    let claim = section.text("tenant_claim");
    let tenants = section.table("tenants");
    let problems = section.problems();
    match (named, claim) {
        (Some(_), Some(claim)) => {
            let what = "`sources_claim` and `tenant_claim` say twice what exists for whom";
            problems.at(&claim.span, what, "leave out one of the two");
            Share::Whole
        }
        (Some(named), None) => Share::Named(named.value),
        (None, Some(claim)) => {
            if tenants.is_empty() {
                let what = "`tenant_claim` is set, and there are no tenants: nothing would exist for anyone";
                problems.at(&claim.span, what, "add: [issuers.tenants], with acme = [\"acme-site\"]");
            }
            let given = tenants.into_iter().map(|(tenant, names)| {
                let names = tenant_sources(section, &tenant, &names, sources);
                (tenant, names)
            });
            Share::Given { claim: claim.value, sources: given.collect() }
        }
        (None, None) => {
            if !tenants.is_empty() {
                let what = "there are tenants, and no claim that says whose a token is";
                problems.at(&section.span_of("tenants"), what, "add: tenant_claim = \"tenant\"");
            }
            Share::Whole
        }
    }
}

fn tenant_sources(section: &Section<'_>, tenant: &str, names: &Value, sources: &[SourceConfig]) -> Visible {
    let configured = |id: &SourceId| sources.iter().any(|source| id.is_of(&source.name));
    let names = names.as_array().map(Vec::as_slice).unwrap_or(std::slice::from_ref(names));
    let id = |(at, name): (usize, &Value)| {
        let id = name.as_str().and_then(SourceId::new).filter(configured);
        if id.is_none() {
            let place = section.place(&["tenants".to_owned(), tenant.to_owned(), at.to_string()]);
            let what = format!("what exists for \"{}\" is not a source of this file", tenant.escape_debug());
            let known: Vec<_> = sources.iter().map(|source| source.name.as_str()).collect();
            section.problems().at(&place, what, format!("write a list of: {}", known.join(", ")));
        }
        id
    };
    Visible::Only(names.iter().enumerate().filter_map(id).collect())
}
