//! Chatzuri.

use super::Entry;
use crate::model::id::Vendor;
use crate::upstream::policy::Policy;

/// What the rest of the program must know of Chatzuri.
pub(super) const ENTRY: Entry = Entry {
    name: "chatzuri",
    vendor: Vendor::Chatzuri,
    base_url: "https://www.chatzuri.com/api/v1",
    policy: Policy::default,
    open: |_| Err(Vec::new()),
    #[cfg(feature = "simulator")]
    simulate: |_| unreachable!(),
};
