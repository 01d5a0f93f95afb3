//! The bottom layer: one attempt over reqwest. The only file that names it.

use std::sync::Arc;

use bytes::BytesMut;
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::call::{Call, Reply};
use super::dialect::{Dialect, Verdict};
use super::failure::{Kind, UpstreamError};
use super::policy::Policy;

/// One attempt at a time, over a connection pool of the account's own.
pub(super) struct Http {
    client: reqwest::Client,
    base: Url,
    dialect: Arc<dyn Dialect>,
    max_body_bytes: usize,
}

impl Http {
    pub(super) fn new(base: &Url, dialect: Arc<dyn Dialect>, policy: &Policy) -> Result<Self, UpstreamError> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(policy.connect_timeout)
            .timeout(policy.attempt_timeout)
            .build()
            .map_err(|error| UpstreamError::new("client", Kind::Unreachable).because(error.without_url()))?;
        Ok(Self { client, base: base.clone(), dialect, max_body_bytes: policy.max_body_bytes })
    }

    pub(super) async fn send(&self, call: &Call) -> Result<Reply, UpstreamError> {
        let failed = |error: reqwest::Error| {
            let kind = if error.is_timeout() { Kind::Timeout } else { Kind::Unreachable };
            UpstreamError::new(call.op, kind).because(error.without_url())
        };
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(call.path.segments());
        }
        let mut headers = HeaderMap::new();
        self.dialect.authorize(&mut headers);
        let mut request = self.client.request(call.method.clone(), url);
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        if let Some(body) = &call.body {
            headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request = request.body(body.clone());
        }
        call.meter.count();
        let mut response = request.headers(headers).send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > self.max_body_bytes {
                return Err(UpstreamError {
                    status: Some(status),
                    ..UpstreamError::new(call.op, Kind::TooLarge)
                });
            }
            body.extend_from_slice(&chunk);
        }
        match self.dialect.classify(call, status, &headers, &body) {
            Verdict::Accept => Ok(Reply { status, body: body.freeze() }),
            Verdict::Reject { kind, retry_after } => {
                Err(UpstreamError { status: Some(status), retry_after, ..UpstreamError::new(call.op, kind) })
            }
        }
    }
}
