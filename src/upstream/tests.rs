//! What the layers promise, on a paused clock over a scripted bottom; the bottom itself over real sockets.

mod policy;
