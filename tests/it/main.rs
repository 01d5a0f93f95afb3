//! What the gateway does, seen from outside.

mod commands;
mod contract;
mod graphql;
mod tidy;
