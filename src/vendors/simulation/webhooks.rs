//! Webhooks on command: what a simulated vendor is told to send, and the sending of it.
//!
//! A vendor's folder makes the bodies and headers ([`Delivery`]); here are the order, the signatures and the socket. Deliveries
//! go to loopback only, one after the other, and are not repeated: what a real vendor repeats or mixes up, the order asks for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::http::{Request, Uri, header};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::Sha256;
use tokio::net::TcpStream;
use url::{Host, Url};

/// The most times one event is sent.
const COPIES: u8 = 10;
/// How long one delivery may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be sent, and where to.
#[expect(missing_debug_implementations, reason = "holds a secret")]
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookOrder {
    /// Where to: `http`, and a host on loopback.
    pub url: String,
    /// What both sides know.
    pub secret: String,
    /// What has happened, in the vendor's word.
    pub event: String,
    /// To which leads, by the vendor's ids, one event each. The newest lead if nothing is said.
    #[serde(default)]
    pub leads: Vec<String>,
    /// Which of the vendor's ways of saying it; its usual one if nothing is said.
    #[serde(default)]
    pub variant: Option<String>,
    /// The header that holds the secret, at a vendor that lets its customers choose.
    #[serde(default)]
    pub header: Option<String>,
    /// How often each event is sent, 1 to 10, byte for byte the same. Once if nothing is said.
    #[serde(default = "once")]
    pub copies: u8,
    /// Sends in an order of the dice.
    #[serde(default)]
    pub shuffle: bool,
    /// Signs with another secret.
    #[serde(default)]
    pub wrong_signature: bool,
    /// The event says that it was sent so many seconds ago.
    #[serde(default)]
    pub stale_secs: u64,
}

const fn once() -> u8 {
    1
}

/// One request to a webhook, without its address.
#[expect(missing_debug_implementations, reason = "its headers may hold a secret")]
#[derive(Clone)]
pub struct Delivery {
    /// Headers beside the content type.
    pub headers: Vec<(String, String)>,
    /// The body, JSON, as it is signed.
    pub body: Vec<u8>,
}

/// What became of a delivery.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Outcome {
    event: String,
    lead: String,
    /// The receiver's status; 0: it did not answer in time, or nobody listens.
    status: u16,
}

impl WebhookOrder {
    /// What to sign with: the secret, or something else where the order asks for a wrong signature.
    pub(in crate::vendors) fn key(&self) -> String {
        if self.wrong_signature { format!("not {}", self.secret) } else { self.secret.clone() }
    }

    /// When the event says that it was sent, in whole milliseconds. Receivers compare it with their own clock, so this is the
    /// wall clock and not the world's.
    pub(in crate::vendors) fn moment(&self) -> Timestamp {
        let now = Timestamp::now();
        let back = SignedDuration::from_secs(i64::try_from(self.stale_secs).unwrap_or(i64::MAX));
        let then = now.checked_sub(back).unwrap_or(Timestamp::UNIX_EPOCH);
        Timestamp::from_millisecond(then.as_millisecond()).unwrap_or(then)
    }

    /// The event, if it is one of those known.
    pub(in crate::vendors) fn event_of(&self, known: &[&'static str]) -> Result<&'static str, String> {
        one_of("event", &self.event, known)
    }

    /// The variant, if it is one of those known; the first of them if nothing is said.
    pub(in crate::vendors) fn variant_of(&self, known: &[&'static str]) -> Result<&'static str, String> {
        match &self.variant {
            Some(variant) => one_of("variant", variant, known),
            None => Ok(known.first().copied().unwrap_or_default()),
        }
    }

    /// Refuses a header, at a vendor whose header has a name of its own.
    pub(in crate::vendors) fn no_header(&self) -> Result<(), String> {
        let refusal = "This vendor's headers have names of their own; leave out `header`.";
        if self.header.is_some() { Err(refusal.to_owned()) } else { Ok(()) }
    }

    /// These deliveries, one for each of the order's leads, ready to be sent: copies made, the dice thrown.
    pub(super) fn batch(&self, deliveries: &[Delivery], dice: &mut fastrand::Rng) -> Result<Batch, String> {
        if !(1..=COPIES).contains(&self.copies) {
            return Err(format!("`copies` goes from 1 to {COPIES}."));
        }
        let (url, addresses) = self.target()?;
        let mut requests = Vec::new();
        for (lead, delivery) in self.leads.iter().zip(deliveries) {
            for _ in 0..self.copies {
                requests.push((lead.clone(), request(&url, delivery)?));
            }
        }
        if self.shuffle {
            dice.shuffle(&mut requests);
        }
        Ok(Batch { event: self.event.clone(), addresses, requests })
    }

    /// Where to. A name is never looked up, so that nothing can leave this machine.
    fn target(&self) -> Result<(Url, Vec<SocketAddr>), String> {
        let url = Url::parse(&self.url).map_err(|_| "`url` is not a URL.".to_owned())?;
        let hosts: Vec<IpAddr> = match url.host() {
            Some(Host::Ipv4(ip)) if ip.is_loopback() => vec![ip.into()],
            Some(Host::Ipv6(ip)) if ip.is_loopback() => vec![ip.into()],
            Some(Host::Domain("localhost")) => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            _ => Vec::new(),
        };
        if url.scheme() != "http" || hosts.is_empty() {
            return Err("Simulated webhooks go to loopback only: `url` begins with http://127.0.0.1, http://[::1] or http://localhost.".to_owned());
        }
        let port = url.port_or_known_default().unwrap_or(80);
        let addresses = hosts.into_iter().map(|host| SocketAddr::new(host, port)).collect();
        Ok((url, addresses))
    }
}

/// Requests in the order of sending, each with its lead.
pub(super) struct Batch {
    event: String,
    addresses: Vec<SocketAddr>,
    requests: Vec<(String, Request<Full<Bytes>>)>,
}

impl Batch {
    /// Sends them, one after the other.
    pub(super) async fn send(self) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(self.requests.len());
        for (lead, request) in self.requests {
            let status = tokio::time::timeout(PATIENCE, deliver(&self.addresses, request)).await;
            let status = status.ok().flatten().unwrap_or(0);
            outcomes.push(Outcome { event: self.event.clone(), lead, status });
        }
        outcomes
    }
}

fn one_of(what: &str, word: &str, known: &[&'static str]) -> Result<&'static str, String> {
    let found = known.iter().find(|one| **one == word).copied();
    found.ok_or_else(|| match known {
        [] => format!("This vendor's webhooks have no {what}; leave it out."),
        _ => format!("The vendor knows no {what} `{word}`. It knows: {}.", known.join(", ")),
    })
}

fn request(url: &Url, delivery: &Delivery) -> Result<Request<Full<Bytes>>, String> {
    let unfit = |error: axum::http::Error| format!("The request cannot be written: {error}.");
    let place = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let uri: Uri = place.parse().map_err(|_| "`url` has a path that cannot be asked for.".to_owned())?;
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut builder =
        Request::post(uri).header(header::HOST, host).header(header::CONTENT_TYPE, "application/json");
    for (name, value) in &delivery.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(Bytes::copy_from_slice(&delivery.body))).map_err(unfit)
}

/// The status that a delivery is answered with.
async fn deliver(addresses: &[SocketAddr], request: Request<Full<Bytes>>) -> Option<u16> {
    let socket = TcpStream::connect(addresses).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.ok()?;
    // Ends with the sender, at the latest when the time for this delivery is over.
    tokio::spawn(connection);
    let response = sender.send_request(request).await.ok()?;
    Some(response.status().as_u16())
}

/// HMAC-SHA256 over `parts`, one after the other, in hex.
pub(in crate::vendors) fn sha256_hex(key: &str, parts: &[&[u8]]) -> String {
    signed::<Hmac<Sha256>>(key, parts)
}

/// HMAC-SHA1 over `body`, in hex.
pub(in crate::vendors) fn sha1_hex(key: &str, body: &[u8]) -> String {
    signed::<Hmac<Sha1>>(key, &[body])
}

fn signed<M: Mac + KeyInit>(key: &str, parts: &[&[u8]]) -> String {
    // A key of any length is a good key for HMAC.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key.as_bytes()) else { return String::new() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
