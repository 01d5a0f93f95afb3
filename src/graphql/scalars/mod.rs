//! Scalars: how ids, instants and vendors' JSON are written.

pub(super) mod id;
pub(super) mod json;
pub(super) mod time;
