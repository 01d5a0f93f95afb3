//! Whether the time that a wrong signature is refused in tells how much of it was right: each vendor's proof, wrong in its first
//! character and wrong in its last, by turns. Fails where the means of the two differ by a microsecond.
//!
//!     cargo bench --bench signatures
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "prints a table, and a bench that cannot go on has failed"
)]

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use leadgraph::model::id::SourceId;
use leadgraph::secret::Secret;
use leadgraph::source::{Delivery, Refusal, Webhook};
use leadgraph::vendors::{ALL, Entry, Setup, WebhookSetup};
use sha2::Sha256;
use tokio::time::Instant;

const TIMES: u32 = 100_000;
const MOST: Duration = Duration::from_micros(1);
const SECRET: &str = "whsec_0123456789abcdef0123456789abcdef";
const BODY: &[u8] = br#"{"id":"evt_1","type":"lead.updated","event":"lead.processed","created_at":"2026-05-11T12:00:00Z","data":{"lead_id":"lead_1"}}"#;

fn webhook(entry: &Entry) -> Arc<dyn Webhook> {
    let setup = Setup {
        name: SourceId::new("bench").unwrap(),
        base_url: "https://vendor.example".parse().unwrap(),
        key: Secret::new("key"),
        policy: (entry.policy)(),
        settings: toml::Table::new(),
        webhook: Some(WebhookSetup { secrets: vec![Secret::new(SECRET)], settings: toml::Table::new() }),
    };
    let account = (entry.open)(setup).map_err(|problems| format!("{problems:?}")).unwrap();
    account.webhook.unwrap()
}

/// What proves the body, and what else the vendor sends beside it.
fn proof(vendor: &str, now: Timestamp) -> (&'static str, String, HeaderMap) {
    let signed = |parts: &[&[u8]]| {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(SECRET.as_bytes()).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256={hex}")
    };
    let time = now.as_millisecond().to_string();
    let mut beside = HeaderMap::new();
    match vendor {
        "spelo" => {
            beside.insert("x-spelo-timestamp", time.parse().unwrap());
            ("x-spelo-signature", signed(&[time.as_bytes(), b".", BODY]), beside)
        }
        "chatzuri" => ("x-chatzuri-signature", signed(&[BODY]), beside),
        _ => ("x-webhook-secret", SECRET.to_owned(), beside),
    }
}

/// The same but for one character.
fn wrong(proof: &str, at: usize) -> String {
    let mut bytes = proof.to_owned().into_bytes();
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    String::from_utf8(bytes).unwrap()
}

fn headers(name: &'static str, proof: &str, beside: &HeaderMap) -> HeaderMap {
    let mut headers = beside.clone();
    headers.insert(HeaderName::from_static(name), HeaderValue::from_str(proof).unwrap());
    headers
}

fn main() -> ExitCode {
    let now = Timestamp::now();
    let mut sound = true;
    println!("{:<10} {:>16} {:>16} {:>14}", "", "first wrong", "last wrong", "difference");
    for entry in ALL {
        let webhook = webhook(entry);
        let (name, proof, beside) = proof(entry.name, now);
        let read = |headers: &HeaderMap| webhook.read(black_box(&Delivery { headers, body: BODY, now }));
        assert!(read(&headers(name, &proof, &beside)).is_ok(), "{}: what is right is taken", entry.name);
        let first = proof.find('=').map_or(0, |at| at + 1);
        let both = [first, proof.len() - 1].map(|at| headers(name, &wrong(&proof, at), &beside));
        let mut taken: [Vec<Duration>; 2] = Default::default();
        let mut dice = fastrand::Rng::with_seed(10);
        for round in 0..TIMES + TIMES / 10 {
            // By turns, in an order of the dice, so that whatever else goes on meets both alike.
            let begins = usize::from(dice.bool());
            for which in [begins, 1 - begins] {
                let start = Instant::now();
                let refused = black_box(read(&both[which]));
                let took = start.elapsed();
                assert_eq!(refused.err(), Some(Refusal::Unproven));
                // The first tenth only warms up.
                if round >= TIMES / 10 {
                    taken[which].push(took);
                }
            }
        }
        // What takes longer than ninety-nine of a hundred was interrupted by something else.
        let mut all = taken.concat();
        all.sort_unstable();
        let most = all[all.len() / 100 * 99];
        let [first, last] = taken.map(|all| {
            let quiet: Vec<_> = all.into_iter().filter(|took| *took <= most).collect();
            quiet.iter().sum::<Duration>() / u32::try_from(quiet.len()).unwrap()
        });
        let apart = first.abs_diff(last);
        sound &= apart < MOST;
        let verdict = if apart < MOST { "" } else { "  too much" };
        println!("{:<10} {first:>16.2?} {last:>16.2?} {apart:>14.2?}{verdict}", entry.name);
    }
    println!("means of {TIMES} each, but for the slowest hundredth; they may differ by less than {MOST:?}");
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
