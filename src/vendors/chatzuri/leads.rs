//! Lists an agent's leads.

use std::num::NonZeroU16;

use super::super::kit;
use super::agent::Agent;
use super::request::PAGE_SIZE;
use super::{normalize, wire};
use crate::model::caps::{LeadCaps, ListCaps, Paging, TimeFilter};
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::id::SourceId;
use crate::model::lead::Lead;
use crate::model::page::{Page, PageToken};
use crate::source::{LeadQuery, List};

/// The operation's name.
pub(super) const OP: &str = "leads.list";

impl List<Lead> for Agent {
    fn caps(&self) -> LeadCaps {
        caps()
    }

    async fn page(
        &self,
        cx: &Cx,
        query: &LeadQuery,
        from: Option<&PageToken>,
    ) -> Result<Page<Lead>, SourceError> {
        any_page(&self.id, &self.list(cx, OP, "get-leads", query.created, None, from).await?)
    }
}

/// What any page of a list says.
pub(super) fn any_page(source: &SourceId, body: &[u8]) -> Result<Page<Lead>, SourceError> {
    let rows = wire::rows(OP, body).map_err(|error| kit::lift(source, error))?;
    Ok(kit::rows(&rows, |wire, text| normalize::lead(source, wire, text)))
}

/// What the vendor's list of leads can do: no status, no search, no link to a conversation.
pub(super) fn caps() -> LeadCaps {
    LeadCaps {
        list: list_caps(&["createdAt"]),
        status: &[],
        has_status: false,
        has_conversation: false,
        email: false,
    }
}

/// What both lists have. CHATZURI-13: pages by offset, in no promised order.
pub(super) fn list_caps(vendor_filters: &'static [&'static str]) -> ListCaps {
    ListCaps {
        paging: Paging::Offset,
        page_size: NonZeroU16::new(PAGE_SIZE).unwrap_or(NonZeroU16::MIN),
        since: TimeFilter::Day,
        until: TimeFilter::Day,
        vendor_filters,
    }
}
