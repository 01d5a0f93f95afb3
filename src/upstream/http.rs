//! The bottom: one attempt over reqwest. The only file that names it.
//!
//! **Protects from** redirects that carry the key away, proxies of the environment, addresses without TLS, bodies without end.
//! **Default** no redirects, no proxy, no retries of reqwest's own but for streams that the vendor refused to begin; connection and TLS within 1 s, idle connections closed after 30 s.
//! **Place** innermost: everything above is about when to ask, this is about asking.
//! **State** a connection pool of the account's own.
//! **Dropped future**: the request is abandoned; a connection with an answer half read is closed.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use url::{Host, Url};

use super::call::{Call, Reply};
use super::dialect::{Dialect, Verdict};
use super::failure::{Kind, Unconnected, UpstreamError};
use super::hints;
use super::policy::Policy;
use super::transport::Transport;

const POOL_IDLE: Duration = Duration::from_secs(30);

/// One attempt at a time, over a connection pool of the account's own.
pub(super) struct Http {
    client: reqwest::Client,
    base: Url,
    dialect: Arc<dyn Dialect>,
    max_body_bytes: usize,
}

/// Why an address is refused.
#[derive(Debug, thiserror::Error)]
enum BadBase {
    #[error("the base URL must be https; plain http is for loopback only")]
    Insecure,
    #[error("the base URL must not hold a user name or a password")]
    Userinfo,
    #[error("the base URL must not hold a query or a fragment")]
    Query,
}

impl Http {
    pub(super) fn new(base: &Url, dialect: Arc<dyn Dialect>, policy: &Policy) -> Result<Self, UpstreamError> {
        Self::build(base, dialect, policy, |builder| builder)
    }

    /// Speaks HTTP/2 from its first byte, as it otherwise does only where TLS has settled it.
    #[cfg(test)]
    pub(super) fn new_http2(
        base: &Url,
        dialect: Arc<dyn Dialect>,
        policy: &Policy,
    ) -> Result<Self, UpstreamError> {
        Self::build(base, dialect, policy, reqwest::ClientBuilder::http2_prior_knowledge)
    }

    fn build(
        base: &Url,
        dialect: Arc<dyn Dialect>,
        policy: &Policy,
        change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<Self, UpstreamError> {
        check(base).map_err(|bad| UpstreamError::new("client", Kind::Refused).because(bad))?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("leadgraph/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(unprocessed(base))
            .no_proxy()
            .connect_timeout(policy.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(policy.concurrency as usize);
        if base.scheme() == "http" {
            // Nothing is encrypted, so no roots are needed: loopback works on a machine that has none.
            builder = builder.tls_certs_only([]);
        }
        let client = change(builder)
            .build()
            .map_err(|error| UpstreamError::new("client", Kind::Unreachable).because(error.without_url()))?;
        Ok(Self { client, base: base.clone(), dialect, max_body_bytes: policy.max_body_bytes })
    }

    /// The request that a call becomes.
    pub(super) fn request(&self, call: &Call) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(call.path.segments());
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        self.dialect.authorize(&mut headers);
        // Whatever a dialect sets may be a key: none of it is for logs.
        headers.values_mut().for_each(|value| value.set_sensitive(true));
        let mut request = self.client.request(call.method.clone(), url);
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        if let Some(body) = &call.body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request = request.body(body.clone());
        }
        request.headers(headers)
    }

    /// Reads a body to its end or to the cap, whichever comes first.
    async fn read(&self, op: &'static str, response: &mut reqwest::Response) -> Result<Bytes, UpstreamError> {
        let cap = self.max_body_bytes;
        let announced = response.content_length().unwrap_or_default();
        if usize::try_from(announced).map_or(true, |announced| announced > cap) {
            return Err(UpstreamError::new(op, Kind::TooLarge));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(op, error))? {
            if body.len() + chunk.len() > cap {
                return Err(UpstreamError::new(op, Kind::TooLarge));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

impl Transport for Http {
    async fn send(&self, call: &Call) -> Result<Reply, UpstreamError> {
        let request = self.request(call);
        call.meter.count();
        let mut response = request.send().await.map_err(|error| unsent(call.op, error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let failed = |kind| UpstreamError { status: Some(status), ..UpstreamError::new(call.op, kind) };
        if status.is_redirection() {
            return Err(failed(Kind::Protocol));
        }
        let body = match self.read(call.op, &mut response).await {
            Ok(body) => body,
            Err(error) => return Err(UpstreamError { status: Some(status), ..error }),
        };
        if status.is_success() && is_html(&headers, &body) {
            return Err(failed(Kind::Protocol));
        }
        let quota = hints::quota(&headers);
        match self.dialect.classify(call, status, &headers, &body) {
            Verdict::Accept => Ok(Reply { status, body, quota }),
            Verdict::Reject { kind, retry_after } => {
                let mut wait = retry_after.or_else(|| hints::retry_after(&headers));
                if wait.is_none() && status == StatusCode::TOO_MANY_REQUESTS {
                    wait = quota.and_then(|quota| quota.resets_in);
                }
                let wait = wait.map(|wait| wait.min(hints::LONGEST_WAIT));
                Err(UpstreamError { retry_after: wait, ..failed(kind) })
            }
        }
    }
}

/// Sends again what the vendor says it has not looked at. Where a connection is new, nobody knows yet how many streams it may
/// have, and HTTP/2 has those refused that are too many: that costs no quota, says nothing about the vendor, and is safe for writes.
fn unprocessed(base: &Url) -> reqwest::retry::Builder {
    let host = base.host_str().unwrap_or_default().to_owned();
    reqwest::retry::for_host(host).no_budget().classify_fn(move |attempt| match attempt.error() {
        Some(error) if refused(error) => attempt.retryable(),
        _ => attempt.success(),
    })
}

/// Whether the vendor refused to begin a stream.
fn refused(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.is_remote()
                && error.is_reset()
                && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        }
        cause = error.source();
    }
    false
}

fn check(base: &Url) -> Result<(), BadBase> {
    let loopback = match base.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match base.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return Err(BadBase::Insecure),
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(BadBase::Userinfo);
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err(BadBase::Query);
    }
    Ok(())
}

/// A page for people where data should be: a login, a "site is down", the marketing site that shares the host.
fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("text/html") || body.trim_ascii_start().starts_with(b"<")
}

/// No answer came.
fn unsent(op: &'static str, error: reqwest::Error) -> UpstreamError {
    if error.is_connect() {
        let cause = Unconnected(Box::new(error.without_url()));
        return UpstreamError::new(op, Kind::Unreachable).because(cause);
    }
    let kind = if error.is_timeout() { Kind::Timeout } else { Kind::Unreachable };
    UpstreamError::new(op, kind).because(error.without_url())
}

/// An answer began, and its body could not be read.
fn broken(op: &'static str, error: reqwest::Error) -> UpstreamError {
    let mut cause = error.source();
    let mut garbled = false;
    while let Some(error) = cause {
        // What does not decompress is the vendor's doing; what stops in the middle is the network's.
        garbled |=
            error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::InvalidData);
        cause = error.source();
    }
    let kind = if garbled { Kind::Protocol } else { Kind::Unreachable };
    UpstreamError::new(op, kind).because(error.without_url())
}
