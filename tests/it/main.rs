//! What the gateway does, seen from outside.

mod graphql;
mod commands;
