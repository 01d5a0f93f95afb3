//! What every layer is and wraps: something that sends a call.

use std::pin::Pin;

use super::call::{Call, Reply};
use super::failure::UpstreamError;

/// Sends calls. Each layer is one over another; the bottom is HTTP, in tests a script.
pub(super) trait Transport: Send + Sync + 'static {
    /// Sends a call and waits for its answer.
    fn send(&self, call: &Call) -> impl Future<Output = Result<Reply, UpstreamError>> + Send;
}

/// The same with the type forgotten, so that it does not leak into those who hold a client.
pub(super) trait DynTransport: Send + Sync {
    /// Sends a call and waits for its answer.
    fn send_dyn<'a>(&'a self, call: &'a Call) -> Sending<'a>;
}

/// A call under way.
pub(super) type Sending<'a> = Pin<Box<dyn Future<Output = Result<Reply, UpstreamError>> + Send + 'a>>;

impl<T: Transport> DynTransport for T {
    fn send_dyn<'a>(&'a self, call: &'a Call) -> Sending<'a> {
        Box::pin(self.send(call))
    }
}
