//! Tests of the adapter: decoding on documents, everything else over real sockets against the simulator.

mod normalize;
mod words;

#[cfg(feature = "simulator")]
mod account;
#[cfg(feature = "simulator")]
mod bench;
#[cfg(feature = "simulator")]
mod discovery;
#[cfg(feature = "simulator")]
mod lists;
#[cfg(feature = "simulator")]
mod office;
