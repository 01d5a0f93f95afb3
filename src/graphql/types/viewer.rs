//! Who asks.

use async_graphql::SimpleObject;

use crate::model::caller::Scope;
use crate::model::cx::Cx;

/// Who asks, and what they may read.
#[derive(SimpleObject)]
pub(in crate::graphql) struct Viewer {
    /// The caller's name; `anonymous` where the gateway knows no callers.
    name: String,
    /// What the caller may do: `leads:read` (read records), `leads:write` (change leads), `pii:read` (read personal data),
    /// `raw:read` (read vendors' own objects), `recordings:read` (have links to recordings made), `events:read` (follow
    /// events), `admin` (see how the gateway is doing). As long as the gateway knows no callers, everyone holds all of them.
    scopes: Vec<&'static str>,
}

impl Viewer {
    /// Who asks in this request.
    pub(in crate::graphql) fn new(cx: &Cx) -> Self {
        let scopes = cx.caller.scopes.iter().map(Scope::as_str).collect();
        Self { name: cx.caller.name.to_string(), scopes }
    }
}
