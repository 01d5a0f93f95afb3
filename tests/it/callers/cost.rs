//! What callers may spend in a second, and that nobody pays for another.

use futures_util::{StreamExt, stream};
use leadgraph::callers::{Known, Rates};
use leadgraph::model::caller::Scope;
use leadgraph::upstream::policy::Policy;
use serde_json::{Value, json};

use super::known;
use super::ways::{WAYS, Way, code, sent};
use crate::harness::{Calls, Plan, SPELO, World};

/// A caller who may spend so much.
fn spends(name: &str, cost_per_second: u32) -> Known {
    let rates = Rates { requests_per_second: 1_000, cost_per_second };
    Known { rates, ..known(name, &Scope::ALL, &[]) }
}

/// A list that nobody has asked for yet: one call.
fn fresh(number: usize) -> String {
    format!(
        "{{ leads(first: 1, filter: {{ vendors: [SPELO], createdAt: {{ from: \"2020-01-01T00:{:02}:{:02}Z\" }} }}) {{ nodes {{ id }} }} }}",
        number / 60,
        number % 60
    )
}

#[tokio::test]
async fn caller_that_has_spent_too_much_is_refused_on_every_way_before_anything_is_read() {
    let callers = vec![spends("poor", 100), spends("rich", 1_000_000)];
    let mut plan = Plan::new(10, 3).only(&[SPELO]).callers(callers);
    plan.http.max_batch = 5;
    let world = plan.start().await;
    // 50 nodes and some calls, though 100 a second is all there is: it is let in, and paid for afterwards.
    let dear = "{ leads(first: 100) { nodes { id createdAt conversation { id turnCount recording { link { url } } } } } }";
    assert_eq!(code(&sent(&world, Way::Post, "poor", dear).await), "");
    let before = world.calls();
    for (way, number) in WAYS.into_iter().zip(0..) {
        let answer = sent(&world, way, "poor", &fresh(number)).await;
        assert_eq!(code(&answer), "COST_RATE_EXCEEDED", "{way:?} {answer}");
        let extensions = &answer["errors"][0]["extensions"];
        assert!(
            extensions["retryAfterMs"].as_u64().unwrap() > 100 && extensions["cost"].as_u64().unwrap() > 100,
            "{answer}"
        );
        assert!(extensions["requestId"].is_string() && answer.get("data").is_none(), "{answer}");
    }
    for accept in ["application/json", "application/graphql-response+json"] {
        let request = world.request(fresh(7)).bearer_auth("poor").header("accept", accept);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 429, "{accept}");
        let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        let body: Value = response.json().await.unwrap();
        let exact = body["errors"][0]["extensions"]["retryAfterMs"].as_u64().unwrap();
        assert!(wait * 1_000 >= exact && wait * 1_000 < exact + 1_000, "{wait} {exact}");
    }
    assert_eq!(world.calls(), before, "nothing was read");
    let free = sent(&world, Way::Post, "rich", &fresh(8)).await;
    assert_eq!((code(&free), (world.calls() - before).all()), ("", 1), "{free}");
}

#[tokio::test]
async fn requests_of_a_batch_are_paid_for_one_after_the_other() {
    let mut plan = Plan::new(10, 3).only(&[SPELO]).callers(vec![spends("poor", 100)]);
    plan.http.max_batch = 10;
    let world = plan.start().await;
    let batch: Vec<Value> = (0..5).map(|number| json!({ "query": fresh(number) })).collect();
    let response = world.post(&json!(batch)).bearer_auth("poor").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let answers: Vec<Value> = response.json().await.unwrap();
    let codes: Vec<&str> = answers.iter().map(code).collect();
    assert_eq!(codes, ["", "", "COST_RATE_EXCEEDED", "COST_RATE_EXCEEDED", "COST_RATE_EXCEEDED"]);
    assert_eq!(world.calls(), Calls { spelo: 2, ..Calls::default() });
}

#[tokio::test]
async fn calls_that_were_not_needed_are_not_paid_for() {
    let world = Plan::new(30, 5).only(&[SPELO]).callers(vec![spends("calm", 300)]).start().await;
    // The words differ, so each is executed; what they read is held after the first.
    let query = |number: usize| format!("{{ a{number}: leads(first: 5) {{ nodes {{ id }} }} }}");
    for number in 0..30 {
        let answer = sent(&world, Way::Post, "calm", &query(number)).await;
        assert_eq!(code(&answer), "", "{number}: {answer}");
    }
    assert_eq!(world.calls().all(), 1);
}

/// Sends many requests, 20 at a time; how many were let in, and how many refused for being too many.
async fn flood(world: &World, key: &str, count: usize) -> (usize, usize) {
    let asks = (0..count).map(async |number| sent(world, Way::Post, key, &fresh(number)).await);
    let answers: Vec<Value> = stream::iter(asks).buffer_unordered(20).collect().await;
    let refused = |answer: &&Value| ["RATE_LIMITED", "COST_RATE_EXCEEDED"].contains(&code(answer));
    let let_in = answers.iter().filter(|answer| code(answer).is_empty()).count();
    (let_in, answers.iter().filter(refused).count())
}

#[tokio::test]
async fn caller_far_over_its_limits_costs_others_nothing() {
    // The vendor's room is scarce: whoever is refused must not have taken any of it.
    let scarce = |policy: &mut Policy| {
        (policy.concurrency, policy.queue) = (4, 256);
    };
    // Two of these lists a second, by either count, and four at once.
    for limit in [
        Rates { requests_per_second: 2, cost_per_second: 1_000_000 },
        Rates { requests_per_second: 10_000, cost_per_second: 200 },
    ] {
        let eager = Known { rates: limit, ..known("eager", &Scope::ALL, &[]) };
        let calm = Known { rates: Rates::default(), ..known("calm", &Scope::ALL, &[]) };
        let world = Plan::new(10, 3).only(&[SPELO]).policy(scarce).callers(vec![eager, calm]).start().await;
        let calm = async {
            let mut errors = 0;
            for number in 0..15 {
                let query = fresh(number).replace("2020-", "2019-");
                errors += usize::from(sent(&world, Way::Post, "calm", &query).await.get("errors").is_some());
            }
            errors
        };
        let ((let_in, refused), errors) = tokio::join!(flood(&world, "eager", 400), calm);
        assert_eq!(errors, 0, "{limit:?}");
        assert_eq!(let_in + refused, 400, "{limit:?}");
        assert!(refused >= 200 && let_in >= 4, "{limit:?}: {let_in} let in");
        assert_eq!(world.calls().spelo, let_in + 15, "{limit:?}: who is refused costs no call");
    }
}
