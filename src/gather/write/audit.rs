//! Who wrote what, as a log line of its own target, `leadgraph::audit`: one for each order, whatever ends it. Names of fields,
//! never their values.

use super::order::{Outcome, Written};
use crate::model::cx::Cx;
use crate::model::id::{Key, SourceId};

/// An order that is being carried out. Told when it is dropped: one that ends in a panic ends unknown.
pub(super) struct Audit {
    cx: Cx,
    op: &'static str,
    lead: Key,
    fields: Vec<&'static str>,
    outcome: Outcome,
    /// Whether the vendor was seen to have it only by a second look.
    pub(super) verified_by_read: bool,
}

impl Audit {
    /// The order is being carried out.
    pub(super) fn open(cx: &Cx, op: &'static str, lead: Key, fields: Vec<&'static str>) -> Self {
        Self { cx: cx.clone(), op, lead, fields, outcome: Outcome::Unknown, verified_by_read: false }
    }

    /// The order has come to this.
    pub(super) fn close(mut self, written: &Written) {
        self.outcome = written.outcome;
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        tracing::info!(
            target: "leadgraph::audit",
            op = self.op,
            caller = &*self.cx.caller.name,
            source = self.lead.source.as_str(),
            record = self.lead.native.as_str(),
            fields = self.fields.join(","),
            outcome = ?self.outcome,
            verified_by_read = self.verified_by_read,
            request_id = &*self.cx.request_id,
            "write"
        );
    }
}

/// Tells that somebody had a link to a recording made, or tried to.
pub(in crate::gather) fn recording(cx: &Cx, source: &SourceId, record: &Key, outcome: &'static str) {
    tracing::info!(
        target: "leadgraph::audit",
        op = "recording",
        caller = &*cx.caller.name,
        source = source.as_str(),
        record = record.native.as_str(),
        outcome,
        request_id = &*cx.request_id,
        "link to a recording"
    );
}
