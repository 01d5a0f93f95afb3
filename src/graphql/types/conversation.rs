//! A conversation.

use async_graphql::{Context, Enum, ID, Object};
use tokio::sync::OnceCell;

use super::int;
use super::lead::Lead;
use super::recording::Recording;
use super::source::Source;
use super::transcript::{ToolCall, TranscriptTurn, check_last, last_turns};
use super::vendor::Vendor;
use crate::gather::request::ConversationKey;
use crate::graphql::error::ClientError;
use crate::graphql::mask::Shown;
use crate::graphql::scalars::id;
use crate::graphql::scalars::json::Json;
use crate::graphql::scalars::time::{DateTime, at};
use crate::graphql::state::State;
use crate::model::conversation as model;
use crate::model::id::{EntityKind, Key};

/// The `Conversation` of the schema.
pub(in crate::graphql) struct Conversation {
    seen: Shown<model::Conversation>,
    /// The conversation read by id, where the list may have cut it short and what was cut was selected.
    whole: OnceCell<Result<Shown<model::Conversation>, ClientError>>,
}

impl Conversation {
    /// A conversation as a list or look-up gave it.
    pub(in crate::graphql) fn new(seen: Shown<model::Conversation>) -> Self {
        Self { seen, whole: OnceCell::new() }
    }

    async fn whole<'a>(&'a self, ctx: &Context<'_>) -> Result<&'a model::Conversation, ClientError> {
        if !self.seen.partial {
            return Ok(&self.seen);
        }
        let read = || async {
            let source = &self.seen.key.source;
            let wanted =
                ConversationKey { key: self.seen.key.clone(), near: self.seen.started_at, whole: true };
            let state = State::of(ctx)?;
            let found = state.loaders().conversations.load(source, wanted).await?;
            found.map(|talk| state.show(talk)).ok_or_else(|| ClientError::gone(source, "conversations.get"))
        };
        self.whole.get_or_init(read).await.as_deref().map_err(Clone::clone)
    }
}

/// One talk with a person: a call, a chat, a thread.
#[Object]
impl Conversation {
    /// The global id, for `node` and `conversation`.
    pub(in crate::graphql) async fn id(&self) -> ID {
        id::of(EntityKind::Conversation, &self.seen.key)
    }

    /// The vendor that gave the conversation.
    async fn vendor(&self) -> Vendor {
        self.seen.vendor.into()
    }

    /// The vendor's own id. Unique only within its source.
    async fn vendor_id(&self) -> &str {
        self.seen.key.native.as_str()
    }

    /// The source that gave the conversation.
    async fn source(&self) -> Source {
        Source::named(&self.seen.key.source, self.seen.vendor)
    }

    /// Where it takes place; `OTHER` where the vendor's word is not mapped.
    async fn channel(&self) -> Channel {
        self.seen.channel.into()
    }

    /// The vendor's own word for the channel; null where it has none.
    async fn vendor_channel(&self) -> Option<&str> {
        self.seen.vendor_channel.as_deref()
    }

    /// When it began; lists are in this order.
    async fn started_at(&self) -> Option<DateTime> {
        at(self.seen.started_at)
    }

    /// When it ended; null while it goes on, or where the vendor does not tell.
    async fn ended_at(&self) -> Option<DateTime> {
        at(self.seen.ended_at)
    }

    /// Its length in seconds; null where the vendor does not tell.
    async fn duration_seconds(&self) -> Option<i32> {
        self.seen.duration_seconds.map(int)
    }

    /// How many turns it has, as the vendor counts them; null where the vendor does not tell.
    async fn turn_count(&self) -> Option<i32> {
        self.seen.turn_count.map(int)
    }

    /// The page on which it took place; null where there is none. Masked without the scope `pii:read`, as
    /// `https://acme.example/pricing?***`.
    async fn page_url(&self) -> Option<&str> {
        self.seen.page_url.as_deref()
    }

    /// A line to recognize it by: the vendor's own, or its first words. Masked without the scope `pii:read`, as `***`.
    async fn preview(&self) -> Option<&str> {
        self.seen.preview.as_deref()
    }

    /// The vendor's summary; null where it wrote none. Masked without the scope `pii:read`, as `***`.
    async fn summary(&self) -> Option<&str> {
        self.seen.summary.as_deref()
    }

    /// Who the customer is, in the vendor's words; null where the vendor does not tell. Masked without the scope
    /// `pii:read`, as `***`.
    async fn customer(&self) -> Option<&str> {
        self.seen.customer.as_deref()
    }

    /// What was said, in order. Null where the vendor gave no transcript; empty where nothing was said. Where a list
    /// holds it only in part it is read whole, which may cost a call. Masked without the scope `pii:read`, every text
    /// as `***`.
    async fn transcript(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only the last turns, at least 1. Absent: all of them.")] last: Option<i32>,
    ) -> Option<Result<Vec<TranscriptTurn>, ClientError>> {
        let read = async {
            let last = check_last(last)?;
            let owner = id::of(EntityKind::Conversation, &self.seen.key);
            let turns = self.whole(ctx).await?.transcript.as_deref();
            Ok(turns.map(|turns| last_turns(&owner, turns, last)))
        };
        read.await.transpose()
    }

    /// Tools that the agent used, in order. Empty where it used none. Masked without the scope `pii:read`, every
    /// argument as `"***"`.
    async fn tool_calls(&self, ctx: &Context<'_>) -> Vec<ToolCall> {
        // The list cannot be null, so a failure is reported beside what is known.
        let conversation = self.whole(ctx).await.unwrap_or_else(|error| {
            error.report(ctx);
            &self.seen
        });
        conversation.tool_calls.iter().map(|call| ToolCall::new(&self.seen.key.source, call)).collect()
    }

    /// The recording; null where there is none.
    async fn recording(&self) -> Option<Recording> {
        self.seen.recording.as_ref().map(|recording| Recording::new(&self.seen.key, recording))
    }

    /// When the vendor will delete the conversation; null where it does not tell.
    async fn expires_at(&self) -> Option<DateTime> {
        at(self.seen.expires_at)
    }

    /// The lead that was captured in the conversation; null where the vendor names none, and no webhook has told it.
    async fn lead(&self, ctx: &Context<'_>) -> Option<Result<Lead, ClientError>> {
        let source = &self.seen.key.source;
        let named = self.seen.lead.clone().map(|native| Key { source: source.clone(), native, day: None });
        let told = || State::of(ctx).ok().and_then(|state| state.gather.linked_lead(&self.seen.key));
        let key = told().or(named)?;
        let find = async {
            let state = State::of(ctx)?;
            let found = state.loaders().leads.load(source, key).await?;
            Ok(found.map(|lead| Lead::new(state.show(lead))))
        };
        find.await.transpose()
    }

    /// The vendor's own object, secrets removed, for what this schema does not name. Its shape is the vendor's and may
    /// change without notice. Needs the scopes `raw:read` and `pii:read`, since it holds whatever the vendor knows of
    /// the person.
    async fn raw(&self) -> Option<Result<Json, ClientError>> {
        self.seen.raw.as_ref().map(|raw| Json::parse_text(&self.seen.key.source, raw))
    }
}

/// Where a conversation takes place.
#[derive(Clone, Copy, PartialEq, Eq, Enum, Debug)]
#[graphql(remote = "model::Channel")]
pub(in crate::graphql) enum Channel {
    /// A call, by telephone or in the browser.
    Voice,
    /// A chat on a website.
    WebChat,
    /// Text messages.
    Sms,
    /// E-mail.
    Email,
    /// `WhatsApp`.
    #[graphql(name = "WHATSAPP")]
    WhatsApp,
    /// Instagram.
    Instagram,
    /// Messenger.
    Messenger,
    /// Slack.
    Slack,
    /// Telegram.
    Telegram,
    /// The vendor's programming interface.
    Api,
    /// The vendor's word is not mapped; see `vendorChannel`.
    Other,
}
