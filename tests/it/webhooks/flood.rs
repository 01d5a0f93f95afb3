//! More than a webhook takes: it is held back at the door, and queries are answered all the while.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::harness::{List, elements};

const RATE: u32 = 5;
const SECONDS: u32 = 4;

#[tokio::test]
async fn flood_of_ten_times_the_rate_is_held_back_and_queries_are_answered() {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for forged in [false, true] {
        let mut plan = plan().only(&[SPELO]).events(|events| events.inbox.linger = Duration::from_millis(50));
        plan.http.webhooks_per_second = RATE;
        let world = plan.start().await;
        let leads: Vec<String> = world.leads().into_iter().map(|(_, id)| id).collect();
        let (over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
        let flood = async {
            let mut counts = [0_u32; 2];
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            for second in 0..SECONDS {
                seconds.tick().await;
                let sent = (0..RATE * 10).map(|at| {
                    let mut event = body(SPELO, &leads[at as usize % leads.len()]);
                    event["id"] = json!(format!("evt_{second}_{at}"));
                    let secret = if forged { "whsec_guessed" } else { SECRETS[0] };
                    Parcel::signed(SPELO, &event, secret, now_ms()).send_by(&client, &world)
                });
                for status in futures_util::future::join_all(sent).await {
                    match (status, forged) {
                        (202, false) | (401, true) => counts[0] += 1,
                        (429, _) => counts[1] += 1,
                        other => panic!("{other:?}"),
                    }
                }
            }
            over.store(true, Ordering::Relaxed);
            counts
        };
        let began = tokio::time::Instant::now();
        let queries = async {
            while !over.load(Ordering::Relaxed) {
                let answer = world.ask(List::leads().query(json!({"first": 5}))).await;
                assert_eq!(elements(&answer.data()["leads"]["edges"]).len(), 5);
                assert_eq!(answer.data()["leads"]["incomplete"], false);
                asked.fetch_add(1, Ordering::Relaxed);
            }
        };
        let ([taken, held], ()) = tokio::join!(flood, queries);
        let most = f64::from(RATE) * (1.0 + began.elapsed().as_secs_f64());
        assert_eq!(taken + held, RATE * 10 * SECONDS);
        assert!(taken >= RATE && f64::from(taken) <= most, "{taken} of at most {most}");
        assert!(held > 0 && asked.load(Ordering::Relaxed) > 5, "{held} {asked:?}");
    }
}
