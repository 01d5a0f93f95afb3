//! A source: what it can do, how it is doing, what is left of its calls.

use std::sync::OnceLock;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use jiff::Timestamp;

use super::failure::SourceError;
use super::vendor::Vendor;
use crate::gather::answer::{self, Capabilities, SourceView};
use crate::graphql::scalars::id::GlobalId;
use crate::graphql::scalars::time::{DateTime, at};
use crate::graphql::state::State;
use crate::model::cx::Cx;
use crate::model::id::{self, SourceId};
use crate::model::source::{self, Health, Quota};

/// The `Source` of the schema.
pub(in crate::graphql) struct Source {
    id: SourceId,
    vendor: id::Vendor,
    /// Looked up when first needed. `None`: the source is no longer configured.
    view: OnceLock<Option<SourceView>>,
}

impl Source {
    /// The source of that name.
    pub(in crate::graphql) fn named(id: &SourceId, vendor: id::Vendor) -> Self {
        Self { id: id.clone(), vendor, view: OnceLock::new() }
    }

    fn view(&self, ctx: &Context<'_>) -> Option<&SourceView> {
        self.view.get_or_init(|| State::of(ctx).ok().and_then(|state| state.source(&self.id))).as_ref()
    }
}

/// Notes that the answer tells how something is doing just now.
fn of_this_moment(ctx: &Context<'_>) {
    if let Ok(state) = State::of(ctx) {
        state.passing.mark();
    }
}

impl From<SourceView> for Source {
    fn from(view: SourceView) -> Self {
        Self { id: view.id.clone(), vendor: view.vendor, view: Some(view).into() }
    }
}

/// One configured account at a vendor: a site, an agent, a tenant. Lists merge sources, not vendors, and every record
/// belongs to exactly one source.
#[Object]
impl Source {
    /// The global id. It holds the source's name, so renaming a source changes it.
    pub(in crate::graphql) async fn id(&self) -> ID {
        GlobalId::Source(self.id.clone()).encode()
    }

    /// The name in the gateway's configuration.
    async fn name(&self) -> &str {
        self.id.as_str()
    }

    /// The vendor that keeps the account.
    async fn vendor(&self) -> Vendor {
        self.vendor.into()
    }

    /// What the source can do. All false where it is no longer configured.
    async fn capabilities(&self, ctx: &Context<'_>) -> SourceCapabilities {
        match self.view(ctx) {
            Some(view) => (&view.capabilities).into(),
            None => SourceCapabilities::default(),
        }
    }

    /// How the source is doing, as the gateway last saw it. Asking costs no call. `DOWN` where it is no longer configured.
    async fn health(&self, ctx: &Context<'_>) -> SourceHealth {
        of_this_moment(ctx);
        match self.view(ctx) {
            Some(view) => (&view.health).into(),
            None => {
                SourceHealth::unconfigured(ctx.data_opt::<Cx>().map_or(Timestamp::UNIX_EPOCH, |cx| cx.now))
            }
        }
    }

    /// What is left of the source's calls, by the gateway's own count. Others who use the same account are counted only
    /// where the vendor tells.
    async fn quota(&self, ctx: &Context<'_>) -> SourceQuota {
        of_this_moment(ctx);
        self.view(ctx).map_or_else(SourceQuota::default, |view| (&view.quota).into())
    }
}

/// What a source can do.
#[derive(SimpleObject, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is its own field of the schema")]
pub(in crate::graphql) struct SourceCapabilities {
    /// It lists leads. Otherwise it is `UNSUPPORTED` in the reports of `leads`.
    leads: bool,
    /// One lead can be read by id.
    lead_by_id: bool,
    /// Leads can be changed with `updateLead`: the vendor can, and the source's configuration says `writes = true`.
    update_lead: bool,
    /// It lists conversations. Otherwise it is `UNSUPPORTED` in the reports of `conversations`.
    conversations: bool,
    /// One conversation can be read by id.
    conversation_by_id: bool,
    /// How it lists interactions.
    interactions: InteractionListing,
    /// Its conversations or interactions can have recordings.
    recordings: bool,
    /// It tells the gateway about changes at once.
    webhooks: bool,
    /// Filters that the vendor runs itself, by their names in this schema. All others run in the gateway, which may have
    /// to read more pages for them.
    vendor_filters: Vec<&'static str>,
}

impl From<&Capabilities> for SourceCapabilities {
    fn from(caps: &Capabilities) -> Self {
        Self {
            leads: caps.leads,
            lead_by_id: caps.lead_by_id,
            update_lead: caps.update_lead,
            conversations: caps.conversations,
            conversation_by_id: caps.conversation_by_id,
            interactions: caps.interactions.into(),
            recordings: caps.recordings,
            webhooks: caps.webhooks,
            vendor_filters: caps.vendor_filters.clone(),
        }
    }
}

/// How a source lists interactions.
#[derive(Clone, Copy, PartialEq, Eq, Enum, Default)]
#[graphql(remote = "answer::InteractionListing")]
pub(in crate::graphql) enum InteractionListing {
    /// Not at all.
    #[default]
    None,
    /// Of one lead at a time: exact in `Lead.interactions` and with `filter.leads`; otherwise only from its newest leads.
    PerLead,
    /// All of them.
    All,
}

/// How a source is doing.
#[derive(SimpleObject)]
pub(in crate::graphql) struct SourceHealth {
    /// In one word.
    state: SourceState,
    /// Since when it is in this state.
    since: DateTime,
    /// When a call last succeeded; null if none has since the gateway started.
    last_success_at: Option<DateTime>,
    /// The last failure of a call; null if none has failed.
    last_error: Option<SourceError>,
    /// When the gateway will ask this vendor again; null where it asks whenever there is something to ask.
    retry_at: Option<DateTime>,
}

impl SourceHealth {
    fn unconfigured(now: Timestamp) -> Self {
        let (state, since) = (SourceState::Down, DateTime(now));
        Self { state, since, last_success_at: None, last_error: None, retry_at: None }
    }
}

impl From<&Health> for SourceHealth {
    fn from(health: &Health) -> Self {
        Self {
            state: health.state.into(),
            since: DateTime(health.since),
            last_success_at: at(health.last_success_at),
            last_error: health.last_error.map(SourceError::from),
            retry_at: at(health.retry_at),
        }
    }
}

/// A source's state in one word.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "source::SourceState")]
pub(in crate::graphql) enum SourceState {
    /// It answers, or has not been asked yet.
    Up,
    /// Its last call failed, or the vendor limits the gateway.
    Degraded,
    /// It is left alone for a while, or is no longer configured.
    Down,
    /// The vendor refuses its key.
    Unauthorized,
}

/// What is left of a source's calls.
#[derive(SimpleObject, Default)]
pub(in crate::graphql) struct SourceQuota {
    /// Calls to a window.
    limit: i32,
    /// The length of the window in seconds.
    window_seconds: i32,
    /// Calls left now.
    remaining: i32,
    /// When the window begins anew; null where the vendor has not said it.
    reset_at: Option<DateTime>,
}

impl From<&Quota> for SourceQuota {
    fn from(quota: &Quota) -> Self {
        let int = |number: u64| i32::try_from(number).unwrap_or(i32::MAX);
        Self {
            limit: int(quota.limit.into()),
            window_seconds: int(quota.window.as_secs()),
            remaining: int(quota.remaining.into()),
            reset_at: at(quota.reset_at),
        }
    }
}
