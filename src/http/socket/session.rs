//! One WebSocket, from its first message to its last.
//!
//! One task reads and writes; each operation runs in a task of its own and hands over what is to be sent, one message at a
//! time, so a peer that does not take what is sent holds its operations up and nothing piles up here.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout, timeout_at};

use super::MAX_MESSAGE;
use super::message::{Said, Say, told};
use crate::http::auth::{Refusal, bearer};
use crate::http::failure;
use crate::http::graphql::{GRACE, ask};
use crate::http::lines::{Full, Line};
use crate::http::live::{ALIVE, Door, KNOWN, Reply, TAKEN};
use crate::model::caller::Caller;

/// How long a client may take for `connection_init`.
const INIT: Duration = Duration::from_secs(3);
/// The most operations at the same time.
const MAX_OPERATIONS: usize = 20;
/// How long the peer may take to close after we have.
const GOODBYE: Duration = Duration::from_secs(1);

/// Why a socket is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Code(u16, &'static str);

const RESTART: Code = Code(1012, "Service restart");
const TOO_BIG: Code = Code(1009, "Message too big: 64 KiB are taken");
const LATER: Code = Code(1013, "Too many connections: try again later");
const MALFORMED: Code = Code(4400, "Not a message of graphql-transport-ws");
const UNINITIALIZED: Code = Code(4401, "Unauthorized");
const FORBIDDEN: Code = Code(4403, "Forbidden");
const INIT_TIMEOUT: Code = Code(4408, "Connection initialisation timeout");
const TAKEN_ID: Code = Code(4409, "Subscriber for this id already exists");
const TWICE: Code = Code(4429, "Too many initialisation requests");

/// How a socket ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// We close it.
    Close(Code),
    /// The peer has closed it, or is gone.
    Gone,
}

/// One WebSocket.
pub(super) struct Session {
    door: Door,
    line: Line,
    request_id: Arc<str>,
    /// What the caller shows.
    token: Option<Arc<str>>,
    /// Who that is; nobody yet where it is shown in the first message.
    caller: Option<Caller>,
    initialized: bool,
    operations: HashMap<String, Operation>,
    running: JoinSet<()>,
    /// How many operations there have been, refused ones included.
    serial: u64,
    /// Whether we are about to close: what runs and will be answered once is still answered, nothing new begins.
    leaving: watch::Sender<bool>,
}

struct Operation {
    serial: u64,
    task: AbortHandle,
}

/// Something that an operation has to say.
struct Told {
    id: String,
    serial: u64,
    text: String,
    last: bool,
}

/// How an operation says something.
struct Voice {
    id: String,
    serial: u64,
    telling: mpsc::Sender<Told>,
    leaving: watch::Receiver<bool>,
}

impl Voice {
    /// Says what is answered, and that it is over. What would go on for ever is over as soon as we leave.
    async fn tell_all(&mut self, reply: Reply) -> ControlFlow<()> {
        let lasts = matches!(reply, Reply::Each(_));
        let mut answers = reply.answers();
        loop {
            let answer = tokio::select! {
                biased;
                _ = self.leaving.wait_for(|leaving| *leaving), if lasts => None,
                answer = answers.next() => answer,
            };
            let Some(answer) = answer else { break };
            self.tell(told(&self.id, &answer.body, answer.executed())).await?;
        }
        self.tell((Say::Complete { id: &self.id }.text(), true)).await
    }

    /// Says one thing, as soon as it can be sent. Breaks where that was the last, or nobody hears it.
    async fn tell(&self, (text, last): (String, bool)) -> ControlFlow<()> {
        let told = Told { id: self.id.clone(), serial: self.serial, text, last };
        match self.telling.send(told).await {
            Ok(()) if !last => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}

impl Session {
    pub(super) fn new(
        door: Door,
        line: Line,
        request_id: Arc<str>,
        token: Option<Arc<str>>,
        caller: Option<Caller>,
    ) -> Self {
        Self {
            door,
            line,
            request_id,
            token,
            caller,
            initialized: false,
            operations: HashMap::new(),
            running: JoinSet::new(),
            serial: 0,
            leaving: watch::Sender::new(false),
        }
    }

    /// Serves the socket until it ends.
    pub(super) async fn run<S, E>(mut self, socket: S)
    where
        S: Stream<Item = Result<Message, E>> + Sink<Message>,
    {
        let (mut sink, mut stream) = socket.split();
        let end = self.serve(&mut sink, &mut stream).await;
        tracing::debug!(request_id = &*self.request_id, end = ?end, operations = self.serial, "socket ended");
        self.running.abort_all();
        if let End::Close(Code(code, reason)) = end {
            let last = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }));
            if send(&mut sink, last).await == Err(End::Gone) {
                return;
            }
            // What the peer still sends is read, so that our last word is not lost by a reset.
            let _ = timeout(GOODBYE, async { while let Some(Ok(_)) = stream.next().await {} }).await;
        }
    }

    async fn serve<E>(
        &mut self,
        sink: &mut (impl Sink<Message> + Unpin),
        stream: &mut (impl Stream<Item = Result<Message, E>> + Unpin),
    ) -> End {
        let (telling, mut tell) = mpsc::channel(1);
        let init = Instant::now() + INIT;
        let mut heard = Instant::now();
        let mut alive = ticks(ALIVE);
        let mut known = ticks(KNOWN);
        loop {
            let leaving = *self.leaving.borrow();
            if leaving && self.operations.is_empty() {
                return End::Close(RESTART);
            }
            let turn = tokio::select! {
                () = self.line.closing(), if !leaving => {
                    self.leaving.send_replace(true);
                    Ok(())
                }
                () = sleep_until(init), if !self.initialized => Err(End::Close(INIT_TIMEOUT)),
                message = stream.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(message)) => self.hear(message, sink, &telling).await,
                        Some(Err(_)) | None => Err(End::Gone),
                    }
                }
                Some(told) = tell.recv() => self.tell(told, sink).await,
                // A peer answers pings whatever it is doing; one that does not is gone, and just did not say so.
                _ = alive.tick() => match heard.elapsed() > 2 * ALIVE {
                    true => Err(End::Gone),
                    false => send(sink, Message::Ping(bytes::Bytes::new())).await,
                },
                _ = known.tick() => self.check().await,
            };
            if let Err(end) = turn {
                return end;
            }
        }
    }

    async fn hear(
        &mut self,
        message: Message,
        sink: &mut (impl Sink<Message> + Unpin),
        telling: &mpsc::Sender<Told>,
    ) -> Result<(), End> {
        let text = match message {
            Message::Text(text) if text.len() > MAX_MESSAGE => return Err(End::Close(TOO_BIG)),
            Message::Text(text) => text,
            Message::Binary(_) => return Err(End::Close(MALFORMED)),
            Message::Close(_) => return Err(End::Gone),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
        };
        match Said::read(&text).ok_or(End::Close(MALFORMED))? {
            Said::ConnectionInit { .. } if self.initialized => Err(End::Close(TWICE)),
            Said::ConnectionInit { payload } => {
                self.initialize(payload.unwrap_or_default()).await?;
                say(sink, Say::ConnectionAck.text()).await
            }
            Said::Ping { payload } => say(sink, Say::Pong { payload }.text()).await,
            Said::Pong { .. } => Ok(()),
            Said::Complete { id } => {
                if let Some(operation) = self.operations.remove(&id) {
                    operation.task.abort();
                }
                Ok(())
            }
            Said::Subscribe { .. } if !self.initialized => Err(End::Close(UNINITIALIZED)),
            Said::Subscribe { id, .. } if self.operations.contains_key(&id) => Err(End::Close(TAKEN_ID)),
            // It may be ordered again where the client goes on.
            Said::Subscribe { .. } if *self.leaving.borrow() => Ok(()),
            Said::Subscribe { id, payload } => match self.start(&id, payload, telling).await {
                Ok(()) => Ok(()),
                Err(refusal) => say(sink, refused(&id, &refusal)).await,
            },
        }
    }

    /// Finds out who the caller is, by what the first message shows or else by what the request for the socket showed.
    async fn initialize(&mut self, payload: Map<String, Value>) -> Result<(), End> {
        let shown = payload.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let Some((_, shown)) = shown {
            let token = shown.as_str().and_then(bearer).unwrap_or_default();
            self.token = Some(Arc::from(token));
            self.caller = None;
        }
        let caller = match self.caller.take() {
            Some(caller) => caller,
            None => match self.door.caller(self.token.as_deref()).await {
                Ok(caller) => caller,
                Err(Refusal::Missing) => {
                    Refusal::Missing.counted();
                    return Err(End::Close(FORBIDDEN));
                }
                Err(Refusal::Unknown) => return Err(End::Close(FORBIDDEN)),
                Err(Refusal::Unavailable | Refusal::TooOften { .. }) => return Err(End::Close(LATER)),
            },
        };
        self.line.belongs_to(&caller.name).map_err(|_: Full| End::Close(LATER))?;
        self.caller = Some(caller);
        self.initialized = true;
        Ok(())
    }

    /// Looks whether the caller is still known, and what it may do now.
    async fn check(&mut self) -> Result<(), End> {
        if !self.initialized {
            return Ok(());
        }
        match self.door.caller(self.token.as_deref()).await {
            Ok(caller) => self.caller = Some(caller),
            Err(Refusal::Missing | Refusal::Unknown) => return Err(End::Close(FORBIDDEN)),
            // That says nothing about the token.
            Err(Refusal::Unavailable | Refusal::TooOften { .. }) => {}
        }
        Ok(())
    }

    /// Starts an operation. It counts as a request of the caller's.
    async fn start(
        &mut self,
        id: &str,
        payload: Map<String, Value>,
        telling: &mpsc::Sender<Told>,
    ) -> Result<(), Value> {
        self.serial += 1;
        let request_id: Arc<str> = format!("{}.{}", self.request_id, self.serial).into();
        // Those that were ended have said nothing, maybe, and run until they notice: they count until then.
        while self.running.len() > self.operations.len() && self.running.join_next().await.is_some() {}
        if self.operations.len() >= MAX_OPERATIONS {
            let message = format!(
                "A socket runs at most {MAX_OPERATIONS} operations at a time. End one of them first."
            );
            let extensions = json!({"code": "TOO_MANY_OPERATIONS", "requestId": &*request_id});
            return Err(json!([{"message": message, "extensions": extensions}]));
        }
        let ask = ask(payload, false).map_err(|failure| failure.errors(&request_id))?;
        let caller = self.door.caller(self.token.as_deref()).await;
        let caller = caller.map_err(|refusal| refusal.errors(&request_id))?;
        self.caller = Some(caller.clone());
        let cx = self.door.circumstances(Arc::clone(&request_id), caller);
        let limit = cx.deadline + GRACE;
        let (gate, engine) = (self.door.gate.clone(), Arc::clone(&self.door.engine));
        let leaving = self.leaving.subscribe();
        let mut voice = Voice { id: id.to_owned(), serial: self.serial, telling: telling.clone(), leaving };
        let task = self.running.spawn(async move {
            let reply = match gate.enter().await {
                Ok(_pass) => timeout_at(limit, engine(cx, ask)).await.map_err(|_late| failure::TIMEOUT),
                Err(_overloaded) => Err(failure::OVERLOADED),
            };
            let _ = match reply {
                Ok(reply) => voice.tell_all(reply).await,
                Err(failure) => voice.tell((refused(&voice.id, &failure.errors(&request_id)), true)).await,
            };
        });
        self.operations.insert(id.to_owned(), Operation { serial: self.serial, task });
        Ok(())
    }

    /// Sends what an operation has to say, unless the client has had enough of it meanwhile.
    async fn tell(&mut self, told: Told, sink: &mut (impl Sink<Message> + Unpin)) -> Result<(), End> {
        while self.running.try_join_next().is_some() {}
        if self.operations.get(&told.id).is_none_or(|operation| operation.serial != told.serial) {
            return Ok(());
        }
        if told.last {
            self.operations.remove(&told.id);
        }
        say(sink, told.text).await
    }
}

/// A message that says why an operation is not run.
fn refused(id: &str, errors: &Value) -> String {
    let body = json!({ "errors": errors }).to_string();
    told(id, body.as_bytes(), false).0
}

async fn say(sink: &mut (impl Sink<Message> + Unpin), text: String) -> Result<(), End> {
    send(sink, Message::Text(text.into())).await
}

async fn send(sink: &mut (impl Sink<Message> + Unpin), message: Message) -> Result<(), End> {
    match timeout(TAKEN, sink.send(message)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(End::Gone),
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    ticks
}
