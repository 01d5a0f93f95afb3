//! Who asks.

use async_graphql::SimpleObject;

use crate::model::cx::Cx;

/// Who asks, and what they may read.
#[derive(SimpleObject)]
pub(in crate::graphql) struct Viewer {
    /// The caller's name; `anonymous` where the gateway knows no callers.
    name: String,
    /// What the caller may read. As long as the gateway knows no callers, everyone holds every scope:
    /// `leads:read` (records), `pii:read` (personal data), `raw:read` (vendors' own objects), `recordings:read` (links to recordings).
    scopes: Vec<&'static str>,
}

impl Viewer {
    /// Who asks in this request.
    pub(in crate::graphql) fn new(cx: &Cx) -> Self {
        let scopes = vec!["leads:read", "pii:read", "raw:read", "recordings:read"];
        Self { name: cx.caller.to_string(), scopes }
    }
}
