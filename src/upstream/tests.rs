//! What the layers promise, on a paused clock over a scripted bottom; the bottom itself over real sockets.

mod background;
mod breaker;
mod bulkhead;
mod gate;
mod hints;
mod http;
mod http2;
mod order;
mod policy;
mod rate;
mod retry;
mod script;
mod standing;
mod timeout;
mod write;
