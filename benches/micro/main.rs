//! What the steps of a request take by themselves, beside how often they ask for memory: one thread, no sockets, and data as
//! the simulated vendors send it.
//!
//!     cargo bench --bench micro
//!     cargo bench --bench micro -- merge
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot go on has failed")]

mod answers;
mod cursors;
mod decode;
mod guard;
mod merge;
mod pages;
mod sources;

use divan::AllocProfiler;
use mimalloc::MiMalloc;

/// The allocator of the binary, counted.
#[global_allocator]
static MEMORY: AllocProfiler<MiMalloc> = AllocProfiler::new(MiMalloc);

fn main() {
    divan::main();
}
