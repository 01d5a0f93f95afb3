//! Leads: list and read.

use std::num::NonZeroU16;

use super::super::{kit, lenient};
use super::calls::{self, PAGE_SIZE};
use super::{Spelo, normalize};
use crate::model::caps::{LeadCaps, ListCaps, Paging, TimeFilter};
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::id::{NativeId, SourceId};
use crate::model::lead::{Lead, LeadStatus};
use crate::model::page::{Page, PageToken};
use crate::source::{LeadQuery, List, Read};
use crate::upstream::failure::{Kind, UpstreamError};

pub(super) const COLLECTION: &str = "leads";
const LIST: &str = "leads.list";

/// SPELO-9: one word for each, and a filter for each.
pub(super) const STATUS: &[LeadStatus] =
    &[LeadStatus::New, LeadStatus::Contacted, LeadStatus::Qualified, LeadStatus::Disqualified];

impl List<Lead> for Spelo {
    fn caps(&self) -> LeadCaps {
        LeadCaps {
            list: ListCaps {
                paging: Paging::Cursor, // SPELO-5, SPELO-7
                page_size: NonZeroU16::new(PAGE_SIZE).unwrap_or(NonZeroU16::MIN),
                since: TimeFilter::Exact, // SPELO-10
                until: TimeFilter::None,  // SPELO-31
                vendor_filters: &["status", "createdAt"],
            },
            status: STATUS,
            has_status: true,
            has_conversation: true, // SPELO-27
            email: false,           // SPELO-31
        }
    }

    async fn page(
        &self,
        cx: &Cx,
        query: &LeadQuery,
        from: Option<&PageToken>,
    ) -> Result<Page<Lead>, SourceError> {
        let mut filters = Vec::new();
        filters.extend(query.status.and_then(word).map(|word| ("status", word.to_owned())));
        filters.extend(query.created.since.map(|since| ("since", since.to_string())));
        let asked = self.asked(LIST, from)?;
        let body = self.list(cx, LIST, COLLECTION, filters, asked).await?;
        page(&self.id, &body, asked)
    }
}

/// What the first page of a list says.
pub(super) fn first_page(source: &SourceId, body: &[u8]) -> Result<Page<Lead>, SourceError> {
    page(source, body, None)
}

fn page(source: &SourceId, body: &[u8], asked: Option<&str>) -> Result<Page<Lead>, SourceError> {
    calls::page(source, LIST, body, asked, |lead, raw| normalize::lead(source, lead, raw))
}

impl Read<Lead> for Spelo {
    async fn get(&self, cx: &Cx, id: &NativeId) -> Result<Option<Lead>, SourceError> {
        let op = "leads.get";
        let lift = |error| kit::lift(&self.id, error);
        let found = self.record(cx, op, COLLECTION, id, &[]).await;
        let Some(raw) = found.map_err(lift)? else { return Ok(None) };
        let lead = lenient::object(&raw).and_then(|wire| normalize::lead(&self.id, wire, &raw));
        lead.map(Some).ok_or_else(|| lift(UpstreamError::new(op, Kind::Protocol)))
    }
}

/// The vendor's word for a unified status, where it has exactly one.
pub(super) fn word(status: LeadStatus) -> Option<&'static str> {
    match status {
        LeadStatus::New => Some("new"),
        LeadStatus::Contacted => Some("contacted"),
        LeadStatus::Qualified => Some("qualified"),
        LeadStatus::Disqualified => Some("disqualified"),
        _ => None,
    }
}
