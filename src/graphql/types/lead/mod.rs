//! A lead.

mod parts;

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use tokio::sync::OnceCell;

pub(in crate::graphql) use self::parts::LeadStatus;
use self::parts::{Approval, Campaign, CustomField, LeadNote};
use super::connection::InteractionConnection;
use super::conversation::Conversation;
use super::source::Source;
use super::vendor::Vendor;
use crate::gather::request::{ConversationKey, Paging};
use crate::graphql::error::ClientError;
use crate::graphql::input::InteractionFilter;
use crate::graphql::loaders::HistoryKey;
use crate::graphql::mask::Shown;
use crate::graphql::scalars::id;
use crate::graphql::scalars::json::Json;
use crate::graphql::scalars::time::DateTime;
use crate::graphql::state::State;
use crate::graphql::writer::{Written, tells_calls};
use crate::model::caller::Scope;
use crate::model::id::{EntityKind, Key};
use crate::model::lead as model;
use crate::model::text;

/// The `Lead` of the schema.
pub(in crate::graphql) struct Lead {
    seen: Shown<model::Lead>,
    /// The lead read by id, where the list gave no more than an id and a field that it lacks was selected.
    whole: OnceCell<Result<Shown<model::Lead>, ClientError>>,
}

impl Lead {
    /// A lead as a list or look-up gave it.
    pub(in crate::graphql) fn new(seen: Shown<model::Lead>) -> Self {
        Self { seen, whole: OnceCell::new() }
    }

    /// The lead with all that its vendor tells. The leads of a page that need it are read in one batch.
    async fn whole<'a>(&'a self, ctx: &Context<'_>) -> Result<&'a model::Lead, ClientError> {
        if !self.seen.sparse {
            return Ok(&self.seen);
        }
        let read = || async {
            let key = &self.seen.key;
            let state = State::of(ctx)?;
            let found = state.loaders().leads.load(&key.source, key.clone()).await?;
            found.map(|lead| state.show(lead)).ok_or_else(|| ClientError::gone(&key.source, "leads.get"))
        };
        self.whole.get_or_init(read).await.as_deref().map_err(Clone::clone)
    }

    /// One value of the lead. What is absent from a sparse lead is read first, and is an error where that fails, since
    /// null would say that there is none.
    async fn get<'a, T>(
        &'a self,
        ctx: &Context<'_>,
        pick: impl Fn(&'a model::Lead) -> Option<T>,
    ) -> Option<Result<T, ClientError>> {
        match pick(&self.seen) {
            None if self.seen.sparse => self.whole(ctx).await.map(pick).transpose(),
            value => value.map(Ok),
        }
    }

    /// The lead for fields that cannot be null: where it could not be read whole, the error is reported beside what is
    /// known, so that it does not take the whole list down.
    async fn best<'a>(&'a self, ctx: &Context<'_>) -> &'a model::Lead {
        self.whole(ctx).await.unwrap_or_else(|error| {
            error.report(ctx);
            &self.seen
        })
    }

    async fn json<'a>(
        &'a self,
        ctx: &Context<'_>,
        pick: impl Fn(&'a model::Lead) -> Option<&'a text::Json>,
    ) -> Option<Result<Json, ClientError>> {
        let text = self.get(ctx, pick).await?;
        Some(text.and_then(|text| Json::parse_text(&self.seen.key.source, text)))
    }
}

/// A person who may buy, as one source knows them. Who is known to several sources is several leads.
///
/// A field is null where the vendor has no such thing or gave no value. Where it could not be read it is null with an
/// entry in `errors`. A vendor's word that is not mapped shows as `UNKNOWN` or `OTHER`, with the word itself in the
/// field beside it.
#[Object]
impl Lead {
    /// The global id, for `node`, `lead` and filters.
    pub(in crate::graphql) async fn id(&self) -> ID {
        id::of(EntityKind::Lead, &self.seen.key)
    }

    /// The vendor that gave the lead.
    async fn vendor(&self) -> Vendor {
        self.seen.vendor.into()
    }

    /// The vendor's own id, as it stands in the vendor's dashboard and API. Unique only within its source.
    async fn vendor_id(&self) -> &str {
        self.seen.key.native.as_str()
    }

    /// The source that gave the lead.
    async fn source(&self) -> Source {
        Source::named(&self.seen.key.source, self.seen.vendor)
    }

    /// The whole name. Masked without the scope `pii:read`, as `G*** M***`.
    async fn name(&self, ctx: &Context<'_>) -> Option<Result<&str, ClientError>> {
        self.get(ctx, |lead| lead.name.as_deref()).await
    }

    /// The given name, only where the vendor keeps it apart: names are never split by guessing. Masked without the
    /// scope `pii:read`, as `G***`.
    async fn first_name(&self, ctx: &Context<'_>) -> Option<Result<&str, ClientError>> {
        self.get(ctx, |lead| lead.first_name.as_deref()).await
    }

    /// The family name, only where the vendor keeps it apart. Masked without the scope `pii:read`, as `M***`.
    async fn last_name(&self, ctx: &Context<'_>) -> Option<Result<&str, ClientError>> {
        self.get(ctx, |lead| lead.last_name.as_deref()).await
    }

    /// The e-mail address as the vendor gave it, not checked. Masked without the scope `pii:read`, as `g***@e***.net`.
    async fn email(&self, ctx: &Context<'_>) -> Option<Result<&str, ClientError>> {
        self.get(ctx, |lead| lead.email.as_deref()).await
    }

    /// The phone number as the vendor gave it, not checked. Masked without the scope `pii:read`, as `*********60`.
    async fn phone(&self, ctx: &Context<'_>) -> Option<Result<&str, ClientError>> {
        self.get(ctx, |lead| lead.phone.as_deref()).await
    }

    /// The phone number in E.164 form, such as `+15551234567`, only where it is certain: a country is never guessed.
    /// Masked without the scope `pii:read`, as `+*********60`.
    async fn phone_e164(&self, ctx: &Context<'_>) -> Option<Result<&str, ClientError>> {
        self.get(ctx, |lead| lead.phone_e164.as_deref()).await
    }

    /// The group that the vendor's status belongs to, the same for all vendors. Null where the vendor keeps no status at
    /// all; `UNKNOWN` where its word is not mapped.
    async fn status(&self, ctx: &Context<'_>) -> Option<Result<LeadStatus, ClientError>> {
        self.get(ctx, |lead| lead.status.map(LeadStatus::from)).await
    }

    /// The vendor's own word for the status.
    async fn vendor_status(&self, ctx: &Context<'_>) -> Option<Result<&str, ClientError>> {
        self.get(ctx, |lead| lead.vendor_status.as_deref()).await
    }

    /// The vendor's words about the status, such as why a lead was disqualified. Masked without the scope `pii:read`,
    /// as `***`.
    async fn status_detail(&self, ctx: &Context<'_>) -> Option<Result<&str, ClientError>> {
        self.get(ctx, |lead| lead.status_detail.as_deref()).await
    }

    /// Notes on the lead, in the vendor's order. Empty where there are none. Masked without the scope `pii:read`, their
    /// texts and authors as `***`.
    async fn notes(&self, ctx: &Context<'_>) -> Vec<LeadNote> {
        let lead = self.best(ctx).await;
        let owner = id::of(EntityKind::Lead, &lead.key);
        lead.notes.iter().map(|note| LeadNote::new(&owner, note)).collect()
    }

    /// Fields that the customer defined at the vendor, and answers of forms, in the vendor's order. Empty where there
    /// are none. Masked without the scope `pii:read`, their values as `"***"`.
    async fn custom_fields(&self, ctx: &Context<'_>) -> Vec<CustomField> {
        let lead = self.best(ctx).await;
        lead.custom_fields.iter().map(|field| CustomField::new(&lead.key.source, field)).collect()
    }

    /// The first of the custom fields with this key; null where there is none. Masked without the scope `pii:read`, its
    /// value as `"***"`.
    async fn custom_field(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The field's key, exactly as in `customFields`.")] key: String,
    ) -> Option<Result<CustomField, ClientError>> {
        let field = self.get(ctx, |lead| lead.custom_fields.iter().find(|field| field.key == key)).await?;
        Some(field.map(|field| CustomField::new(&self.seen.key.source, field)))
    }

    /// The page on which the lead was captured. Masked without the scope `pii:read`, as
    /// `https://acme.example/pricing?***`.
    async fn page_url(&self, ctx: &Context<'_>) -> Option<Result<&str, ClientError>> {
        self.get(ctx, |lead| lead.page_url.as_deref()).await
    }

    /// The campaign that the lead belongs to; null where the vendor has no campaigns.
    async fn campaign(&self, ctx: &Context<'_>) -> Option<Result<Campaign, ClientError>> {
        self.get(ctx, |lead| lead.campaign.as_deref().map(Campaign::from)).await
    }

    /// The review of the lead by its buyer; null where the vendor has none.
    async fn approval(&self, ctx: &Context<'_>) -> Option<Result<Approval, ClientError>> {
        self.get(ctx, |lead| lead.approval.as_deref().map(Approval::from)).await
    }

    /// Where the lead came from, in the vendor's own shape: campaign tags, referrer and the like. Network address and
    /// browser are left out. Masked without the scope `pii:read`, as `"***"`.
    async fn attribution(&self, ctx: &Context<'_>) -> Option<Result<Json, ClientError>> {
        self.json(ctx, |lead| lead.attribution.as_ref()).await
    }

    /// Whether the lead was made for a test; null where the vendor does not tell.
    async fn is_test(&self, ctx: &Context<'_>) -> Option<Result<bool, ClientError>> {
        self.get(ctx, |lead| lead.is_test).await
    }

    /// True: the person must not be contacted. Null where the vendor does not tell, which is no permission.
    async fn do_not_contact(&self, ctx: &Context<'_>) -> Option<Result<bool, ClientError>> {
        self.get(ctx, |lead| lead.do_not_contact).await
    }

    /// When the lead was created; lists are in this order. Null only where the vendor sent no time; such leads come last.
    async fn created_at(&self, ctx: &Context<'_>) -> Option<Result<DateTime, ClientError>> {
        self.get(ctx, |lead| lead.created_at.map(DateTime)).await
    }

    /// When the lead last changed; null where the vendor does not tell.
    async fn updated_at(&self, ctx: &Context<'_>) -> Option<Result<DateTime, ClientError>> {
        self.get(ctx, |lead| lead.updated_at.map(DateTime)).await
    }

    /// When something last happened with the lead; null where the vendor does not tell.
    async fn last_activity_at(&self, ctx: &Context<'_>) -> Option<Result<DateTime, ClientError>> {
        self.get(ctx, |lead| lead.last_activity_at.map(DateTime)).await
    }

    /// The conversation in which the lead was captured; null where the lead names none. Of vendors whose leads never do, it
    /// is known where a webhook has told it since the gateway was started. On a page of leads the conversations are found
    /// together, by few calls.
    async fn conversation(&self, ctx: &Context<'_>) -> Option<Result<Conversation, ClientError>> {
        let source = &self.seen.key.source;
        let gather = State::of(ctx).ok().map(|state| &state.gather);
        let told = || gather.and_then(|gather| gather.linked_conversation(&self.seen.key)).map(Ok);
        let named = self.get(ctx, |lead| Some((lead.conversation.as_ref()?, lead.created_at))).await;
        let named = named.map(|named| {
            let (native, near) = named?;
            let key = Key { source: source.clone(), native: native.clone(), day: None };
            Ok::<_, ClientError>(ConversationKey { key, near, whole: false })
        });
        let wanted = named.or_else(told)?;
        let find = async {
            let state = State::of(ctx)?;
            let found = state.loaders().conversations.load(source, wanted?).await?;
            Ok(found.map(|talk| Conversation::new(state.show(talk))))
        };
        find.await.transpose()
    }

    /// The lead's history, newest first: calls, threads, chats. Costs up to one call per lead where the vendor lists
    /// interactions of one lead at a time, so keep pages of leads small when selecting it.
    async fn interactions(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many from the front, or behind `after`: 1 to 100; 25 if neither `first` nor `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, or before `before`: 1 to 100. Not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these interactions.")] filter: Option<InteractionFilter>,
    ) -> Option<Result<Written<InteractionConnection>, ClientError>> {
        let list = async {
            let filter = filter.unwrap_or_default().try_into()?;
            let paging = Paging { first, after, last, before };
            let key = HistoryKey { lead: Arc::clone(self.seen.record()), filter, paging };
            let state = State::of(ctx)?;
            let page = state.loaders().histories.load(&self.seen.key.source, key).await?;
            state.note_page(&page, || tells_calls(ctx));
            Ok(Written(InteractionConnection::new(state, page)))
        };
        Some(list.await)
    }

    /// Whether you may change the lead with `updateLead`: its vendor can, its source takes writes, and you hold the scope
    /// `leads:write`.
    async fn viewer_can_update(&self, ctx: &Context<'_>) -> bool {
        State::of(ctx).is_ok_and(|state| {
            let view = state.source(&self.seen.key.source);
            state.cx.caller.may(Scope::LeadsWrite) && view.is_some_and(|view| view.capabilities.update_lead)
        })
    }

    /// The vendor's own object, secrets removed, for what this schema does not name. Its shape is the vendor's and may
    /// change without notice. Needs the scopes `raw:read` and `pii:read`, since it holds whatever the vendor knows of
    /// the person.
    async fn raw(&self, ctx: &Context<'_>) -> Option<Result<Json, ClientError>> {
        // What a sparse list shows of the object is not the object.
        let whole = match self.whole(ctx).await {
            Ok(whole) => whole,
            Err(error) => return Some(Err(error)),
        };
        whole.raw.as_ref().map(|raw| Json::parse_text(&self.seen.key.source, raw))
    }
}

#[cfg(test)]
mod tests;
