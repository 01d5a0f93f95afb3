//! A source with records of all kinds: with everything and with nothing, with texts that must be escaped.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use leadgraph::model::caps::{ConversationCaps, LeadCaps, ListCaps, Paging, TimeFilter};
use leadgraph::model::conversation::{
    Channel, Conversation, Recording, SpeakerRole, ToolCall, TranscriptTurn,
};
use leadgraph::model::cx::Cx;
use leadgraph::model::failure::{SourceError, SourceErrorKind};
use leadgraph::model::id::{Key, NativeId, SourceId, Vendor};
use leadgraph::model::interaction::{
    CallDetails, Direction, Interaction, InteractionFailure, InteractionKind, InteractionStatus, SmsDetails,
    Telephony, VoiceAgent,
};
use leadgraph::model::lead::{Approval, Campaign, CustomField, Lead, LeadNote, LeadStatus};
use leadgraph::model::page::{Page, PageToken};
use leadgraph::model::source::{Health, Quota, SourceState};
use leadgraph::model::text::Json;
use leadgraph::source::{
    ConversationQuery, DynHistories, DynList, DynRead, Histories, LeadQuery, List, Read, Source,
};

/// How many records of each kind there are.
const RECORDS: i64 = 5;

/// Texts, in turn.
const TEXTS: [&str; 5] =
    ["Ada \"the\" Lovelace", "tab\tline\nbell\u{7}\\", "Žofie ☎ \u{1F600}\u{2028}", "plain", "a/b</script>"];

pub(super) struct Told {
    pub(super) id: SourceId,
    /// Its list of leads tells no more than ids.
    pub(super) sparse: bool,
    /// It lists interactions lead by lead, and no conversations.
    pub(super) histories: bool,
    pub(super) lists_fail: bool,
    pub(super) reads_fail: bool,
    /// How many rows of each list it cannot read: then no page is whole.
    pub(super) rejected: u32,
}

fn at(number: i64) -> Option<Timestamp> {
    Some(Timestamp::from_millisecond(1_790_000_000_000 + number * 7_001).unwrap())
}

fn number(id: &NativeId) -> i64 {
    id.as_str().trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
}

/// Every other thing is there, another one for each record.
fn some<T>(number: i64, what: i64, value: T) -> Option<T> {
    ((number + what) % 3 != 0).then_some(value)
}

impl Told {
    pub(super) fn whole(name: &str) -> Self {
        let id = SourceId::new(name).unwrap();
        Self { id, sparse: false, histories: true, lists_fail: false, reads_fail: false, rejected: 1 }
    }

    fn key(&self, kind: char, number: i64) -> Key {
        let native = NativeId::new(&format!("{kind}{number}")).unwrap();
        Key { source: self.id.clone(), native, day: None }
    }

    fn vendor_of(&self) -> Vendor {
        if self.histories { Vendor::Spelo } else { Vendor::Chatzuri }
    }

    fn text(number: i64, what: i64) -> Option<String> {
        let place = usize::try_from(number + what).unwrap() % TEXTS.len();
        some(number, what, TEXTS[place].to_owned())
    }

    fn json(number: i64, what: i64) -> Option<Json> {
        let texts = ["{\"b\": [1, 2.50, null], \"a\\\"\": {}}", "\"x\"", "[]", "18446744073709551615"];
        let place = usize::try_from(number + what).unwrap() % texts.len();
        some(number, what, Json::from_valid(texts[place]))
    }

    fn lead(&self, n: i64) -> Lead {
        let text = |what| Self::text(n, what);
        let statuses =
            [LeadStatus::New, LeadStatus::InProgress, LeadStatus::DoNotContact, LeadStatus::Unknown];
        let note = |id: i64| LeadNote {
            id: id.to_string(),
            text: TEXTS[1].to_owned(),
            created_at: some(n, id, at(id)).flatten(),
            author: text(id),
        };
        let field = |key: &str, what| CustomField {
            key: key.to_owned(),
            label: text(what),
            value: Self::json(n, what),
        };
        Lead {
            name: text(1),
            first_name: text(2),
            last_name: text(3),
            email: text(4),
            phone: some(n, 5, "+1 555 0123 45".to_owned()),
            phone_e164: some(n, 5, "+1555012345".to_owned()),
            status: some(n, 6, statuses[usize::try_from(n).unwrap() % statuses.len()]),
            vendor_status: text(7),
            status_detail: text(8),
            notes: (0..n % 3).map(note).collect(),
            custom_fields: vec![field("j", 1), field("k", 2)],
            page_url: some(n, 9, "https://acme.example/a?b=c#d".to_owned()),
            campaign: some(
                n,
                10,
                Box::new(Campaign { id: "p".to_owned(), name: text(1), client: text(2), offer: text(3) }),
            ),
            approval: some(
                n,
                11,
                Box::new(Approval {
                    status: "approved".to_owned(),
                    reason: text(1),
                    decided_at: at(1),
                    decided_by: text(2),
                }),
            ),
            attribution: Self::json(n, 12),
            is_test: some(n, 13, true),
            do_not_contact: some(n, 14, n % 2 == 0),
            created_at: at(n),
            updated_at: some(n, 15, at(n + 1)).flatten(),
            last_activity_at: some(n, 16, at(n + 2)).flatten(),
            conversation: some(n, 17, NativeId::new(&format!("c{n}")).unwrap()),
            raw: Self::json(n, 18),
            ..Lead::bare(self.key('l', n), self.vendor_of())
        }
    }

    fn turns(n: i64) -> Option<Vec<TranscriptTurn>> {
        let turn = |m: i64| TranscriptTurn {
            role: if m == 0 { SpeakerRole::Agent } else { SpeakerRole::User },
            vendor_role: Self::text(n, m),
            text: TEXTS[2].to_owned(),
            at: some(n, m, at(m)).flatten(),
            offset_ms: some(n, m, i64::MAX),
        };
        some(n, 0, (0..n).map(turn).collect())
    }

    fn conversation(&self, n: i64, partial: bool) -> Conversation {
        let text = |what| Self::text(n, what);
        Conversation {
            key: self.key('c', n),
            vendor: self.vendor_of(),
            channel: if n % 2 == 0 { Channel::WhatsApp } else { Channel::WebChat },
            vendor_channel: text(1),
            direction: some(n, 2, Direction::Inbound),
            state: InteractionStatus::NoAnswer,
            vendor_state: text(3),
            started_at: at(n),
            ended_at: some(n, 4, at(n + 1)).flatten(),
            duration_seconds: some(n, 5, n * 3_000_000_000),
            turn_count: some(n, 6, n),
            page_url: some(n, 7, "https://acme.example/a?b=c#d".to_owned()),
            preview: text(8),
            summary: text(9),
            customer: text(10),
            transcript: Self::turns(n),
            tool_calls: vec![ToolCall { name: TEXTS[0].to_owned(), args: Self::json(n, 1) }],
            partial,
            recording: some(n, 11, Recording { mime_type: text(1), size_bytes: Some(1 << 40) }),
            expires_at: None,
            lead: some(n, 12, NativeId::new(&format!("l{n}")).unwrap()),
            raw: Self::json(n, 13),
        }
    }

    fn interaction(&self, n: i64) -> Interaction {
        let text = |what| Self::text(n, what);
        let agent = VoiceAgent { provider: text(1), agent_id: text(2), conversation_id: text(3) };
        let recording = Recording { mime_type: text(4), size_bytes: None };
        Interaction {
            kind: InteractionKind::Sms,
            direction: some(n, 1, Direction::Outbound),
            updated_at: some(n, 2, at(n + 5)).flatten(),
            call: some(
                n,
                3,
                CallDetails {
                    origin: text(1),
                    duration_seconds: Some(n),
                    spoken_to: some(n, 4, false),
                    termination_reason: text(2),
                    recording: Some(recording),
                    agent: Some(agent),
                },
            ),
            sms: some(n, 4, SmsDetails { agent_mode: some(n, 5, true) }),
            telephony: some(
                n,
                5,
                Telephony { provider: text(1), message_id: text(2), phone_number: text(3) },
            ),
            failure: some(n, 6, InteractionFailure { code: text(1), message: text(2) }),
            key: self.key('i', n),
            ..self.conversation(n, n % 2 == 0).to_interaction()
        }
    }

    fn fail<T>(&self, op: &'static str, fails: bool, value: T) -> Result<T, SourceError> {
        let error = || SourceError::new(&self.id, op, SourceErrorKind::Unreachable);
        if fails { Err(error().retry_after(Some(Duration::from_secs(3)))) } else { Ok(value) }
    }

    fn page<T>(&self, op: &'static str, row: impl FnMut(i64) -> T) -> Result<Page<T>, SourceError> {
        let rows = (1..=RECORDS).rev().map(row).map(Arc::new).collect();
        self.fail(op, self.lists_fail, Page { rows, next: None, rejected: self.rejected })
    }
}

fn caps() -> ListCaps {
    ListCaps {
        paging: Paging::Cursor,
        page_size: 100.try_into().unwrap(),
        since: TimeFilter::None,
        until: TimeFilter::None,
        vendor_filters: &["status"],
    }
}

impl List<Lead> for Told {
    fn caps(&self) -> LeadCaps {
        LeadCaps { list: caps(), status: &[], has_status: true, has_conversation: true, email: false }
    }

    async fn page(&self, _: &Cx, _: &LeadQuery, _: Option<&PageToken>) -> Result<Page<Lead>, SourceError> {
        Told::page(self, "leads.list", |n| match self.lead(n) {
            Lead { key, vendor, created_at, .. } if self.sparse && n % 2 == 0 => {
                Lead { created_at, sparse: true, ..Lead::bare(key, vendor) }
            }
            lead => lead,
        })
    }
}

impl Read<Lead> for Told {
    async fn get(&self, _: &Cx, id: &NativeId) -> Result<Option<Lead>, SourceError> {
        self.fail("leads.get", self.reads_fail, Some(self.lead(number(id))))
    }
}

impl List<Conversation> for Told {
    fn caps(&self) -> ConversationCaps {
        ConversationCaps {
            list: caps(),
            channels: &[],
            channel_filter: &[],
            recordings: true,
            has_recording: false,
        }
    }

    async fn page(
        &self,
        _: &Cx,
        _: &ConversationQuery,
        _: Option<&PageToken>,
    ) -> Result<Page<Conversation>, SourceError> {
        Told::page(self, "conversations.list", |n| self.conversation(n, n % 2 == 0))
    }
}

impl Read<Conversation> for Told {
    async fn get(&self, _: &Cx, id: &NativeId) -> Result<Option<Conversation>, SourceError> {
        self.fail("conversations.get", self.reads_fail, Some(self.conversation(number(id), false)))
    }
}

impl Read<Interaction> for Told {
    async fn get(&self, _: &Cx, id: &NativeId) -> Result<Option<Interaction>, SourceError> {
        self.fail(
            "interactions.get",
            self.reads_fail,
            Some(Interaction { partial: false, ..self.interaction(number(id)) }),
        )
    }
}

impl Histories for Told {
    async fn of_lead(&self, _: &Cx, _: &NativeId) -> Result<Page<Interaction>, SourceError> {
        let rows = (1..=3).rev().map(|n| Arc::new(self.interaction(n))).collect();
        self.fail("interactions.list", self.reads_fail, Page { rows, next: None, rejected: 0 })
    }
}

impl Source for Told {
    fn id(&self) -> &SourceId {
        &self.id
    }
    fn vendor(&self) -> Vendor {
        self.vendor_of()
    }
    fn health(&self) -> Health {
        let since = Timestamp::UNIX_EPOCH;
        Health { state: SourceState::Up, since, last_success_at: None, last_error: None, retry_at: None }
    }
    fn quota(&self) -> Quota {
        Quota { limit: 60, window: Duration::from_secs(60), remaining: 60, reset_at: None }
    }
    fn leads(&self) -> Option<&dyn DynList<Lead>> {
        Some(self)
    }
    fn lead_by_id(&self) -> Option<&dyn DynRead<Lead>> {
        Some(self)
    }
    fn conversations(&self) -> Option<&dyn DynList<Conversation>> {
        if self.histories { None } else { Some(self) }
    }
    fn conversation_by_id(&self) -> Option<&dyn DynRead<Conversation>> {
        Some(self)
    }
    fn interaction_by_id(&self) -> Option<&dyn DynRead<Interaction>> {
        if self.histories { Some(self) } else { None }
    }
    fn histories(&self) -> Option<&dyn DynHistories> {
        if self.histories { Some(self) } else { None }
    }
}
