//! placeholder
pub(super) struct Tenant;
