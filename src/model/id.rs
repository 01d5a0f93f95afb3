//! Who a record is: which source gave it, and what its vendor calls it.

use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;

/// A vendor leadgraph can read. Matched on only by `vendors/` and the composition root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Vendor {
    /// Voice agents on websites.
    Spelo,
    /// Chatbots on websites and messaging channels.
    Chatzuri,
    /// Lead routing with AI calls and text messages.
    LeadSail,
}

impl Vendor {
    /// A small number that stands for the vendor in cursors. Never reused, never changed.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Spelo => 0,
            Self::Chatzuri => 1,
            Self::LeadSail => 2,
        }
    }

    /// The vendor of a code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Spelo, Self::Chatzuri, Self::LeadSail].into_iter().find(|vendor| vendor.code() == code)
    }
}

/// The three kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityKind {
    /// A person who may buy.
    Lead,
    /// One talk with a person.
    Conversation,
    /// One touch in a lead's history.
    Interaction,
}

/// The public, stable name of one configured account at a vendor: letters, digits and `. _ ~ / -`, 1 to 128
/// characters. It is part of ids and cursors, so renaming a source invalidates both.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(Arc<str>);

impl SourceId {
    /// Takes a name, or `None` where it has a character that a name may not have.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | '/' | '-');
        ((1..=128).contains(&name.len()) && name.chars().all(allowed)).then(|| Self(name.into()))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the account where it was found (`account/agent`); its own, where it is an account's only one.
    #[must_use]
    pub fn account(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(account, _)| account)
    }

    /// Whether it is the source of an account of this name, or one that was found at it (`account/agent`).
    #[must_use]
    pub fn is_of(&self, account: &Self) -> bool {
        self.0.strip_prefix(&*account.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// A vendor's own id of a record, kept as text even where the vendor sends a number. Never empty, at most 256 bytes.
/// Whether it may stand in a URL path is decided where paths are made (`upstream`), not here.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NativeId(Arc<str>);

impl NativeId {
    /// Takes an id, or `None` where it is empty, longer than 256 bytes or holds a control character.
    #[must_use]
    pub fn new(id: &str) -> Option<Self> {
        ((1..=256).contains(&id.len()) && !id.chars().any(char::is_control)).then(|| Self(id.into()))
    }

    /// The id itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names one record of one source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The source that gave the record.
    pub source: SourceId,
    /// The vendor's id.
    pub native: NativeId,
    /// The UTC day of its creation, only where the vendor has no read by id: it lets a look-up cost one narrow list
    /// call instead of a scan. A property of the source, so two keys of one record are always equal.
    pub day: Option<Date>,
}

macro_rules! shown_as_text {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
shown_as_text!(SourceId NativeId);
