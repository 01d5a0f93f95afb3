//! Listing leads (`GET /leads`) and reading one (`GET /leads/{leadId}`).

use std::num::NonZeroU16;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::dialect::LIST;
use super::normalize::{self, status_word};
use super::wire::{Envelope, LeadList};
use super::{DateFilter, LeadSail};
use crate::model::caps::{LeadCaps, ListCaps, Paging, TimeFilter};
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{NativeId, SourceId};
use crate::model::lead::{Lead, LeadStatus};
use crate::model::page::{Page, PageToken};
use crate::model::text::present;
use crate::source::{LeadQuery, List, Read};
use crate::upstream::call::Path;
use crate::upstream::failure::{Kind, UpstreamError};
use crate::vendors::days::days;
use crate::vendors::kit;

/// The most that LeadSail gives to a page (LEADSAIL-5).
const PAGE_SIZE: NonZeroU16 = NonZeroU16::MIN.saturating_add(99);
const READ: &str = "leads.get";

impl List<Lead> for LeadSail {
    fn caps(&self) -> LeadCaps {
        let by_creation = self.dates == DateFilter::Created;
        let time = if by_creation { TimeFilter::Day } else { TimeFilter::None }; // LEADSAIL-11
        LeadCaps {
            list: ListCaps {
                paging: Paging::Cursor, // LEADSAIL-10
                page_size: PAGE_SIZE,
                since: time,
                until: time,
                vendor_filters: if by_creation {
                    &["status", "email", "createdAt"]
                } else {
                    &["status", "email"]
                },
            },
            status: &[
                LeadStatus::New,
                LeadStatus::Contacted,
                LeadStatus::Unreachable,
                LeadStatus::DoNotContact,
            ],
            has_status: true,
            has_conversation: false,
            email: true,
        }
    }

    async fn page(
        &self,
        cx: &Cx,
        query: &LeadQuery,
        from: Option<&PageToken>,
    ) -> Result<Page<Lead>, SourceError> {
        let cursor = match from {
            None => None,
            Some(PageToken::Cursor(cursor)) => Some(&**cursor),
            Some(PageToken::Offset { .. }) => return Err(self.stale()),
        };
        let mut call = kit::read(cx, LIST, Path::new(&["leads"]));
        call.query = self.parameters(query);
        call.query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        let reply = match self.client.send(&call).await {
            // The cursor is the id of a lead, which may be gone by now (LEADSAIL-8).
            Err(error) if cursor.is_some() && matches!(error.kind, Kind::Invalid | Kind::NotFound) => {
                return Err(self.stale().because(error));
            }
            other => other.map_err(|error| kit::lift(&self.id, error))?,
        };
        page(&self.id, &reply.body, cursor)
    }
}

/// What the first page of a list says.
pub(super) fn first_page(source: &SourceId, body: &[u8]) -> Result<Page<Lead>, SourceError> {
    page(source, body, None)
}

/// What the page says that was read at `cursor`.
fn page(source: &SourceId, body: &[u8], cursor: Option<&str>) -> Result<Page<Lead>, SourceError> {
    let list: Result<Envelope<LeadList<'_>>, _> = kit::decode(LIST, body);
    let list = list.map_err(|error| kit::lift(source, error))?.data;
    let mut page = kit::each(&list.leads, |raw| normalize::lead(source, raw));
    page.next = match following(&list, &page, cursor) {
        Following::End => None,
        Following::Cursor(next) => Some(PageToken::Cursor(next)),
        Following::EmptyButMore => {
            tracing::warn!(%source, "list said that there is more, on a page without rows; taken for the end");
            None
        }
        Following::Lost => return Err(kit::lift(source, UpstreamError::new(LIST, Kind::Protocol))),
    };
    Ok(page)
}

impl LeadSail {
    fn stale(&self) -> SourceError {
        SourceError::new(&self.id, LIST, SourceErrorKind::StaleToken)
    }

    fn parameters(&self, query: &LeadQuery) -> Vec<(&'static str, String)> {
        // The default is not documented, so it is never left to LeadSail (LEADSAIL-5).
        let mut parameters = vec![("limit", PAGE_SIZE.to_string())];
        parameters.extend(self.scope.iter().cloned());
        if let Some(word) = query.status.and_then(status_word) {
            parameters.push(("status", word.to_owned()));
        }
        if let Some(email) = &query.email {
            parameters.push(("search", (**email).to_owned())); // LEADSAIL-13
        }
        if self.dates == DateFilter::Created {
            parameters.extend(days(query.created));
        }
        parameters
    }
}

/// Where a list goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Following {
    /// Nowhere: this was the last page.
    End,
    /// At this cursor.
    Cursor(Arc<str>),
    /// The page was empty and said that there is more: taken for the end, with a warning (LEADSAIL-7).
    EmptyButMore,
    /// There is more, but nothing says where, or it is where we are already.
    Lost,
}

/// Where the list goes on after `page`, which was read at `cursor`.
pub(super) fn following(list: &LeadList<'_>, page: &Page<Lead>, cursor: Option<&str>) -> Following {
    let named = list.next_cursor.as_str().and_then(present);
    // `nextCursor` means nothing where `hasMore` is false. Without a word in `hasMore` it is all we have (LEADSAIL-7).
    let more = list.has_more.as_bool().unwrap_or(named.is_some());
    if !more {
        return Following::End;
    }
    if page.sent() == 0 {
        return Following::EmptyButMore;
    }
    // The cursor is documented to be the id of the last row (LEADSAIL-6).
    let last = page.rows.last().map(|lead| lead.key.native.as_str());
    match named.or(last) {
        Some(next) if Some(next) != cursor => Following::Cursor(next.into()),
        _ => Following::Lost,
    }
}

impl Read<Lead> for LeadSail {
    async fn get(&self, cx: &Cx, id: &NativeId) -> Result<Option<Lead>, SourceError> {
        Ok(self.detail(cx, id).await?.map(|(lead, _)| lead))
    }
}

impl LeadSail {
    /// One lead, and its object as it was sent.
    pub(super) async fn detail(
        &self,
        cx: &Cx,
        id: &NativeId,
    ) -> Result<Option<(Lead, Box<RawValue>)>, SourceError> {
        let read = async {
            let path = Path::new(&["leads"]).id(READ, id.as_str())?;
            let reply = self.client.send(&kit::read(cx, READ, path)).await?;
            let Envelope { data }: Envelope<Box<RawValue>> = kit::decode(READ, &reply.body)?;
            // There is no more to be had than the detail.
            let lead = normalize::lead(&self.id, &data).map(|lead| Lead { sparse: false, ..lead });
            Ok((lead.ok_or_else(|| UpstreamError::new(READ, Kind::Protocol))?, data))
        };
        kit::absent(read.await).map_err(|error| kit::lift(&self.id, error))
    }
}
