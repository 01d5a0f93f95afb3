//! An interaction.

mod parts;

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use tokio::sync::OnceCell;

use self::parts::{CallDetails, InteractionFailure, SmsDetails, Telephony};
pub(in crate::graphql) use self::parts::{Direction, InteractionKind, InteractionStatus};
use super::conversation::Conversation;
use super::lead::Lead;
use super::source::Source;
use super::transcript::{TranscriptTurn, check_last, last_turns};
use super::vendor::Vendor;
use crate::gather::request::ConversationKey;
use crate::graphql::error::ClientError;
use crate::graphql::mask::Shown;
use crate::graphql::scalars::id;
use crate::graphql::scalars::json::Json;
use crate::graphql::scalars::time::{DateTime, at};
use crate::graphql::state::State;
use crate::model::id::{EntityKind, Key};
use crate::model::interaction as model;

/// The `Interaction` of the schema.
pub(in crate::graphql) struct Interaction {
    seen: Shown<model::Interaction>,
    /// The interaction read by id, where the list may have cut its transcript short and that was selected.
    whole: OnceCell<Result<Shown<model::Interaction>, ClientError>>,
}

impl Interaction {
    /// An interaction as a list or look-up gave it.
    pub(in crate::graphql) fn new(seen: Shown<model::Interaction>) -> Self {
        Self { seen, whole: OnceCell::new() }
    }

    async fn whole<'a>(&'a self, ctx: &Context<'_>) -> Result<&'a model::Interaction, ClientError> {
        if !self.seen.partial {
            return Ok(&self.seen);
        }
        let read = || async {
            let key = &self.seen.key;
            let state = State::of(ctx)?;
            let found = state.loaders().interactions.load(&key.source, key.clone()).await?;
            found
                .map(|touch| state.show(touch))
                .ok_or_else(|| ClientError::gone(&key.source, "interactions.get"))
        };
        self.whole.get_or_init(read).await.as_deref().map_err(Clone::clone)
    }
}

/// One touch in a lead's history: a call, an SMS or e-mail thread, a chat. Where a vendor keeps no history of its own,
/// its conversations are its interactions.
#[Object]
impl Interaction {
    /// The global id, for `node` and `interaction`.
    pub(in crate::graphql) async fn id(&self) -> ID {
        id::of(EntityKind::Interaction, &self.seen.key)
    }

    /// The vendor that gave the interaction.
    async fn vendor(&self) -> Vendor {
        self.seen.vendor.into()
    }

    /// The vendor's own id. Unique only within its source.
    async fn vendor_id(&self) -> &str {
        self.seen.key.native.as_str()
    }

    /// The source that gave the interaction.
    async fn source(&self) -> Source {
        Source::named(&self.seen.key.source, self.seen.vendor)
    }

    /// What it is; `OTHER` where the vendor's word is not mapped.
    async fn kind(&self) -> InteractionKind {
        self.seen.kind.into()
    }

    /// The vendor's own word for what it is; null where it has none.
    async fn vendor_kind(&self) -> Option<&str> {
        self.seen.vendor_kind.as_deref()
    }

    /// How it went; `UNKNOWN` where the vendor's word is not mapped or there is none.
    async fn status(&self) -> InteractionStatus {
        self.seen.status.into()
    }

    /// The vendor's own word for how it went; null where it has none.
    async fn vendor_status(&self) -> Option<&str> {
        self.seen.vendor_status.as_deref()
    }

    /// Who began it; null where the vendor does not tell.
    async fn direction(&self) -> Option<Direction> {
        self.seen.direction.map(Direction::from)
    }

    /// When it began; lists are in this order.
    async fn occurred_at(&self) -> Option<DateTime> {
        at(self.seen.occurred_at)
    }

    /// When it last changed; null where the vendor does not tell.
    async fn updated_at(&self) -> Option<DateTime> {
        at(self.seen.updated_at)
    }

    /// The vendor's summary; null where it wrote none. Masked without the scope `pii:read`, as `***`.
    async fn summary(&self) -> Option<&str> {
        self.seen.summary.as_deref()
    }

    /// What was said or written, in order. Null where the vendor gave no transcript; empty where nothing was said.
    /// Where a list holds it only in part it is read whole, which may cost a call. Masked without the scope `pii:read`,
    /// every text as `***`.
    async fn transcript(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only the last turns, at least 1. Absent: all of them.")] last: Option<i32>,
    ) -> Option<Result<Vec<TranscriptTurn>, ClientError>> {
        let read = async {
            let last = check_last(last)?;
            let owner = id::of(EntityKind::Interaction, &self.seen.key);
            let turns = self.whole(ctx).await?.transcript.as_deref();
            Ok(turns.map(|turns| last_turns(&owner, turns, last)))
        };
        read.await.transpose()
    }

    /// About the call; null where it is none, or where the vendor tells nothing beyond the other fields.
    async fn call(&self) -> Option<CallDetails> {
        self.seen.call.as_ref().map(|call| CallDetails::new(&self.seen.key, call))
    }

    /// About the SMS thread; null where it is none.
    async fn sms(&self) -> Option<SmsDetails> {
        self.seen.sms.as_ref().map(SmsDetails::from)
    }

    /// The line it went over; null where the vendor does not tell.
    async fn telephony(&self) -> Option<Telephony> {
        self.seen.telephony.as_ref().map(Telephony::from)
    }

    /// What went wrong in it; null where nothing did. It is about the interaction itself, not about reading it.
    async fn failure(&self) -> Option<InteractionFailure> {
        self.seen.failure.as_ref().map(InteractionFailure::from)
    }

    /// The lead whose history it belongs to; null where the vendor names none.
    async fn lead(&self, ctx: &Context<'_>) -> Option<Result<Lead, ClientError>> {
        let source = &self.seen.key.source;
        let named = self.seen.lead.clone().map(|native| Key { source: source.clone(), native, day: None });
        // Where only a webhook told it, the interaction is the conversation.
        let told = State::of(ctx).ok().and_then(|state| state.gather.linked_lead(&self.seen.key));
        let key = told.or(named)?;
        let find = async {
            let state = State::of(ctx)?;
            let found = state.loaders().leads.load(source, key).await?;
            Ok(found.map(|lead| Lead::new(state.show(lead))))
        };
        find.await.transpose()
    }

    /// The same touch as a conversation. Where the vendor has no conversations of its own, it is made from the
    /// interaction and costs no call.
    async fn conversation(&self, ctx: &Context<'_>) -> Option<Result<Conversation, ClientError>> {
        let key = &self.seen.key;
        let find = async {
            let state = State::of(ctx)?;
            let view = state.source(&key.source);
            if !view.is_some_and(|view| view.capabilities.conversations) {
                let talk = Arc::new(self.seen.to_conversation());
                return Ok(Some(Conversation::new(state.show(talk))));
            }
            let wanted = ConversationKey { key: key.clone(), near: self.seen.occurred_at, whole: false };
            let found = state.loaders().conversations.load(&key.source, wanted).await?;
            Ok(found.map(|talk| Conversation::new(state.show(talk))))
        };
        find.await.transpose()
    }

    /// The vendor's own object, secrets and links to recordings removed, for what this schema does not name. Its shape
    /// is the vendor's and may change without notice. Needs the scopes `raw:read` and `pii:read`, since it holds
    /// whatever the vendor knows of the person.
    async fn raw(&self) -> Option<Result<Json, ClientError>> {
        self.seen.raw.as_ref().map(|raw| Json::parse_text(&self.seen.key.source, raw))
    }
}
