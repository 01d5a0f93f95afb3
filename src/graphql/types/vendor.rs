//! The only place above `vendors/` that says vendors' names: as words of the schema.

use async_graphql::Enum;

use crate::model::id;

/// A company whose leads leadgraph reads.
#[derive(Clone, Copy, PartialEq, Eq, Enum, Debug)]
#[graphql(remote = "id::Vendor")]
pub(in crate::graphql) enum Vendor {
    /// Voice agents on websites. Has leads with a status and notes, conversations with transcripts and recordings.
    Spelo,
    /// Chatbots on websites and messaging channels. Has leads without a status, conversations with transcripts.
    Chatzuri,
    /// Lead routing with AI calls, text messages and e-mail. Has leads with campaigns and approvals, and interactions.
    #[graphql(name = "LEADSAIL")]
    LeadSail,
}

/// Some vendor, for tests to which it does not matter.
#[cfg(test)]
pub(in crate::graphql) const ANY: id::Vendor = id::Vendor::Spelo;
