//! A source in which every value is there, and all that is personal holds a canary.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use leadgraph::events::{Event, EventKind};
use leadgraph::model::caps::{ConversationCaps, LeadCaps, ListCaps, Paging, TimeFilter};
use leadgraph::model::conversation::{
    Channel, Conversation, Recording, RecordingLink, SpeakerRole, ToolCall, TranscriptTurn,
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
    ConversationQuery, DynHistories, DynList, DynRead, DynRecordings, Histories, LeadQuery, List, Read,
    Recordings, Source,
};

/// What no masked answer may hold, in small letters.
pub(super) const CANARIES: [&str; 2] = ["canary", "5550123"];

/// Says so much of everyone that each value is there.
pub(super) struct Full(pub(super) SourceId);

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn json() -> Option<Json> {
    Some(Json::from_valid("\"canary\""))
}

fn at(second: i64) -> Option<Timestamp> {
    Some(Timestamp::from_second(1_790_000_000 + second).unwrap())
}

impl Full {
    pub(super) fn key(&self, native: &str) -> Key {
        Key { source: self.0.clone(), native: NativeId::new(native).unwrap(), day: None }
    }

    fn lead(&self) -> Lead {
        Lead {
            key: self.key("l"),
            vendor: Vendor::LeadSail,
            name: text("Canary Canaryson"),
            first_name: text("Canary"),
            last_name: text("Canaryson"),
            email: text("canary@canary.example"),
            phone: text("+1 5550123 99"),
            phone_e164: text("+1555012399"),
            status: Some(LeadStatus::New),
            vendor_status: text("new"),
            status_detail: text("canary hung up"),
            notes: vec![LeadNote {
                id: "n".to_owned(),
                text: "a canary".to_owned(),
                created_at: at(1),
                author: text("canary"),
            }],
            custom_fields: vec![CustomField { key: "k".to_owned(), label: text("label"), value: json() }],
            page_url: text("https://acme.example/pricing?who=canary"),
            campaign: Some(Box::new(Campaign {
                id: "p".to_owned(),
                name: text("p"),
                client: text("c"),
                offer: text("o"),
            })),
            approval: Some(Box::new(Approval {
                status: "approved".to_owned(),
                reason: text("canary is fine"),
                decided_at: at(2),
                decided_by: text("canary"),
            })),
            attribution: json(),
            is_test: Some(false),
            do_not_contact: Some(false),
            created_at: at(3),
            updated_at: at(4),
            last_activity_at: at(5),
            conversation: NativeId::new("c"),
            sparse: false,
            raw: json(),
        }
    }

    /// Something happened to everyone.
    pub(super) fn event(&self) -> Event {
        Event {
            occurred_at: at(17),
            lead: Some(Arc::new(self.lead())),
            conversation: Some(Arc::new(self.conversation())),
            interaction: Some(Arc::new(self.interaction())),
            ..Event::new(EventKind::LeadUpdated, self.0.clone(), Vendor::LeadSail, Timestamp::UNIX_EPOCH)
        }
    }

    fn turns() -> Option<Vec<TranscriptTurn>> {
        Some(vec![TranscriptTurn {
            role: SpeakerRole::User,
            vendor_role: text("user"),
            text: "I am a canary".to_owned(),
            at: at(6),
            offset_ms: Some(7),
        }])
    }

    fn conversation(&self) -> Conversation {
        Conversation {
            key: self.key("c"),
            vendor: Vendor::LeadSail,
            channel: Channel::Voice,
            vendor_channel: text("voice"),
            direction: Some(Direction::Inbound),
            state: InteractionStatus::Completed,
            vendor_state: text("done"),
            started_at: at(8),
            ended_at: at(9),
            duration_seconds: Some(1),
            turn_count: Some(1),
            page_url: text("https://acme.example/pricing?who=canary"),
            preview: text("a canary"),
            summary: text("a canary"),
            customer: text("canary"),
            transcript: Self::turns(),
            tool_calls: vec![ToolCall { name: "book".to_owned(), args: json() }],
            partial: false,
            recording: Some(Recording { mime_type: text("audio/mpeg"), size_bytes: Some(1) }),
            expires_at: at(10),
            lead: NativeId::new("l"),
            raw: json(),
        }
    }

    fn interaction(&self) -> Interaction {
        Interaction {
            key: self.key("i"),
            vendor: Vendor::LeadSail,
            kind: InteractionKind::Call,
            vendor_kind: text("call"),
            status: InteractionStatus::Completed,
            vendor_status: text("done"),
            direction: Some(Direction::Outbound),
            occurred_at: at(11),
            updated_at: at(12),
            summary: text("a canary"),
            customer: text("canary"),
            transcript: Self::turns(),
            partial: false,
            call: Some(CallDetails {
                origin: text("web"),
                duration_seconds: Some(1),
                spoken_to: Some(true),
                termination_reason: text("ended"),
                recording: Some(Recording { mime_type: text("audio/mpeg"), size_bytes: Some(1) }),
                agent: Some(VoiceAgent {
                    provider: text("v"),
                    agent_id: text("a"),
                    conversation_id: text("x"),
                }),
            }),
            sms: Some(SmsDetails { agent_mode: Some(true) }),
            telephony: Some(Telephony {
                provider: text("t"),
                message_id: text("canary-1"),
                phone_number: text("+1555012399"),
            }),
            failure: Some(InteractionFailure { code: text("E1"), message: text("no canary") }),
            lead: NativeId::new("l"),
            raw: json(),
        }
    }
}

fn page<T>(record: T) -> Page<T> {
    Page { rows: vec![Arc::new(record)], next: None, rejected: 0 }
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

impl List<Lead> for Full {
    fn caps(&self) -> LeadCaps {
        LeadCaps { list: caps(), status: &[], has_status: true, has_conversation: true, email: false }
    }

    async fn page(&self, cx: &Cx, _: &LeadQuery, _: Option<&PageToken>) -> Result<Page<Lead>, SourceError> {
        cx.meter.count();
        Ok(page(self.lead()))
    }
}

impl Read<Lead> for Full {
    async fn get(&self, cx: &Cx, _: &NativeId) -> Result<Option<Lead>, SourceError> {
        cx.meter.count();
        Ok(Some(self.lead()))
    }
}

impl List<Conversation> for Full {
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
        cx: &Cx,
        _: &ConversationQuery,
        _: Option<&PageToken>,
    ) -> Result<Page<Conversation>, SourceError> {
        cx.meter.count();
        Ok(page(self.conversation()))
    }
}

impl Read<Conversation> for Full {
    async fn get(&self, cx: &Cx, _: &NativeId) -> Result<Option<Conversation>, SourceError> {
        cx.meter.count();
        Ok(Some(self.conversation()))
    }
}

impl Read<Interaction> for Full {
    async fn get(&self, cx: &Cx, _: &NativeId) -> Result<Option<Interaction>, SourceError> {
        cx.meter.count();
        Ok(Some(self.interaction()))
    }
}

impl Histories for Full {
    async fn of_lead(&self, cx: &Cx, _: &NativeId) -> Result<Page<Interaction>, SourceError> {
        cx.meter.count();
        Ok(page(self.interaction()))
    }
}

impl Recordings for Full {
    async fn link(&self, cx: &Cx, _: &NativeId) -> Result<Option<RecordingLink>, SourceError> {
        cx.meter.count();
        Ok(Some(RecordingLink { url: "https://tapes.example/1".to_owned(), expires_at: at(13) }))
    }
}

impl Source for Full {
    fn id(&self) -> &SourceId {
        &self.0
    }
    fn vendor(&self) -> Vendor {
        Vendor::LeadSail
    }
    fn health(&self) -> Health {
        Health {
            state: SourceState::Degraded,
            since: Timestamp::UNIX_EPOCH,
            last_success_at: at(14),
            last_error: Some(SourceErrorKind::Timeout),
            retry_at: at(15),
        }
    }
    fn quota(&self) -> Quota {
        Quota { limit: 60, window: Duration::from_secs(60), remaining: 60, reset_at: at(16) }
    }
    fn leads(&self) -> Option<&dyn DynList<Lead>> {
        Some(self)
    }
    fn lead_by_id(&self) -> Option<&dyn DynRead<Lead>> {
        Some(self)
    }
    fn conversations(&self) -> Option<&dyn DynList<Conversation>> {
        // Where a source lists conversations, they are its interactions; here it is to have its own.
        None
    }
    fn conversation_by_id(&self) -> Option<&dyn DynRead<Conversation>> {
        Some(self)
    }
    fn interaction_by_id(&self) -> Option<&dyn DynRead<Interaction>> {
        Some(self)
    }
    fn histories(&self) -> Option<&dyn DynHistories> {
        Some(self)
    }
    fn recordings(&self) -> Option<&dyn DynRecordings> {
        Some(self)
    }
}

/// The same source, with a list of conversations.
pub(super) struct Talking(pub(super) Full);

impl Source for Talking {
    fn id(&self) -> &SourceId {
        self.0.id()
    }
    fn vendor(&self) -> Vendor {
        self.0.vendor()
    }
    fn health(&self) -> Health {
        self.0.health()
    }
    fn quota(&self) -> Quota {
        self.0.quota()
    }
    fn conversations(&self) -> Option<&dyn DynList<Conversation>> {
        Some(&self.0)
    }
    fn conversation_by_id(&self) -> Option<&dyn DynRead<Conversation>> {
        Some(&self.0)
    }
    fn recordings(&self) -> Option<&dyn DynRecordings> {
        Some(&self.0)
    }
}
