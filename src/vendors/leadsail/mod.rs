//! LeadSail.

use super::Entry;
use crate::model::id::Vendor;
use crate::upstream::policy::Policy;

/// What the rest of the program must know of LeadSail.
pub(super) const ENTRY: Entry = Entry {
    name: "leadsail",
    vendor: Vendor::LeadSail,
    base_url: "https://api.leadsail.app/api/v1",
    policy: Policy::default,
    open: |_| Err(Vec::new()),
    #[cfg(feature = "simulator")]
    simulate: |_| unreachable!(),
};
