//! A recording, and the link to it.

use async_graphql::{Context, Object, SimpleObject};

use crate::graphql::error::ClientError;
use crate::graphql::scalars::time::{DateTime, at};
use crate::graphql::state::State;
use crate::model::conversation as model;
use crate::model::id::Key;

/// The `Recording` of the schema.
pub(in crate::graphql) struct Recording {
    /// The conversation or interaction that was recorded.
    of: Key,
    recording: model::Recording,
}

impl Recording {
    /// The recording of a conversation or interaction.
    pub(super) fn new(of: &Key, recording: &model::Recording) -> Self {
        Self { of: of.clone(), recording: recording.clone() }
    }
}

/// A recording of a call.
#[Object]
impl Recording {
    /// The media type, such as `audio/mpeg`; null where the vendor does not tell.
    async fn mime_type(&self) -> Option<&str> {
        self.recording.mime_type.as_deref()
    }

    /// The size in bytes; null where the vendor does not tell. A `Float`, since an `Int` ends at 2 GiB.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
    async fn size_bytes(&self) -> Option<f64> {
        self.recording.size_bytes.map(|size| size as f64)
    }

    /// A link to fetch the recording from. It is made now, by a call to the vendor, and soon expires: select it where
    /// someone is about to listen, not in lists. A caller has one made in a second, if nothing else is configured; beyond that it is
    /// null, with the error `RATE_LIMITED` and its `retryAfterMs`. Needs the scope `recordings:read`. Null where the vendor has no
    /// link.
    async fn link(&self, ctx: &Context<'_>) -> Option<Result<RecordingLink, ClientError>> {
        let state = match State::of(ctx) {
            Ok(state) => state,
            Err(error) => return Some(Err(error)),
        };
        state.passing.mark();
        // One that is selected twice is made once.
        let mint = async { Ok(state.gather.recording_link(&state.cx, &self.of).await?) };
        let link = state.links.get(self.of.clone(), mint).await;
        link.map(|link| link.map(RecordingLink::from)).transpose()
    }
}

/// A link to a recording. Whoever has it can listen until it expires: never store or log it.
#[derive(SimpleObject)]
pub(in crate::graphql) struct RecordingLink {
    /// Where the recording can be fetched with a plain GET.
    url: String,
    /// Until when the link is good; null where the vendor does not tell.
    expires_at: Option<DateTime>,
}

impl From<model::RecordingLink> for RecordingLink {
    fn from(link: model::RecordingLink) -> Self {
        Self { url: link.url, expires_at: at(link.expires_at) }
    }
}
