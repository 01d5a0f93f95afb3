//! Pages that follow each other by the vendor's cursor, read to their end.

use std::collections::HashSet;
use std::sync::Arc;

use super::reader::{Reader, Tally};
use super::record::Record;
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::SourceId;
use crate::model::page::PageToken;
use crate::source::Span;

/// The pages of one source's list within a span.
pub(super) struct Chain<'a, T> {
    pub(super) reader: &'a dyn Reader<T>,
    pub(super) source: &'a SourceId,
    pub(super) span: Span,
}

/// How much is read at most.
#[derive(Clone, Copy)]
pub(super) struct Most {
    pub(super) pages: usize,
    pub(super) rows: usize,
}

impl<T: Record> Chain<'_, T> {
    /// All rows from a page on, each once, in the vendor's order, and whether these are all there are.
    ///
    /// # Errors
    /// `Protocol` where the pages lead back to one that was read; `StaleToken` where the vendor no longer knows one of them, which the
    /// cache then has forgotten.
    pub(super) async fn follow(
        &self,
        cx: &Cx,
        from: Option<PageToken>,
        most: Most,
        tally: &mut Tally,
    ) -> Result<(Vec<Arc<T>>, bool), SourceError> {
        let mut rows: Vec<Arc<T>> = Vec::new();
        let (mut seen, mut pages) = (HashSet::new(), HashSet::new());
        let mut token = from;
        loop {
            tokio::task::consume_budget().await;
            let batch = match self.reader.read(cx, self.span, token.as_ref()).await {
                Err(error) if error.kind == SourceErrorKind::StaleToken => {
                    // What the cache holds of the pages before leads to the same place.
                    for page in pages.iter().map(Option::as_ref) {
                        self.reader.forget(self.span, page).await;
                    }
                    return Err(error);
                }
                batch => batch?,
            };
            tally.add(&batch);
            rows.extend(batch.page.rows.iter().filter(|row| seen.insert(row.key().clone())).cloned());
            pages.insert(token);
            let next = batch.page.next.clone();
            if next.is_none() {
                return Ok((rows, true));
            }
            if pages.contains(&next) {
                return Err(SourceError::new(self.source, "page", SourceErrorKind::Protocol));
            }
            if rows.len() > most.rows || pages.len() >= most.pages {
                return Ok((rows, false));
            }
            token = next;
        }
    }
}
