//! What a feed reads from: one source's list, page by page, through the cache.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::cache::Age;
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::page::{Page, PageToken};
use crate::source::Span;

/// One page, and what it took to get it.
#[derive(Debug)]
pub(super) struct Batch<T> {
    pub(super) page: Arc<Page<T>>,
    /// When the oldest part of it was received from the vendor.
    pub(super) fetched_at: Timestamp,
    /// What is missing from it, where it was made of several reads and one failed.
    pub(super) shortfall: Option<SourceError>,
    /// Whether it is fresh.
    pub(super) age: Age,
    /// A sentence about what it does not hold by design.
    pub(super) note: Option<&'static str>,
}

impl<T> Batch<T> {
    /// The same page in other words.
    pub(super) fn map<U>(self, change: impl Fn(&T) -> U) -> Batch<U> {
        let page = Page {
            rows: self.page.rows.iter().map(|row| Arc::new(change(row))).collect(),
            next: self.page.next.clone(),
            rejected: self.page.rejected,
        };
        Batch {
            page: Arc::new(page),
            fetched_at: self.fetched_at,
            shortfall: self.shortfall,
            age: self.age,
            note: self.note,
        }
    }
}

/// What reading has cost and shown so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) pages: u32,
    pub(super) fetched_at: Option<Timestamp>,
    pub(super) rejected: u32,
    pub(super) shortfall: Option<SourceError>,
    pub(super) age: Age,
    pub(super) note: Option<&'static str>,
}

impl Tally {
    pub(super) fn add<T>(&mut self, batch: &Batch<T>) {
        self.fetched_at = Some(self.fetched_at.map_or(batch.fetched_at, |at| at.min(batch.fetched_at)));
        self.pages += 1;
        self.rejected += batch.page.rejected;
        self.note = self.note.or(batch.note);
        self.age.and(batch.age.clone());
        if self.shortfall.is_none() {
            self.shortfall.clone_from(&batch.shortfall);
        }
    }
}

/// One source's list under one filter.
pub(super) trait Reader<T>: Send + Sync {
    /// Reads a page. `span` narrows the filter's own span further; it is the filter's own where pages come by cursor.
    fn read<'a>(
        &'a self,
        cx: &'a Cx,
        span: Span,
        from: Option<&'a PageToken>,
    ) -> BoxFuture<'a, Result<Batch<T>, SourceError>>;

    /// Lets the cache forget a page, so that it is read anew.
    fn forget<'a>(&'a self, span: Span, from: Option<&'a PageToken>) -> BoxFuture<'a, ()> {
        let _ = (span, from);
        Box::pin(std::future::ready(()))
    }
}

/// How a source's pages are to be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By the vendor's cursor; newest first is believed and checked. Where it turns out wrong, the list is sorted here.
    Stream {
        /// The vendor filters by time at both ends, so it can be read by day windows then. Otherwise all of it is collected.
        dated: bool,
    },
    /// By day windows over an offset list.
    Windows {
        /// Rows to a page.
        size: u16,
    },
    /// All pages collected and sorted here.
    Collect,
}
