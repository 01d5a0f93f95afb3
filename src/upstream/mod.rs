//! One polite HTTP client: everything an adapter says to a vendor goes through here.
//!
//! Knows no vendor and no entity. Adapters make a [`call::Call`], the [`dialect::Dialect`] of their vendor signs it and says what the
//! answer means, and the layers (one file each) see to it that a vendor's bad day is not made worse.

pub mod call;
pub mod client;
pub mod dialect;
pub mod failure;
pub mod policy;
pub mod write;

// The layers; `Client::over` puts them into their order.
mod breaker;
mod bulkhead;
mod gate;
mod http;
mod observe;
mod rate;
mod retry;
mod timeout;

pub(crate) mod clock;
mod hints;
mod quota;
mod transport;
mod window;

#[cfg(test)]
mod tests;
