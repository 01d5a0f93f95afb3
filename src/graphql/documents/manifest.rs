//! The documents that an operator trusts, as the tools of clients write them down.

use std::collections::HashMap;

use async_graphql::parser::parse_query;
use serde::Deserialize;

/// Trusted documents by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest(HashMap<String, String>);

/// What Apollo's `generate-persisted-query-manifest` writes.
#[derive(Deserialize)]
struct Apollo {
    format: String,
    version: u32,
    operations: Vec<Operation>,
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

impl Manifest {
    /// Reads a manifest: Relay's `persisted_queries.json` (`{"id": "document", ...}`) or Apollo's
    /// (`{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [...]}`).
    ///
    /// # Errors
    /// What is wrong with it, in words for whoever made it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let apollo = serde_json::from_str::<serde_json::Value>(text)
            .map_err(|error| format!("it is not JSON at line {}, column {}", error.line(), error.column()))?;
        let pairs: Vec<(String, String)> = if apollo.get("operations").is_some()
            || apollo.get("format").is_some()
        {
            let apollo: Apollo = serde_json::from_value(apollo)
                .map_err(|_| "it is not a manifest as Apollo's tools write it".to_owned())?;
            if apollo.format != "apollo-persisted-query-manifest" || apollo.version != 1 {
                return Err("it is not of the format `apollo-persisted-query-manifest`, version 1".to_owned());
            }
            apollo.operations.into_iter().map(|operation| (operation.id, operation.body)).collect()
        } else {
            serde_json::from_value::<HashMap<String, String>>(apollo)
                .map_err(|_| {
                    "it is neither Relay's {\"id\": \"document\"} nor a manifest of Apollo's".to_owned()
                })?
                .into_iter()
                .collect()
        };
        let mut documents = HashMap::new();
        for (id, body) in pairs {
            if parse_query(&body).is_err() {
                return Err(format!("the document \"{}\" is not GraphQL", id.escape_debug()));
            }
            let plain = id.strip_prefix("sha256:").unwrap_or(&id).to_owned();
            if documents.insert(plain, body).is_some() {
                return Err(format!("the id \"{}\" is there twice", id.escape_debug()));
            }
        }
        if documents.is_empty() { Err("it has no documents".to_owned()) } else { Ok(Self(documents)) }
    }

    /// The document of an id.
    pub(super) fn get(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }

    /// How many documents there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
