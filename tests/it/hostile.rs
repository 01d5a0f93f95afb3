//! Every class of hostile requests: refused or harmless, by a short answer that repeats nothing, without a call to a vendor;
//! and the next request is answered as if nothing had been.

use serde_json::Value;

use crate::harness::hostile::{PERSONAL, classes};
use crate::harness::{Plan, Query};

/// The longest answer, in bytes.
const LONGEST: usize = 16 * 1024;

#[tokio::test]
async fn hostile_requests_are_refused_shortly_and_cost_nothing() {
    let mut plan = Plan::new(30, 10);
    plan.graphql = leadgraph::graphql::Settings::default();
    let world = plan.start().await;
    let usual = Query::from("{ leads(first: 3) { nodes { name } incomplete } }");
    let before = world.ask(usual.clone()).await;
    let (calls, mut wrong) = (world.calls(), Vec::new());
    let classes = classes();
    assert!(classes.len() >= 40, "there are more classes than {}", classes.len());
    for class in classes {
        let request = world.request(usual.clone()).body(class.body());
        let response = request.send().await.unwrap();
        let status = response.status();
        let body = response.bytes().await.unwrap();
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        let code = answer["errors"][0]["extensions"]["code"].as_str();
        let text = String::from_utf8_lossy(&body);
        if code != class.code || (code.is_none() && answer["data"].is_null()) {
            wrong.push(format!("{}: {code:?}, not {:?}: {text:.300}", class.name, class.code));
        }
        if status.is_server_error() || body.len() > LONGEST || text.contains(PERSONAL) {
            wrong.push(format!("{}: {status}, {} bytes: {text:.300}", class.name, body.len()));
        }
        if world.calls() != calls {
            wrong.push(format!("{}: a vendor was called", class.name));
        }
        assert_eq!(world.ask(usual.clone()).await, before, "after {}", class.name);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
