//! What every vendor promises to the rooms above it, checked against its own simulator over real sockets. A new vendor is
//! checked as soon as it stands in `vendors::ALL`; which promises it must keep is told by its verbs and caps.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that panics has failed, which is what it is for"
)]

mod bench;
mod failures;
mod filters;
mod lists;
mod verbs;
mod webhooks;

use futures_util::future::join_all;
use leadgraph::vendors::ALL;

use self::bench::Bench;

/// Sees to it that every vendor with this many leads keeps a promise.
async fn check(leads: usize, promise: impl AsyncFn(&Bench)) {
    let kept = ALL.iter().map(async |entry| promise(&Bench::start(entry, leads).await).await);
    join_all(kept).await;
}
