//! Every write, and every link to a recording, leaves one line that says who did it, and no value.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use leadgraph::vendors::simulation::{Fault, Rule};
use serde_json::{Value, json};
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::{one, update};
use crate::harness::{CHATZURI, Plan, SPELO};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn take(&self) -> Vec<Value> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("canary"), "a value is in the log");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// What is logged in this thread is heard for as long as this is there.
struct Listening {
    _subscriber: tracing::subscriber::DefaultGuard,
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

async fn listen() -> (Lines, Listening) {
    listen_to("leadgraph::audit=info").await
}

/// One at a time: what is of interest to any subscriber is known to the whole process, and who comes or goes meanwhile changes it.
async fn listen_to(filter: &str) -> (Lines, Listening) {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    /// As long as there is one subscriber alone, a line that is come by for the first time in another test's thread, where nobody
    /// listens, is of no interest to the whole process. With a second one, which wants nothing, all are asked.
    static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));
    LazyLock::force(&SECOND);
    let turn = TURN.lock().await;
    let lines = Lines::default();
    let builder = tracing_subscriber::fmt().json().flatten_event(true);
    let builder = builder.with_env_filter(EnvFilter::new(filter)).with_writer(lines.clone());
    let subscriber = tracing::subscriber::set_default(builder.finish());
    (lines, Listening { _subscriber: subscriber, _turn: turn })
}

// One thread, so that the lines of the gateway's tasks are heard here.
#[tokio::test]
async fn each_write_leaves_one_line_whatever_comes_of_it() {
    let (lines, _guard) = listen().await;
    let (world, id) = one(SPELO).await;
    assert!(lines.take().is_empty());
    let order = json!({"id": id, "notes": "canary note", "status": "CONTACTED", "idempotencyKey": "k1"});
    update(&world, order.clone()).await;
    let told = lines.take();
    assert_eq!(told.len(), 1, "{told:?}");
    let line = &told[0];
    assert_eq!((&line["target"], &line["op"]), (&json!("leadgraph::audit"), &json!("updateLead")));
    assert_eq!((&line["source"], &line["caller"]), (&json!("spelo"), &json!("anonymous")));
    assert_eq!((&line["fields"], &line["outcome"]), (&json!("status,notes"), &json!("Applied")));
    assert!(line["record"].as_str().is_some_and(|id| !id.is_empty()));
    assert!(line["request_id"].as_str().is_some_and(|id| !id.is_empty()));

    // Answered from memory: no write.
    update(&world, order).await;
    assert!(lines.take().is_empty());

    world.fault(SPELO, [Rule::always(Fault::Reset).method("PATCH").after()]);
    update(&world, json!({"id": id, "notes": "canary"})).await;
    let told = lines.take();
    assert_eq!((told.len(), &told[0]["verified_by_read"]), (1, &json!(true)));

    world.fault(SPELO, [Rule::always(Fault::Reset).method("PATCH")]);
    update(&world, json!({"id": id, "notes": "canary"})).await;
    let told = lines.take();
    assert_eq!((told.len(), &told[0]["outcome"]), (1, &json!("Unknown")));

    update(&world, json!({"id": id})).await;
    let told = lines.take();
    assert_eq!((told.len(), &told[0]["outcome"]), (1, &json!("NotApplied")));
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_its_line_and_its_write() {
    let (lines, _guard) = listen().await;
    let (world, id) = one(SPELO).await;
    world.fault(SPELO, [Rule::always(Fault::Delay { ms: 300 }).method("PATCH")]);
    let order = update(&world, json!({"id": id, "notes": "canary"}));
    // However long it takes to come to the vendor on a machine that has other things to do.
    let asked = async {
        while world.writes(SPELO) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        _ = order => panic!("the client was to hang up before it is answered"),
        () = asked => {}
    }
    let told = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let told = lines.take();
            if !told.is_empty() {
                break told;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let told = told.await.expect("a line");
    assert_eq!((told.len(), &told[0]["outcome"]), (1, &json!("Applied")));
    assert_eq!(world.writes(SPELO), 1);
}

#[tokio::test]
async fn a_link_to_a_recording_leaves_a_line() {
    let (lines, _guard) = listen().await;
    let (world, _) = one(SPELO).await;
    let query = "{ conversations(first: 1, filter: {hasRecording: true}) { nodes { vendorId recording { link { url } } } } }";
    let answer = world.ask(query).await;
    let told = lines.take();
    let talk = &answer.data()["conversations"]["nodes"][0];
    assert!(talk["recording"]["link"]["url"].is_string());
    assert_eq!((told.len(), &told[0]["record"], &told[0]["outcome"]), (1, &talk["vendorId"], &json!("made")));
}

#[tokio::test]
async fn a_link_to_a_recording_is_in_no_log_and_each_order_for_one_leaves_a_line() {
    let (lines, _guard) = listen_to("trace").await;
    let plan = Plan::new(30, 10).only(&[SPELO]).settings(|settings| settings.links_per_second = 1);
    let world = plan.start().await;
    let query =
        "{ conversations(first: 2, filter: {hasRecording: true}) { nodes { recording { link { url } } } } }";
    let answer = world.ask(query).await;
    let nodes = &answer.0["data"]["conversations"]["nodes"];
    let urls: Vec<_> = (0..2).filter_map(|at| nodes[at]["recording"]["link"]["url"].as_str()).collect();
    assert_eq!(urls.len(), 1, "{nodes}");
    let secret = urls[0].rsplit(['/', '=', '?']).next().unwrap();
    assert!(secret.len() > 5, "{urls:?}");
    let told = lines.take();
    assert!(told.len() > 10, "all is logged");
    let named =
        told.iter().filter(|line| line.to_string().contains(secret) || line.to_string().contains(urls[0]));
    // The libraries below may log what they read at this level; ours is to say nothing of it.
    let named: Vec<_> =
        named.filter(|line| line["target"].as_str().unwrap().starts_with("leadgraph")).collect();
    assert!(named.is_empty(), "{named:?}");
    let audits = told.iter().filter(|line| line["target"] == "leadgraph::audit");
    let mut outcomes: Vec<_> = audits.map(|line| line["outcome"].as_str().unwrap()).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["made", "too often"]);
}

#[tokio::test]
async fn a_write_that_no_vendor_hears_of_leaves_a_line_too() {
    let (lines, _guard) = listen().await;
    let (world, id) = one(CHATZURI).await;
    update(&world, json!({"id": id, "notes": "canary"})).await;
    let told = lines.take();
    assert_eq!((told.len(), &told[0]["source"]), (1, &json!("chatzuri/agt_1")));
}
