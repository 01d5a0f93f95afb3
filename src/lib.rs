//! leadgraph: one Relay-style GraphQL graph over several lead vendors.
pub mod app;
pub mod callers;
pub mod config;
pub mod events;
pub mod gather;
pub mod graphql;
pub mod http;
pub mod model;
pub mod secret;
pub mod source;
pub mod telemetry;
pub mod upstream;
pub mod vendors;
