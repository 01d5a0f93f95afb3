//! What the gateway does, seen from outside.

mod commands;
mod graphql;
mod tidy;
