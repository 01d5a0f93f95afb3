//! Nouns: what leadgraph knows about leads, whoever sold them.
//!
//! Every room may use these types; they use nothing of ours, do no I/O and are neither serialized nor exposed
//! over GraphQL. The edges (`vendors/` below, `graphql/` above) own the conversions.

pub mod caller;
pub mod caps;
pub mod conversation;
pub mod cx;
pub mod failure;
pub mod id;
pub mod interaction;
pub mod lead;
pub mod lease;
pub mod page;
pub mod source;
pub mod text;
pub mod write;
