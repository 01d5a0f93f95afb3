//! Spelo.

use super::Entry;
use crate::model::id::Vendor;
use crate::upstream::policy::Policy;

/// What the rest of the program must know of Spelo.
pub(super) const ENTRY: Entry = Entry {
    name: "spelo",
    vendor: Vendor::Spelo,
    base_url: "https://api.spelo.ai",
    policy: Policy::default,
    open: |_| Err(Vec::new()),
    #[cfg(feature = "simulator")]
    simulate: |_| unreachable!(),
};
