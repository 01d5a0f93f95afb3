//! One polite HTTP client: everything an adapter says to a vendor goes through here.
//!
//! Knows no vendor and no entity. Adapters make a [`Call`], the [`dialect::Dialect`] of their vendor signs it and says what the
//! answer means, and the layers (one file each) see to it that a vendor's bad day is not made worse.

pub mod call;
pub mod client;
pub mod dialect;
pub mod failure;
pub mod http;
pub mod policy;

#[cfg(test)]
mod tests;
