//! How well a source lists an entity. Whether it does at all is told by the presence of the verb (`source/`).

use std::num::NonZeroU16;

use super::conversation::Channel;
use super::lead::LeadStatus;

/// What every list has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListCaps {
    /// How pages follow each other.
    pub paging: Paging,
    /// The most rows the vendor gives to a page; always asked for.
    pub page_size: NonZeroU16,
    /// How the vendor filters by the earliest time.
    pub since: TimeFilter,
    /// How the vendor filters by the latest time.
    pub until: TimeFilter,
    /// Filters that the vendor runs itself, by their names in our schema.
    pub vendor_filters: &'static [&'static str],
}

/// How pages follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// By the vendor's cursor, stable under inserts; newest first is believed and checked.
    Cursor,
    /// By page number and size, in any order; rows shift as others come and go. Read in anchored day windows.
    Offset,
}

/// How a vendor filters by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFilter {
    /// Not at all.
    None,
    /// By whole days of an unknown time zone. The adapter asks one day more; the gateway trims to the instant.
    Day,
    /// To the instant.
    Exact,
}

/// How well a source lists leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadCaps {
    /// What every list has.
    pub list: ListCaps,
    /// Unified statuses that are exactly one word of the vendor and that it filters by itself.
    pub status: &'static [LeadStatus],
    /// Whether its leads have a status at all.
    pub has_status: bool,
    /// Whether its leads name their conversation.
    pub has_conversation: bool,
    /// Whether it finds all leads with an e-mail address (and perhaps some more).
    pub email: bool,
}

/// How well a source lists conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationCaps {
    /// What every list has.
    pub list: ListCaps,
    /// Channels that its conversations can have; empty where the set is open.
    pub channels: &'static [Channel],
    /// Channels that are exactly one word of the vendor and that it filters by itself.
    pub channel_filter: &'static [Channel],
    /// Whether its conversations can have recordings.
    pub recordings: bool,
    /// Whether it finds the conversations that have one.
    pub has_recording: bool,
}
