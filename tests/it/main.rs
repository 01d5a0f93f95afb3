//! What the gateway does, seen from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed, which is what it is for"
)]

mod access;
mod answers;
mod callers;
mod calls;
mod canary;
mod commands;
mod contract;
mod deploy;
mod graphql;
mod harness;
mod hostile;
mod input;
mod metrics;
mod model;
mod pagination;
mod partial;
mod persisted;
mod protocol;
mod recordings;
mod reload;
mod shutdown;
mod simulation;
mod soak;
mod storms;
mod subscriptions;
mod tenants;
mod tidy;
mod traces;
mod webhooks;
mod writes;
mod written;
