//! `/graphql/ws`: GraphQL over WebSocket, by the protocol `graphql-transport-ws`. The older one, whose name is `graphql-ws`, is
//! not spoken.
//!
//! Of the library's glue the reading of offered protocols is used. The life of a socket is our own, since the library's replaces an
//! operation whose id is taken, knows neither a deadline for `connection_init` nor a bound on operations, and answers violations
//! by other codes than the protocol has.

mod message;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_graphql_axum::GraphQLProtocol;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request, State};
use axum::routing::{MethodRouter, get};
use http::Response;

use self::session::Session;
use super::auth::{self, Refusal};
use super::failure;
use super::graphql::Media;
use super::lines::Full;
use super::live::{Door, own_page};
use super::request_id;

const PROTOCOL: &str = "graphql-transport-ws";

/// The longest message, in bytes.
const MAX_MESSAGE: usize = 64 * 1024;

/// The route's methods.
pub(super) fn route(door: Door) -> MethodRouter {
    get(handle).with_state(door)
}

async fn handle(State(door): State<Door>, request: Request) -> Response<Body> {
    let (mut parts, _) = request.into_parts();
    if !own_page(&parts.headers, &door.origins) {
        return failure::CROSS_SITE.answer(Media::Json);
    }
    let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await else {
        return failure::NOT_A_SOCKET.answer(Media::Json);
    };
    let graphql = GraphQLProtocol::from_request_parts(&mut parts, &()).await.is_ok();
    // What is a little too long is refused by a code, what is much too long is not even read.
    let upgrade =
        upgrade.max_message_size(2 * MAX_MESSAGE).max_frame_size(2 * MAX_MESSAGE).protocols([PROTOCOL]);
    // Who offers GraphQL by the older protocol alone is not spoken to either.
    if !graphql || upgrade.selected_protocol().is_none() {
        return failure::SUBPROTOCOL.answer(Media::Json);
    }
    // Who shows nothing may still do so in its first message: a browser's page cannot send headers here.
    let token = auth::token(&parts.headers).map(Arc::from);
    let caller = match door.caller(token.as_deref()).await {
        Ok(caller) => Some(caller),
        Err(Refusal::Missing) => None,
        Err(refusal) => return refusal.answer(),
    };
    let line = door.lines.open().and_then(|mut line| {
        caller.iter().try_for_each(|caller| line.belongs_to(&caller.name))?;
        Ok(line)
    });
    let line = match line {
        Ok(line) => line,
        Err(Full::Caller) => return failure::TOO_MANY_LINES.answer(Media::Json),
        Err(Full::Gateway) => return failure::NO_LINES.answer(Media::Json),
    };
    let request_id = request_id::of(&parts.extensions);
    let session = Session::new(door, line, request_id, token, caller);
    upgrade.on_upgrade(move |socket| session.run(socket))
}
