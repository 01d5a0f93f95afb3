//! What the two transports share on which answers go on: who asks, from which page, and the circumstances of each operation.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, ready};
use futures_util::stream::{self, BoxStream};
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use super::auth::{IDENTIFY, Identify, Refusal};
use super::failure;
use super::lines::Lines;
use super::overload::Gate;
use super::{Answer, Ask, Origin};
use crate::model::caller::Caller;
use crate::model::cx::{Cx, Meter};

/// How a request is answered where answers may go on.
#[expect(missing_debug_implementations, reason = "holds a stream")]
pub enum Reply {
    /// Once.
    Once(Answer),
    /// Once for each event, until it is dropped.
    Each(BoxStream<'static, Answer>),
}

impl Reply {
    /// The one answer, or all.
    pub(super) fn answers(self) -> BoxStream<'static, Answer> {
        match self {
            Self::Once(answer) => stream::once(ready(answer)).boxed(),
            Self::Each(answers) => answers,
        }
    }

    /// Of an engine that has nothing to say to the request of this id, which is a fault of ours.
    pub(super) fn nothing(request_id: &str) -> Self {
        let body = serde_json::json!({ "errors": failure::INTERNAL.errors(request_id) }).to_string().into();
        Self::Once(Answer {
            body,
            status: StatusCode::INTERNAL_SERVER_ERROR,
            fresh: None,
            lease: None,
            retry_after: None,
        })
    }
}

/// What answers a request on a transport on which answers may go on. As of [`super::Engine`], the first answer (or the
/// subscription) must be ready by the deadline of its [`Cx`].
pub type LiveEngine = Arc<dyn Fn(Cx, Ask) -> BoxFuture<'static, Reply> + Send + Sync>;

/// How often it is asked again whether a caller is still known.
pub(super) const KNOWN: Duration = Duration::from_secs(30);
/// Between two signs of life.
pub(super) const ALIVE: Duration = Duration::from_secs(15);
/// How long a peer may take to take what is sent to it.
pub(super) const TAKEN: Duration = Duration::from_secs(10);

/// What both transports are made with.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) engine: LiveEngine,
    /// The one that all requests pass, whatever they come by. An operation holds its pass while it is opened or executed, not for
    /// as long as it goes on: what waits for events takes no thread.
    pub(super) gate: Gate,
    pub(super) identify: Identify,
    pub(super) lines: Lines,
    /// Pages of which other origins may ask.
    pub(super) origins: Arc<[Origin]>,
    pub(super) request_timeout: Duration,
    pub(super) max_body_bytes: usize,
}

impl Door {
    /// Whose a token is, now.
    ///
    /// # Errors
    /// Why nobody is let in.
    pub(super) async fn caller(&self, token: Option<&str>) -> Result<Caller, Refusal> {
        let told = timeout(IDENTIFY, (self.identify)(token)).await;
        match told.unwrap_or(Err(Refusal::Unavailable)) {
            // Who shows nothing yet may do so in a first message: who then does not is counted there.
            Err(refusal) if refusal != Refusal::Missing => Err(refusal.counted()),
            told => told,
        }
    }

    /// The circumstances of an operation that begins now.
    pub(super) fn circumstances(&self, request_id: Arc<str>, caller: Caller) -> Cx {
        Cx {
            deadline: Instant::now() + self.request_timeout,
            now: Timestamp::now(),
            request_id,
            caller,
            meter: Meter::default(),
            background: false,
            anew: false,
        }
    }
}

/// Whether a request comes from a page of this server or of one of these origins, or from no page at all. What is asked for by GET is not looked at
/// elsewhere, and neither a WebSocket nor an event stream needs the leave of the server whose page opens it.
pub(super) fn own_page(headers: &HeaderMap, origins: &[Origin]) -> bool {
    if headers.get(header::ORIGIN).is_some_and(|given| origins.iter().any(|origin| origin.is(given))) {
        return true;
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => {
            let page = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            page.is_some_and(|page| page.eq_ignore_ascii_case(host))
        }
        (Some(_), None) => false,
        // Browsers name no origin in some requests that pages make, but they do say that it is another one.
        (None, _) => headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none"),
    }
}
