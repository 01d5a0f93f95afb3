//! A layer that refuses requests by what is seen of them at once.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use futures_util::future::{Either, Ready, ready};
use http::Response;
use tower::{Layer, Service};

use super::failure::Failure;
use super::graphql::Media;

/// Says why a request is refused, if it is.
#[derive(Clone, Debug)]
pub(super) struct Check<R>(pub(super) R);

/// A service behind a [`Check`].
#[derive(Clone, Debug)]
pub(super) struct Checked<S, R> {
    inner: S,
    refusal: R,
}

impl<S, R: Clone> Layer<S> for Check<R> {
    type Service = Checked<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Checked { inner, refusal: self.0.clone() }
    }
}

impl<S, R> Service<Request> for Checked<S, R>
where
    S: Service<Request, Response = Response<Body>, Error = Infallible>,
    R: Fn(&Request) -> Option<Failure>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response<Body>, Infallible>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match (self.refusal)(&request) {
            Some(failure) => Either::Left(ready(Ok(failure.answer(Media::Json)))),
            None => Either::Right(self.inner.call(request)),
        }
    }
}
