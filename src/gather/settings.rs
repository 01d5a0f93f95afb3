//! What can be set about gathering. Every bound has a finite default.

use std::sync::Arc;
use std::time::Duration;

use crate::model::caller::Visible;

/// What can be set about gathering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long list pages are fresh; nothing: each answer reads anew, as for all of these. 15 s.
    pub list_ttl: Duration,
    /// How long list pages of days gone by are fresh. 10 min.
    pub past_list_ttl: Duration,
    /// How long single leads are fresh. 60 s.
    pub lead_ttl: Duration,
    /// How long single conversations that may still go on are fresh. 60 s.
    pub conversation_ttl: Duration,
    /// How long ended conversations are fresh. 10 min.
    pub ended_conversation_ttl: Duration,
    /// How long interactions are fresh: single ones and those of a lead. 30 s.
    pub interaction_ttl: Duration,
    /// How long "no such record" is believed. 5 s.
    pub absent_ttl: Duration,
    /// How long what is no longer fresh may be served while it is read anew. 60 s.
    pub stale_while_revalidate: Duration,
    /// How long lists that are no longer fresh may be served while their vendor fails. 10 min.
    pub list_stale_if_error: Duration,
    /// How long records that are no longer fresh may be served while their vendor fails. 1 h.
    pub record_stale_if_error: Duration,
    /// The most memory for cached pages and records. 64 MiB.
    pub cache_bytes: u64,
    /// How long one source may take for one list. 3 s.
    pub source_timeout: Duration,
    /// How long the others may still take once the first source has answered. 2 s.
    pub straggler_timeout: Duration,
    /// The most vendor pages that one source reads for one answer when the gateway must filter by itself. 10.
    pub scan_pages: u32,
    /// Whether the vendor pages that a walk needs next are read before it asks for them. Yes.
    pub read_ahead: bool,
    /// The most records that backward paging walks over. 2,000.
    pub backward_records: usize,
    /// The most records of a source that are collected and sorted where its order cannot be trusted and it does not filter by time.
    /// 1,000.
    pub collect_records: usize,
    /// From how many of its newest leads a source that lists interactions per lead answers `interactions`. 25.
    pub interaction_leads: usize,
    /// The most links to recordings that one caller has made in a second, and at once. 1.
    pub links_per_second: u32,
    /// How long cursors are good. 24 h.
    pub cursor_ttl: Duration,
    /// Which sources may be written to. None.
    pub writable: Visible,
    /// Keys that seal cursors, the current one first; empty: a random one for the life of the process.
    pub cursor_keys: Vec<CursorKey>,
}

/// A key that seals cursors. Without `Debug` output of its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct CursorKey(pub [u8; 32]);

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey")
    }
}

impl Settings {
    /// Of the memory for what was read, the part for pages that were made of it.
    pub(super) fn page_bytes(&self) -> u64 {
        self.cache_bytes / 8
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            list_ttl: Duration::from_secs(15),
            past_list_ttl: Duration::from_secs(600),
            lead_ttl: Duration::from_secs(60),
            conversation_ttl: Duration::from_secs(60),
            ended_conversation_ttl: Duration::from_secs(600),
            interaction_ttl: Duration::from_secs(30),
            absent_ttl: Duration::from_secs(5),
            stale_while_revalidate: Duration::from_secs(60),
            list_stale_if_error: Duration::from_secs(600),
            record_stale_if_error: Duration::from_secs(3600),
            cache_bytes: 64 * 1024 * 1024,
            source_timeout: Duration::from_secs(3),
            straggler_timeout: Duration::from_secs(2),
            scan_pages: 10,
            read_ahead: true,
            backward_records: 2_000,
            collect_records: 1_000,
            interaction_leads: 25,
            links_per_second: 1,
            cursor_ttl: Duration::from_secs(24 * 3600),
            writable: Visible::Only(Arc::default()),
            cursor_keys: Vec::new(),
        }
    }
}
