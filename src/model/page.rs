//! A vendor's unit of paging.

use std::num::NonZeroU16;
use std::num::NonZeroU32;
use std::sync::Arc;

/// Where a page begins. Made by adapters (cursors) or by the window reader (offsets), carried by our cursor,
/// read by adapters. An adapter that is handed the wrong kind answers `StaleToken`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PageToken {
    /// The vendor's own cursor, opaque.
    Cursor(Arc<str>),
    /// Page number (from 1) and rows to a page.
    Offset {
        /// From 1.
        page: NonZeroU32,
        /// Rows to a page.
        size: NonZeroU16,
    },
}

/// One page of a vendor's list, normalized.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// In the vendor's order.
    pub rows: Vec<Arc<T>>,
    /// Where the next page begins; `None` on the last. Lists that page by offset leave it `None` always: their end
    /// shows only in an empty page.
    pub next: Option<PageToken>,
    /// Rows that could not be read. They are counted and reported, never fatal.
    pub rejected: u32,
}

impl<T> Page<T> {
    /// How many rows the vendor sent, readable or not.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.rows.len() + self.rejected as usize
    }
}
