//! Who may select which field: one rule for each field of the schema.
//!
//! Checked over the whole operation before anything of it runs, so what is refused costs no call, and there is no way
//! around: whichever way leads to a field, it is selected on its type. A field without a rule is nobody's but of those
//! who hold every scope, and fails a test. Values of fields that are masked are masked where records are shown (`mask.rs`).

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::Pos;
use async_graphql::parser::types::{
    ExecutableDocument, OperationDefinition, OperationType, SelectionSet, Type, TypeDefinition, TypeKind,
};

use super::MAX_DEPTH;
use super::cost::Given;
use super::cost::fields::Fields;
use super::tables::tables;
use crate::model::caller::{Caller, Scope, Scopes};

/// The most selections that are looked at. A document that takes more is refused.
const MAX_STEPS: u32 = 50_000;
/// The most fields that one refusal names.
const MAX_NAMED: usize = 5;

/// What it takes to select a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing.
    Open,
    /// These scopes.
    Needs(&'static [Scope]),
    /// `leads:read`; without `pii:read` the value comes masked.
    Masked,
}

const READ: Rule = Rule::Needs(&[Scope::LeadsRead]);
const WRITE: Rule = Rule::Needs(&[Scope::LeadsWrite]);
const FOLLOW: Rule = Rule::Needs(&[Scope::EventsRead]);
/// A vendor's own object holds whatever the vendor knows of a person.
const RAW: Rule = Rule::Needs(&[Scope::LeadsRead, Scope::RawRead, Scope::PiiRead]);
const LISTEN: Rule = Rule::Needs(&[Scope::LeadsRead, Scope::RecordingsRead]);

/// The rules: of a type, these fields.
const RULES: &[(&str, Rule, &[&str])] = &[
    ("Query", Rule::Open, &["sources", "viewer"]),
    (
        "Query",
        READ,
        &["conversation", "conversations", "interaction", "interactions", "lead", "leads", "node", "nodes"],
    ),
    ("Mutation", WRITE, &["reviewLead", "updateLead"]),
    ("UpdateLeadPayload", WRITE, &["clientMutationId", "lead", "outcome", "userErrors"]),
    ("UserError", WRITE, &["code", "message", "path"]),
    ("Subscription", FOLLOW, &["events"]),
    ("Event", FOLLOW, &["cursor", "occurredAt", "receivedAt", "source", "type"]),
    ("Event", Rule::Needs(&[Scope::EventsRead, Scope::LeadsRead]), &["conversation", "interaction", "lead"]),
    ("Viewer", Rule::Open, &["name", "scopes"]),
    ("Source", Rule::Open, &["capabilities", "health", "id", "name", "quota", "vendor"]),
    (
        "SourceCapabilities",
        Rule::Open,
        &[
            "conversationById",
            "conversations",
            "interactions",
            "leadById",
            "leads",
            "recordings",
            "updateLead",
            "vendorFilters",
            "webhooks",
        ],
    ),
    ("SourceHealth", Rule::Open, &["lastError", "lastSuccessAt", "retryAt", "since", "state"]),
    ("SourceQuota", Rule::Open, &["limit", "remaining", "resetAt", "windowSeconds"]),
    ("SourceError", Rule::Open, &["code", "message", "retryAfterMs", "retryable"]),
    (
        "SourceReport",
        Rule::Open,
        &["catchingUp", "error", "fetchedAt", "note", "rejectedRecords", "source", "status", "upstreamCalls"],
    ),
    ("PageInfo", Rule::Open, &["endCursor", "hasNextPage", "hasPreviousPage", "startCursor"]),
    ("LeadConnection", READ, &["edges", "incomplete", "nodes", "pageInfo", "sources"]),
    ("LeadEdge", READ, &["cursor", "node"]),
    ("ConversationConnection", READ, &["edges", "incomplete", "nodes", "pageInfo", "sources"]),
    ("ConversationEdge", READ, &["cursor", "node"]),
    ("InteractionConnection", READ, &["edges", "incomplete", "nodes", "pageInfo", "sources"]),
    ("InteractionEdge", READ, &["cursor", "node"]),
    (
        "Lead",
        READ,
        &[
            "approval",
            "campaign",
            "conversation",
            "createdAt",
            "doNotContact",
            "id",
            "interactions",
            "isTest",
            "lastActivityAt",
            "source",
            "status",
            "updatedAt",
            "vendor",
            "vendorId",
            "vendorStatus",
            "viewerCanUpdate",
        ],
    ),
    (
        "Lead",
        Rule::Masked,
        &[
            "attribution",
            "customField",
            "customFields",
            "email",
            "firstName",
            "lastName",
            "name",
            "notes",
            "pageUrl",
            "phone",
            "phoneE164",
            "statusDetail",
        ],
    ),
    ("Lead", RAW, &["raw"]),
    ("LeadNote", READ, &["createdAt", "id"]),
    ("LeadNote", Rule::Masked, &["author", "text"]),
    ("CustomField", READ, &["key", "label"]),
    ("CustomField", Rule::Masked, &["value"]),
    ("Campaign", READ, &["client", "id", "name", "offer"]),
    ("Approval", READ, &["decidedAt", "status"]),
    ("Approval", Rule::Masked, &["decidedBy", "reason"]),
    (
        "Conversation",
        READ,
        &[
            "channel",
            "durationSeconds",
            "endedAt",
            "expiresAt",
            "id",
            "lead",
            "recording",
            "source",
            "startedAt",
            "turnCount",
            "vendor",
            "vendorChannel",
            "vendorId",
        ],
    ),
    ("Conversation", Rule::Masked, &["customer", "pageUrl", "preview", "summary", "toolCalls", "transcript"]),
    ("Conversation", RAW, &["raw"]),
    ("TranscriptTurn", READ, &["at", "id", "offsetMs", "role", "vendorRole"]),
    ("TranscriptTurn", Rule::Masked, &["text"]),
    ("ToolCall", READ, &["name"]),
    ("ToolCall", Rule::Masked, &["args"]),
    ("Recording", READ, &["mimeType", "sizeBytes"]),
    ("Recording", LISTEN, &["link"]),
    ("RecordingLink", LISTEN, &["expiresAt", "url"]),
    (
        "Interaction",
        READ,
        &[
            "call",
            "conversation",
            "direction",
            "failure",
            "id",
            "kind",
            "lead",
            "occurredAt",
            "sms",
            "source",
            "status",
            "telephony",
            "updatedAt",
            "vendor",
            "vendorId",
            "vendorKind",
            "vendorStatus",
        ],
    ),
    ("Interaction", Rule::Masked, &["summary", "transcript"]),
    ("Interaction", RAW, &["raw"]),
    (
        "CallDetails",
        READ,
        &["agent", "durationSeconds", "origin", "recording", "spokenTo", "terminationReason"],
    ),
    ("VoiceAgent", READ, &["agentId", "conversationId", "provider"]),
    ("SmsDetails", READ, &["agentMode"]),
    ("Telephony", READ, &["provider"]),
    ("Telephony", Rule::Masked, &["messageId", "phoneNumber"]),
    ("InteractionFailure", READ, &["code"]),
    ("InteractionFailure", Rule::Masked, &["message"]),
];

/// The rule of a field.
pub(super) fn rule(on: &str, field: &str) -> Option<Rule> {
    static BY_FIELD: LazyLock<HashMap<(&str, &str), Rule>> = LazyLock::new(|| {
        let each = |(on, rule, fields): &(&'static str, Rule, &'static [&'static str])| {
            let (on, rule) = (*on, *rule);
            fields.iter().map(move |field| ((on, *field), rule))
        };
        RULES.iter().flat_map(each).collect()
    });
    BY_FIELD.get(&(on, field)).copied()
}

/// Why an operation is nothing for whoever sent it.
pub(super) struct Forbidden {
    /// The scopes that are lacking.
    pub(super) lacking: Scopes,
    /// The first fields that are refused, as `Type.field`, and where they stand.
    pub(super) fields: Vec<(String, Pos)>,
}

/// Checks every field that an operation selects.
///
/// # Errors
/// What is selected beyond what the caller may.
pub(super) fn check(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    given: &Given<'_>,
    caller: &Caller,
) -> Result<(), Forbidden> {
    if Scope::ALL.into_iter().all(|scope| caller.may(scope)) {
        return Ok(());
    }
    let root = match operation.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    };
    let fields = Fields::new(document, given, MAX_STEPS);
    let mut walk = Walk { fields, caller, lacking: Vec::new(), refused: Vec::new() };
    walk.object(root, &[&operation.selection_set.node], 0);
    if walk.fields.steps == 0 {
        // What was not looked at is not allowed.
        walk.refused.push(("the rest of it".to_owned(), Pos::default()));
    }
    if walk.refused.is_empty() {
        return Ok(());
    }
    Err(Forbidden { lacking: walk.lacking.into_iter().collect(), fields: walk.refused })
}

struct Walk<'a> {
    fields: Fields<'a, 'a>,
    caller: &'a Caller,
    lacking: Vec<Scope>,
    refused: Vec<(String, Pos)>,
}

impl<'a> Walk<'a> {
    /// Looks at what is selected on objects of one type. Deeper than the library goes there is nothing to look at.
    fn object(&mut self, on: &str, sets: &[&'a SelectionSet], depth: usize) {
        let types = &tables().types.0;
        let Some(Shape::Object { fields, implements }) = types.get(on) else { return };
        if depth > MAX_DEPTH {
            return;
        }
        let is = |name: &str| name == on || implements.iter().any(|interface| interface == name);
        for selected in self.fields.on(sets, &is) {
            let name = selected.field.node.name.node.as_str();
            // What is no field of the schema is refused by validation, with what may have been meant.
            let Some(of) = fields.get(name) else { continue };
            self.look(on, name, selected.field.pos);
            for object in objects(types, of) {
                self.object(object, &selected.below, depth + 1);
            }
        }
    }

    fn look(&mut self, on: &str, name: &str, pos: Pos) {
        let needs = match rule(on, name) {
            Some(Rule::Open) => &[][..],
            Some(Rule::Needs(scopes)) => scopes,
            Some(Rule::Masked) => &[Scope::LeadsRead][..],
            None => &Scope::ALL,
        };
        let lacking: Vec<_> = needs.iter().copied().filter(|scope| !self.caller.may(*scope)).collect();
        if lacking.is_empty() {
            return;
        }
        self.lacking.extend(lacking);
        let field = format!("{on}.{name}");
        if self.refused.len() < MAX_NAMED && !self.refused.iter().any(|(known, _)| *known == field) {
            self.refused.push((field, pos));
        }
    }
}

/// What the schema says of a type.
enum Shape {
    /// Its fields, each with the name of its type; its interfaces.
    Object { fields: HashMap<String, String>, implements: Vec<String> },
    /// The types that may stand for it.
    Abstract(Vec<String>),
}

/// The types of the schema that have fields.
pub(super) struct Types(HashMap<String, Shape>);

impl Types {
    pub(super) fn read(definitions: &[TypeDefinition]) -> Self {
        let mut types: HashMap<String, Shape> = HashMap::new();
        for definition in definitions {
            let name = definition.name.node.to_string();
            match &definition.kind {
                TypeKind::Object(object) => {
                    let implements: Vec<_> =
                        object.implements.iter().map(|name| name.node.to_string()).collect();
                    for interface in &implements {
                        let shape =
                            types.entry(interface.clone()).or_insert_with(|| Shape::Abstract(Vec::new()));
                        if let Shape::Abstract(members) = shape {
                            members.push(name.clone());
                        }
                    }
                    let fields = object.fields.iter().map(|field| {
                        (field.node.name.node.to_string(), named(&field.node.ty.node).to_owned())
                    });
                    types.insert(name, Shape::Object { fields: fields.collect(), implements });
                }
                TypeKind::Union(union) => {
                    let members = union.members.iter().map(|member| member.node.to_string()).collect();
                    types.insert(name, Shape::Abstract(members));
                }
                _ => {}
            }
        }
        Self(types)
    }
}

fn named(of: &Type) -> &str {
    match &of.base {
        async_graphql::parser::types::BaseType::Named(name) => name,
        async_graphql::parser::types::BaseType::List(of) => named(of),
    }
}

/// The types of objects that may stand where a type stands.
fn objects<'t>(types: &'t HashMap<String, Shape>, of: &'t str) -> Vec<&'t str> {
    match types.get(of) {
        Some(Shape::Object { .. }) => vec![of],
        Some(Shape::Abstract(members)) => members.iter().map(String::as_str).collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
