//! An account whose ids are those of every other, and whose texts say whose they are.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use leadgraph::model::caps::{ConversationCaps, LeadCaps, ListCaps, Paging, TimeFilter};
use leadgraph::model::conversation::{Channel, Conversation, Recording, RecordingLink};
use leadgraph::model::cx::Cx;
use leadgraph::model::failure::{SourceError, SourceErrorKind};
use leadgraph::model::id::{Key, NativeId, SourceId, Vendor};
use leadgraph::model::interaction::{Interaction, InteractionKind, InteractionStatus};
use leadgraph::model::lead::Lead;
use leadgraph::model::page::{Page, PageToken};
use leadgraph::model::source::{Health, Quota, SourceState};
use leadgraph::model::write::{Answered, Fate, LeadEdit, LeadUpdate, Misfit, NoteEdit, Prior, WriteFailure};
use leadgraph::source::{
    ConversationQuery, Delivery, DynHistories, DynList, DynRead, DynRecordings, DynWrite, Hint, Histories,
    LeadQuery, List, News, Person, Read, Recordings, Refusal, Source, Subject, Told, Webhook, Write,
};
use sha2::Digest;

/// How many leads there are, and conversations, and interactions.
const RECORDS: i64 = 40;

/// A note of which nobody learns what became of it.
pub(super) const LOST: &str = "lost";

/// One source. Those whose name ends with `talks` list conversations, the others keep a history of each lead.
pub(super) struct Account {
    id: SourceId,
    /// Neither takes time nor fails. Its leads name no conversation, and where it keeps histories it keeps many notes.
    steady: bool,
}

/// What the texts of a source say.
pub(super) fn says(source: &str) -> String {
    format!("{} speaks", source.replace('/', " of "))
}

impl Account {
    pub(super) fn new(name: &str, steady: bool) -> Self {
        Self { id: SourceId::new(name).unwrap(), steady }
    }

    fn talks(&self) -> bool {
        self.id.as_str().ends_with("talks")
    }

    fn text(&self) -> Option<String> {
        Some(says(self.id.as_str()))
    }

    fn key(&self, native: &NativeId) -> Key {
        Key { source: self.id.clone(), native: native.clone(), day: None }
    }

    fn lead(&self, native: &NativeId) -> Lead {
        Lead {
            name: self.text(),
            created_at: at(native),
            conversation: (!self.steady).then(|| native.clone()),
            ..Lead::bare(self.key(native), Vendor::Spelo)
        }
    }

    fn conversation(&self, native: &NativeId) -> Conversation {
        Conversation {
            key: self.key(native),
            vendor: Vendor::Spelo,
            channel: Channel::Voice,
            vendor_channel: None,
            direction: None,
            state: InteractionStatus::Completed,
            vendor_state: None,
            started_at: at(native),
            ended_at: at(native),
            duration_seconds: None,
            turn_count: None,
            page_url: None,
            preview: self.text(),
            summary: self.text(),
            customer: None,
            transcript: None,
            tool_calls: Vec::new(),
            partial: false,
            recording: Some(Recording { mime_type: None, size_bytes: None }),
            expires_at: None,
            lead: (!self.steady).then(|| native.clone()),
            raw: None,
        }
    }

    fn interaction(&self, native: &NativeId) -> Interaction {
        Interaction {
            key: self.key(native),
            vendor: Vendor::Spelo,
            kind: InteractionKind::Call,
            vendor_kind: None,
            status: InteractionStatus::Completed,
            vendor_status: None,
            direction: None,
            occurred_at: at(native),
            updated_at: None,
            summary: self.text(),
            customer: None,
            transcript: None,
            partial: false,
            call: None,
            sms: None,
            telephony: None,
            failure: None,
            lead: Some(native.clone()),
            raw: None,
        }
    }

    /// Takes a moment, so that equal reads meet; now and then it fails.
    async fn pause(&self, cx: &Cx) -> Result<(), SourceError> {
        cx.meter.count();
        if self.steady {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..6))).await;
        if fastrand::u8(0..20) == 0 {
            return Err(SourceError::new(&self.id, "read", SourceErrorKind::Timeout));
        }
        Ok(())
    }

    async fn page<T>(
        &self,
        cx: &Cx,
        from: Option<&PageToken>,
        make: impl Fn(&NativeId) -> T,
    ) -> Result<Page<T>, SourceError> {
        self.pause(cx).await?;
        let start = match from {
            Some(PageToken::Cursor(text)) => text.parse().unwrap_or_default(),
            _ => RECORDS,
        };
        let natives = (start - 9..=start).rev().map(|number| NativeId::new(&number.to_string()).unwrap());
        let rows = natives.map(|native| Arc::new(make(&native))).collect();
        let next = (start > 10).then(|| PageToken::Cursor((start - 10).to_string().into()));
        Ok(Page { rows, next, rejected: 0 })
    }
}

fn at(native: &NativeId) -> Option<Timestamp> {
    let number: i64 = native.as_str().parse().unwrap_or_default();
    Timestamp::from_second(1_790_000_000 + number).ok()
}

fn caps() -> ListCaps {
    ListCaps {
        paging: Paging::Cursor,
        page_size: 10.try_into().unwrap(),
        since: TimeFilter::None,
        until: TimeFilter::None,
        vendor_filters: &[],
    }
}

impl List<Lead> for Account {
    fn caps(&self) -> LeadCaps {
        LeadCaps { list: caps(), status: &[], has_status: false, has_conversation: false, email: false }
    }

    async fn page(
        &self,
        cx: &Cx,
        _: &LeadQuery,
        from: Option<&PageToken>,
    ) -> Result<Page<Lead>, SourceError> {
        self.page(cx, from, |native| self.lead(native)).await
    }
}

impl List<Conversation> for Account {
    fn caps(&self) -> ConversationCaps {
        ConversationCaps {
            list: caps(),
            channels: &[],
            channel_filter: &[],
            recordings: false,
            has_recording: false,
        }
    }

    async fn page(
        &self,
        cx: &Cx,
        _: &ConversationQuery,
        from: Option<&PageToken>,
    ) -> Result<Page<Conversation>, SourceError> {
        self.page(cx, from, |native| self.conversation(native)).await
    }
}

impl Read<Lead> for Account {
    async fn get(&self, cx: &Cx, id: &NativeId) -> Result<Option<Lead>, SourceError> {
        self.pause(cx).await.map(|()| Some(self.lead(id)))
    }
}

impl Read<Conversation> for Account {
    async fn get(&self, cx: &Cx, id: &NativeId) -> Result<Option<Conversation>, SourceError> {
        self.pause(cx).await.map(|()| Some(self.conversation(id)))
    }
}

impl Read<Interaction> for Account {
    async fn get(&self, cx: &Cx, id: &NativeId) -> Result<Option<Interaction>, SourceError> {
        self.pause(cx).await.map(|()| Some(self.interaction(id)))
    }
}

impl Histories for Account {
    async fn of_lead(&self, cx: &Cx, lead: &NativeId) -> Result<Page<Interaction>, SourceError> {
        self.pause(cx).await?;
        Ok(Page { rows: vec![Arc::new(self.interaction(lead))], next: None, rejected: 0 })
    }
}

impl Write<LeadUpdate> for Account {
    fn edit(&self, change: &LeadUpdate) -> Result<LeadEdit, Misfit> {
        let many = self.steady && !self.talks();
        let note = change.notes.clone().map(if many { NoteEdit::Add } else { NoteEdit::Replace });
        Ok(LeadEdit { note, ..LeadEdit::default() })
    }

    async fn prior(&self, cx: &Cx, id: &NativeId) -> Result<Option<Prior>, SourceError> {
        self.pause(cx).await.map(|()| Some(Prior { lead: self.lead(id), own: None }))
    }

    async fn write(&self, cx: &Cx, prior: &Prior, edit: &LeadEdit) -> Result<Answered, WriteFailure> {
        self.pause(cx).await.map_err(|error| WriteFailure { error, fate: Fate::Unsent })?;
        if matches!(&edit.note, Some(NoteEdit::Add(text)) if text == LOST) {
            let error = SourceError::new(&self.id, "write", SourceErrorKind::Timeout);
            return Err(WriteFailure { error, fate: Fate::Unknown });
        }
        Ok(Answered::Lead(Box::new(edit.onto(&prior.lead))))
    }
}

impl Recordings for Account {
    async fn link(&self, _: &Cx, id: &NativeId) -> Result<Option<RecordingLink>, SourceError> {
        let url = format!("https://recordings.example/{}/{id}", self.id);
        Ok(Some(RecordingLink { url, expires_at: None }))
    }
}

/// The webhook of an account, which believes everyone: whatever is delivered says that the newest lead of its talks came from
/// the newest of them.
pub(super) struct Postbox(pub(super) SourceId);

impl Webhook for Postbox {
    fn read(&self, delivery: &Delivery<'_>) -> Result<Told, Refusal> {
        let source = SourceId::new(&format!("{}/talks", self.0)).ok_or(Refusal::Unreadable)?;
        let newest = NativeId::new(&RECORDS.to_string()).ok_or(Refusal::Unreadable)?;
        let at = at(&newest);
        let person =
            Person { name: Some(says(source.as_str())), conversation: Some(newest), ..Person::default() };
        let hint = Hint { source, news: News::LeadCreated, subject: Subject::Person(person), at };
        Ok(Told { mark: sha2::Sha256::digest(delivery.body).into(), hint: Some(hint) })
    }
}

impl Source for Account {
    fn id(&self) -> &SourceId {
        &self.id
    }
    fn vendor(&self) -> Vendor {
        Vendor::Spelo
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
        self.talks().then_some(self)
    }
    fn conversation_by_id(&self) -> Option<&dyn DynRead<Conversation>> {
        Some(self)
    }
    fn interaction_by_id(&self) -> Option<&dyn DynRead<Interaction>> {
        (!self.talks()).then_some(self)
    }
    fn histories(&self) -> Option<&dyn DynHistories> {
        (!self.talks()).then_some(self)
    }
    fn recordings(&self) -> Option<&dyn DynRecordings> {
        Some(self)
    }
    fn lead_update(&self) -> Option<&dyn DynWrite<LeadUpdate>> {
        Some(self)
    }
}
