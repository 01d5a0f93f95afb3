//! What is expected of each field, and the ways that lead to each type. Written apart from the rules of the schema.

use leadgraph::model::caller::Scope::{
    self, EventsRead, LeadsRead, LeadsWrite, PiiRead, RawRead, RecordingsRead,
};

/// What it takes to get a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Nothing.
    Open,
    /// `leads:read`.
    Read,
    /// `leads:read`, and `pii:read` to get it as it is.
    Personal,
    /// Everything about a person at once.
    Raw,
    /// `recordings:read`.
    Listen,
    /// `leads:write`.
    Write,
    /// `events:read`.
    Follow,
    /// A record that an event tells of.
    Told,
}

impl Class {
    pub(super) fn needs(self) -> &'static [Scope] {
        match self {
            Self::Open => &[],
            Self::Read | Self::Personal => &[LeadsRead],
            Self::Raw => &[LeadsRead, RawRead, PiiRead],
            Self::Listen => &[LeadsRead, RecordingsRead],
            Self::Write => &[LeadsWrite],
            Self::Follow => &[EventsRead],
            Self::Told => &[EventsRead, LeadsRead],
        }
    }
}

use Class::{Follow, Listen, Open, Personal, Raw, Read, Told, Write};

const CONNECTION: &str = "edges nodes pageInfo incomplete sources";

/// Every field of every type.
pub(super) const FIELDS: &[(&str, Class, &str)] = &[
    ("Query", Open, "sources viewer"),
    ("Query", Read, "node nodes leads conversations interactions lead conversation interaction"),
    ("Mutation", Write, "updateLead reviewLead"),
    ("UpdateLeadPayload", Write, "clientMutationId outcome lead userErrors"),
    ("UserError", Write, "code message path"),
    ("Subscription", Follow, "events"),
    ("Event", Follow, "cursor type source occurredAt receivedAt"),
    ("Event", Told, "lead conversation interaction"),
    ("Viewer", Open, "name scopes"),
    ("Source", Open, "id name vendor capabilities health quota"),
    (
        "SourceCapabilities",
        Open,
        "leads leadById updateLead conversations conversationById interactions recordings webhooks vendorFilters",
    ),
    ("SourceHealth", Open, "state since lastSuccessAt lastError retryAt"),
    ("SourceQuota", Open, "limit windowSeconds remaining resetAt"),
    ("SourceError", Open, "code message retryable retryAfterMs"),
    ("SourceReport", Open, "source status error note fetchedAt upstreamCalls rejectedRecords catchingUp"),
    ("PageInfo", Open, "hasNextPage hasPreviousPage startCursor endCursor"),
    ("LeadConnection", Read, CONNECTION),
    ("ConversationConnection", Read, CONNECTION),
    ("InteractionConnection", Read, CONNECTION),
    ("LeadEdge", Read, "cursor node"),
    ("ConversationEdge", Read, "cursor node"),
    ("InteractionEdge", Read, "cursor node"),
    (
        "Lead",
        Read,
        "id vendor vendorId source status vendorStatus campaign approval isTest doNotContact createdAt updatedAt \
         lastActivityAt conversation interactions viewerCanUpdate",
    ),
    (
        "Lead",
        Personal,
        "name firstName lastName email phone phoneE164 statusDetail notes customFields customField pageUrl attribution",
    ),
    ("Lead", Raw, "raw"),
    ("LeadNote", Read, "id createdAt"),
    ("LeadNote", Personal, "text author"),
    ("CustomField", Read, "key label"),
    ("CustomField", Personal, "value"),
    ("Campaign", Read, "id name client offer"),
    ("Approval", Read, "status decidedAt"),
    ("Approval", Personal, "reason decidedBy"),
    (
        "Conversation",
        Read,
        "id vendor vendorId source channel vendorChannel startedAt endedAt durationSeconds turnCount recording expiresAt \
         lead",
    ),
    ("Conversation", Personal, "pageUrl preview summary customer transcript toolCalls"),
    ("Conversation", Raw, "raw"),
    ("TranscriptTurn", Read, "id role vendorRole at offsetMs"),
    ("TranscriptTurn", Personal, "text"),
    ("ToolCall", Read, "name"),
    ("ToolCall", Personal, "args"),
    ("Recording", Read, "mimeType sizeBytes"),
    ("Recording", Listen, "link"),
    ("RecordingLink", Listen, "url expiresAt"),
    (
        "Interaction",
        Read,
        "id vendor vendorId source kind vendorKind status vendorStatus direction occurredAt updatedAt call sms telephony \
         failure lead conversation",
    ),
    ("Interaction", Personal, "summary transcript"),
    ("Interaction", Raw, "raw"),
    ("CallDetails", Read, "origin durationSeconds spokenTo terminationReason recording agent"),
    ("VoiceAgent", Read, "provider agentId conversationId"),
    ("SmsDetails", Read, "agentMode"),
    ("Telephony", Read, "provider"),
    ("Telephony", Personal, "messageId phoneNumber"),
    ("InteractionFailure", Read, "code"),
    ("InteractionFailure", Personal, "message"),
];

/// Arguments that a field cannot do without. `LEAD` and its like stand for ids.
pub(super) const ARGUMENTS: &[(&str, &str)] = &[
    ("Query.node", "(id: \"LEAD\")"),
    ("Query.nodes", "(ids: [\"LEAD\"])"),
    ("Query.lead", "(id: \"LEAD\")"),
    ("Query.conversation", "(id: \"TALK\")"),
    ("Query.interaction", "(id: \"TOUCH\")"),
    ("Mutation.updateLead", "(input: { id: \"LEAD\", notes: \"x\" })"),
    ("Mutation.reviewLead", "(input: { id: \"LEAD\", decision: APPROVE })"),
    ("Lead.customField", "(key: \"k\")"),
];

/// Ways to a type: documents in which `%` is what is selected of it. All of them read leads.
pub(super) const WAYS: &[(&str, &[&str])] = &[
    (
        "Lead",
        &[
            "{ leads { nodes { % } } }",
            "{ leads { edges { node { % } } } }",
            "{ lead(id: \"LEAD\") { % } }",
            "{ node(id: \"LEAD\") { ... on Lead { % } } }",
            "{ node(id: \"LEAD\") { ... on Node { ... on Lead { % } } } }",
            "{ nodes(ids: [\"LEAD\", \"TALK\"]) { id ... on Lead { % } } }",
            "{ conversation(id: \"TALK\") { lead { % } } }",
            "{ lead(id: \"LEAD\") { interactions { nodes { lead { % } } } } }",
            "{ a: leads { b: nodes { ...F } } } fragment F on Lead { ... @include(if: true) { ...G } } \
             fragment G on Lead { % }",
            "query($yes: Boolean = true) { leads { nodes { ... @skip(if: false) { ... @include(if: $yes) { % } } } } }",
        ],
    ),
    (
        "Conversation",
        &[
            "{ conversations { nodes { % } } }",
            "{ conversations { edges { node { % } } } }",
            "{ conversation(id: \"TALK\") { % } }",
            "{ node(id: \"TALK\") { ...F } } fragment F on Node { ... on Conversation { % } }",
            "{ nodes(ids: [\"TALK\"]) { ... on Conversation { % } } }",
            "{ leads { nodes { conversation { % } } } }",
            "{ interaction(id: \"TOUCH\") { conversation { % } } }",
        ],
    ),
    (
        "Interaction",
        &[
            "{ interactions(filter: { leads: [\"LEAD\"] }) { nodes { % } } }",
            "{ interactions(filter: { leads: [\"LEAD\"] }) { edges { node { % } } } }",
            "{ interaction(id: \"TOUCH\") { % } }",
            "{ node(id: \"TOUCH\") { ... on Interaction { % } } }",
            "{ nodes(ids: [\"TOUCH\"]) { ... on Interaction { % } } }",
            "{ leads { nodes { interactions(first: 1) { edges { node { % } } } } } }",
        ],
    ),
    ("LeadConnection", &["{ leads { % } }"]),
    ("ConversationConnection", &["{ conversations { % } }"]),
    (
        "InteractionConnection",
        &[
            "{ interactions(filter: { leads: [\"LEAD\"] }) { % } }",
            "{ leads { nodes { interactions { % } } } }",
        ],
    ),
];

/// Ways to a type that need no scope.
pub(super) const OPEN_WAYS: &[(&str, &str)] = &[
    ("Query", "{ % }"),
    ("Query", "query Q { ...F } fragment F on Query { % }"),
    ("Mutation", "mutation { % }"),
    ("Subscription", "subscription { % }"),
    ("Viewer", "{ viewer { % } }"),
    ("Source", "{ sources { % } }"),
];

/// Ways to a type by a field of another, on all ways to that one.
pub(super) const STEPS: &[(&str, &str, &str)] = &[
    ("Event", "Subscription", "events"),
    ("Lead", "Event", "lead"),
    ("Conversation", "Event", "conversation"),
    ("Interaction", "Event", "interaction"),
    ("UpdateLeadPayload", "Mutation", "updateLead"),
    ("UpdateLeadPayload", "Mutation", "reviewLead"),
    ("UserError", "UpdateLeadPayload", "userErrors"),
    ("Lead", "UpdateLeadPayload", "lead"),
    ("LeadEdge", "LeadConnection", "edges"),
    ("ConversationEdge", "ConversationConnection", "edges"),
    ("InteractionEdge", "InteractionConnection", "edges"),
    ("PageInfo", "LeadConnection", "pageInfo"),
    ("SourceReport", "LeadConnection", "sources"),
    ("SourceCapabilities", "Source", "capabilities"),
    ("SourceHealth", "Source", "health"),
    ("SourceQuota", "Source", "quota"),
    ("SourceError", "SourceHealth", "lastError"),
    ("LeadNote", "Lead", "notes"),
    ("CustomField", "Lead", "customFields"),
    ("CustomField", "Lead", "customField"),
    ("Campaign", "Lead", "campaign"),
    ("Approval", "Lead", "approval"),
    ("TranscriptTurn", "Conversation", "transcript"),
    ("TranscriptTurn", "Interaction", "transcript"),
    ("ToolCall", "Conversation", "toolCalls"),
    ("Recording", "Conversation", "recording"),
    ("Recording", "CallDetails", "recording"),
    ("RecordingLink", "Recording", "link"),
    ("CallDetails", "Interaction", "call"),
    ("VoiceAgent", "CallDetails", "agent"),
    ("SmsDetails", "Interaction", "sms"),
    ("Telephony", "Interaction", "telephony"),
    ("InteractionFailure", "Interaction", "failure"),
];
