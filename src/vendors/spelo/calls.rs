//! The two shapes of Spelo's answers, for both of its collections: a page and a record.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::kit;
use super::Spelo;
use super::wire::{Listing, One};
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{NativeId, SourceId};
use crate::model::page::{Page, PageToken};
use crate::upstream::call::Path;
use crate::upstream::failure::{Kind, UpstreamError};

/// The most rows to a page (SPELO-3). Always asked for: a call costs the same whatever it brings.
pub(super) const PAGE_SIZE: u16 = 100;

/// `v1/public/<collection>`.
pub(super) fn path(collection: &'static str) -> Path {
    Path::new(&["v1", "public", collection])
}

impl Spelo {
    /// The cursor at which a page begins; `None` for the first page.
    pub(super) fn asked<'a>(
        &self,
        op: &'static str,
        from: Option<&'a PageToken>,
    ) -> Result<Option<&'a str>, SourceError> {
        match from {
            None => Ok(None),
            Some(PageToken::Cursor(cursor)) => Ok(Some(&**cursor)),
            Some(PageToken::Offset { .. }) => {
                Err(SourceError::new(&self.id, op, SourceErrorKind::StaleToken))
            }
        }
    }

    /// Reads the page of a collection that is `asked` for, still to be decoded by [`page`].
    pub(super) async fn list(
        &self,
        cx: &Cx,
        op: &'static str,
        collection: &'static str,
        filters: Vec<(&'static str, String)>,
        asked: Option<&str>,
    ) -> Result<Bytes, SourceError> {
        let mut call = kit::read(cx, op, path(collection));
        call.query = filters;
        call.query.push(("limit", PAGE_SIZE.to_string()));
        call.query.extend(asked.map(|cursor| ("cursor", cursor.to_owned())));

        match self.client.send(&call).await {
            Ok(reply) => Ok(reply.body),
            // SPELO-8: all else that we send is fixed and valid, so what is refused must be the cursor.
            Err(error) if asked.is_some() && matches!(error.status.map(|s| s.as_u16()), Some(400 | 422)) => {
                Err(SourceError::new(&self.id, op, SourceErrorKind::StaleToken).because(error))
            }
            Err(error) => Err(kit::lift(&self.id, error)),
        }
    }

    /// Reads a record, or what stands `below` it; `None` where the vendor has no such record on this site.
    pub(super) async fn record(
        &self,
        cx: &Cx,
        op: &'static str,
        collection: &'static str,
        id: &NativeId,
        below: &[&'static str],
    ) -> Result<Option<Box<RawValue>>, UpstreamError> {
        let Some(path) = kit::absent(path(collection).id(op, id.as_str()))? else { return Ok(None) };
        let Some(reply) = kit::absent(self.client.send(&kit::read(cx, op, path.then(below))).await)? else {
            return Ok(None);
        };
        kit::decode::<One>(op, &reply.body).map(|one| Some(one.data))
    }
}

/// The page that a body holds, which was `asked` for by that cursor.
pub(super) fn page<'a, W: Deserialize<'a>, T>(
    source: &SourceId,
    op: &'static str,
    body: &'a [u8],
    asked: Option<&str>,
    row: impl Fn(W, &'a RawValue) -> Option<T>,
) -> Result<Page<T>, SourceError> {
    let listing: Listing<'_> = kit::decode(op, body).map_err(|error| kit::lift(source, error))?;
    let next = next(op, &listing, asked).map_err(|error| kit::lift(source, error))?;
    Ok(Page { next, ..kit::rows(&listing.data, row) })
}

/// Where the next page begins. SPELO-6: `has_more` decides, whatever `next_cursor` says. A page that goes on without
/// saying where, or where it began, would be read for ever.
fn next(
    op: &'static str,
    listing: &Listing<'_>,
    asked: Option<&str>,
) -> Result<Option<PageToken>, UpstreamError> {
    if !listing.has_more {
        return Ok(None);
    }
    match listing.next_cursor.as_deref() {
        Some(cursor) if !cursor.is_empty() && Some(cursor) != asked => {
            Ok(Some(PageToken::Cursor(cursor.into())))
        }
        _ => Err(UpstreamError::new(op, Kind::Protocol)),
    }
}
