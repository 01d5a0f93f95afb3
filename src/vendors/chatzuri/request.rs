//! What all calls share: one client to a team, GET or POST, the names of parameters, pages and days.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::Method;

use super::super::days::days;
use super::super::kit;
use super::agent::Agent;
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::SourceId;
use crate::model::page::PageToken;
use crate::source::Span;
use crate::upstream::call::{Call, Path};
use crate::upstream::client::Client;
use crate::upstream::failure::{Kind, UpstreamError};

/// Parameters, whether they travel in the query or in a body.
pub(super) type Fields = Vec<(&'static str, String)>;

/// The most rows to a page. Documented for conversations, assumed for leads (CHATZURI-12).
pub(super) const PAGE_SIZE: u16 = 100;

/// One account, which is one key, which opens one team (CHATZURI-3): what all its agents share.
pub(super) struct Team {
    /// The account's name.
    pub(super) name: SourceId,
    /// The one way to the vendor: its quota counts by key, not by agent.
    pub(super) client: Client,
    /// Whether it takes webhooks.
    pub(super) webhooks: bool,
    agent_field: &'static str,
    lists: Manner,
}

impl Team {
    pub(super) fn new(name: SourceId, client: Client, legacy_param_names: bool, webhooks: bool) -> Self {
        // CHATZURI-7: one name or the other, never both: a check for unknown names could refuse the call.
        let agent_field = if legacy_param_names { "chatbotId" } else { "agentId" };
        Self { name, client, webhooks, agent_field, lists: Manner::default() }
    }
}

/// Whether endpoints want GET with a query or POST with the same fields in a JSON body (CHATZURI-6). GET until a 405
/// has taught us otherwise; then remembered, so that the lesson costs one call. All lists of a team are taken to want the same.
#[derive(Default)]
pub(super) struct Manner {
    posts: AtomicBool,
}

impl Manner {
    /// Sends `call`, and once more in the other manner where the first one was refused with 405 and nothing else.
    pub(super) async fn send(
        &self,
        client: &Client,
        call: Call,
        fields: &Fields,
    ) -> Result<Bytes, UpstreamError> {
        let posts = self.posts.load(Ordering::Relaxed);
        let answer = client.send(&dressed(call.clone(), fields, posts)).await;
        if !matches!(&answer, Err(error) if error.kind == Kind::MethodRefused) {
            return answer.map(|reply| reply.body);
        }
        let answer = client.send(&dressed(call, fields, !posts)).await;
        if answer.is_ok() {
            self.posts.store(!posts, Ordering::Relaxed);
        }
        answer.map(|reply| reply.body)
    }
}

fn dressed(call: Call, fields: &Fields, posts: bool) -> Call {
    if !posts {
        return Call { query: fields.clone(), ..call };
    }
    let body: serde_json::Map<String, serde_json::Value> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    // Still a read: it may be sent again.
    Call { method: Method::POST, body: Some(serde_json::Value::from(body).to_string().into()), ..call }
}

impl Agent {
    /// Reads one page of a list, still to be decoded.
    pub(super) async fn list(
        &self,
        cx: &Cx,
        op: &'static str,
        endpoint: &'static str,
        span: Span,
        filter: Option<(&'static str, String)>,
        from: Option<&PageToken>,
    ) -> Result<Bytes, SourceError> {
        if let Some(refusal) = self.refusal(op) {
            return Err(refusal);
        }
        let (page, size) =
            page_and_size(from).ok_or_else(|| SourceError::new(&self.id, op, SourceErrorKind::StaleToken))?;
        let mut fields = vec![(self.team.agent_field, self.agent.to_string())];
        fields.extend(days(span)); // CHATZURI-14, CHATZURI-15, CHATZURI-16
        fields.push(("page", page.to_string()));
        fields.push(("size", size.to_string()));
        fields.extend(filter);
        let call = kit::read(cx, op, Path::new(&[endpoint]));
        let answer = self.team.lists.send(&self.team.client, call, &fields).await;
        // CHATZURI-25: a 404 here is a wrong agent, so it stays a failure.
        answer.map_err(|error| self.failure(error))
    }
}

/// CHATZURI-11: pages count from 1; number and size are always sent. A size that the vendor would cut down silently would
/// shift every later page, so it is not sent.
fn page_and_size(from: Option<&PageToken>) -> Option<(u32, u16)> {
    match from {
        None => Some((1, PAGE_SIZE)),
        Some(PageToken::Offset { page, size }) => (size.get() <= PAGE_SIZE).then(|| (page.get(), size.get())),
        Some(PageToken::Cursor(_)) => None,
    }
}
