//! The documents that clients may name, and the manifest of those that are trusted.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::raw::{Placed, Section};
use crate::graphql::{DocumentSettings, Manifest};

/// The most bytes of a manifest.
const MAX_MANIFEST_BYTES: u64 = 16 << 20;

/// `[documents]`. `file` is the configuration's: a manifest's path begins where that lies.
pub(super) fn read(root: &mut Section<'_>, file: &str) -> DocumentSettings {
    let standard = DocumentSettings::default();
    let mut section = root.section("documents");
    let automatic = section.flag("automatic", standard.automatic);
    let path = section.text("manifest");
    let only_trusted = section.flag("only_trusted", standard.only_trusted);
    if only_trusted && path.is_none() {
        section.complain(
            "`only_trusted` is set in [documents], and no document is trusted",
            "add: manifest = \"persisted_queries.json\"",
        );
    }
    let trusted = path.map_or(standard.trusted, |path| Arc::new(manifest(&section, &path, file)));
    section.refuse_others();
    DocumentSettings { automatic, trusted, only_trusted }
}

fn manifest(section: &Section<'_>, path: &Placed<String>, file: &str) -> Manifest {
    let place = Path::new(file).parent().unwrap_or(Path::new("")).join(&path.value);
    let text = match fs::metadata(&place) {
        Ok(found) if found.len() > MAX_MANIFEST_BYTES => Err("it is larger than 16 MiB".to_owned()),
        Ok(_) => fs::read_to_string(&place).map_err(|error| format!("it cannot be read: {}", error.kind())),
        Err(error) => Err(format!("it cannot be read: {}", error.kind())),
    };
    text.and_then(|text| Manifest::parse(&text)).unwrap_or_else(|what| {
        section.problems().at(
            &path.span,
            format!("the manifest \"{}\": {what}", path.value.escape_debug()),
            "it is what Relay's compiler or Apollo's generate-persisted-query-manifest writes; its path begins at this file",
        );
        Manifest::default()
    })
}
