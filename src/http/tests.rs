mod abuse;
mod lines;
mod protocol;
mod refusals;
mod sites;
mod together;

use std::future::pending;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

/// A gateway over real sockets. Its engine does what the query says.
struct Served {
    address: SocketAddr,
    readiness: Readiness,
    /// How many requests the engine was asked to execute.
    executed: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

fn engine(executed: Arc<AtomicUsize>) -> Engine {
    Arc::new(move |cx: Cx, asks: Vec<Ask>| {
        executed.fetch_add(asks.len(), Ordering::Relaxed);
        async move { futures_util::future::join_all(asks.into_iter().map(|ask| answer(&cx, ask))).await }
            .boxed()
    })
}

async fn answer(cx: &Cx, ask: Ask) -> Answer {
    match ask.query.as_str() {
        "hang" => pending::<()>().await,
        "slow" => tokio::time::sleep(Duration::from_millis(40)).await,
        "panic" => panic!("secret of a person"),
        _ => {}
    }
    let filling = match ask.query.as_str() {
        "large" => "x".repeat(32 << 20),
        "long" => "x".repeat(100 << 10),
        _ => String::new(),
    };
    let body = serde_json::json!({"data": {
        "filling": filling,
        "operation": ask.operation_name,
        "variables": ask.variables,
        "extensions": ask.extensions,
        "safe": ask.safe,
        "request": &*cx.request_id,
        "left_ms": (cx.deadline - tokio::time::Instant::now()).as_millis() as u64,
    }});
    let status = ask.query.strip_prefix("status ").and_then(|status| status.parse().ok());
    Answer {
        body: Bytes::from(body.to_string()),
        status: status.unwrap_or(StatusCode::OK),
        fresh: None,
        lease: None,
        retry_after: None,
    }
}

/// One webhook, which does what the body says.
fn postboxes() -> Postboxes {
    let postbox: Postbox = Arc::new(|_, body, _| match body {
        b"panic" => panic!("secret of a person"),
        _ => Receipt::Taken,
    });
    Postboxes::from([("acme/site".to_owned(), postbox)])
}

async fn serve_with(settings: Settings) -> Served {
    let executed = Arc::default();
    let engines = engine(Arc::clone(&executed)).into();
    serve_engines(settings, engines, executed).await
}

async fn serve_engines(settings: Settings, engines: Engines, executed: Arc<AtomicUsize>) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let readiness = Readiness::default();
    let lines = Lines::new(&settings);
    let surface = Surface::new(&settings, everyone(), engines, lines.clone(), postboxes(), readiness.clone());
    let (stop, stopped) = oneshot::channel::<()>();
    let held = readiness.clone();
    let task = tokio::spawn(async move {
        serve(
            listener,
            move |request| surface.clone().answer(request).map(Ok),
            &settings,
            lines,
            held,
            stopped.map(|_| ()),
        )
        .await;
    });
    Served { address, readiness, executed, stop: Some(stop), task }
}

async fn served() -> Served {
    serve_with(Settings { request_timeout: Duration::from_millis(300), ..Settings::default() }).await
}

/// What came back: the status line without its version, the head, the body.
struct Reply {
    status: String,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let named =
            |line: &&str| line.split_once(": ").is_some_and(|(this, _)| this.eq_ignore_ascii_case(name));
        self.head.lines().find(named)?.split_once(": ").map(|(_, value)| value)
    }

    fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert!(body.get("data").is_none(), "{body}");
        body["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned()
    }
}

impl Served {
    async fn send(&self, request: &str) -> Reply {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).await.unwrap();
        let split = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
        let text = String::from_utf8(bytes[..split].to_vec()).unwrap();
        let (line, head) = text.split_once("\r\n").unwrap();
        Reply {
            status: line.trim_start_matches("HTTP/1.1 ").to_owned(),
            head: head.to_owned(),
            body: bytes[split + 4..].to_vec(),
        }
    }

    async fn get(&self, path: &str, headers: &str) -> Reply {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n")).await
    }

    async fn post(&self, headers: &str, body: &str) -> Reply {
        let length = body.len();
        self.send(&format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        ))
        .await
    }

    fn executed(&self) -> usize {
        self.executed.load(Ordering::Relaxed)
    }

    async fn json(&self, body: &str) -> Reply {
        self.post("content-type: application/json\r\n", body).await
    }
}

#[tokio::test]
async fn harmless_request_id_is_kept_and_any_other_replaced() {
    let served = served().await;
    let reply = served.get("/livez", "x-request-id: Trace-1.a_b\r\n").await;
    assert_eq!(reply.header("x-request-id"), Some("Trace-1.a_b"));
    for bad in ["a b", "", "<script>", &"x".repeat(65)] {
        let reply = served.get("/livez", &format!("x-request-id: {bad}\r\n")).await;
        let id = reply.header("x-request-id").unwrap();
        assert!(id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit()), "{bad} -> {id}");
    }
}

#[tokio::test]
async fn panic_is_one_requests_failure_and_tells_nothing() {
    let served = served().await;
    let reply = served.json(r#"{"query":"panic"}"#).await;
    assert_eq!((reply.status.as_str(), reply.code().as_str()), ("500 Internal Server Error", "INTERNAL"));
    assert!(!reply.text().contains("secret"), "{}", reply.text());
    assert!(reply.header("x-request-id").is_some());
    assert_eq!(served.json(r#"{"query":"{a}"}"#).await.status, "200 OK");
}

#[tokio::test(start_paused = true)]
async fn engine_that_never_answers_is_given_up() {
    let surface = Surface::new(
        &Settings::default(),
        everyone(),
        engine(Arc::default()).into(),
        Lines::new(&Settings::default()),
        Postboxes::new(),
        Readiness::default(),
    );
    let request = http::Request::post("/graphql")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(r#"{"query":"hang"}"#))
        .unwrap();
    let start = tokio::time::Instant::now();
    let response = tower::ServiceExt::oneshot(surface, request).await.unwrap();
    assert_eq!(response.status(), http::StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(start.elapsed(), Duration::from_millis(5_500));
}

#[tokio::test]
async fn connections_beyond_the_most_wait_for_room() {
    let served = serve_with(Settings { max_connections: 1, ..Settings::default() }).await;
    let first = TcpStream::connect(served.address).await.unwrap();
    let waiting = served.get("/livez", "");
    tokio::pin!(waiting);
    let early = tokio::time::timeout(Duration::from_millis(30), &mut waiting).await;
    assert!(early.is_err(), "answered although there was no room");
    drop(first);
    assert_eq!(waiting.await.status, "200 OK");
}

#[tokio::test]
async fn readiness_ends_before_life_does() {
    let served = served().await;
    assert_eq!(served.get("/readyz", "").await.status, "200 OK");
    served.readiness.end();
    assert_eq!(served.get("/readyz", "").await.status, "503 Service Unavailable");
    assert_eq!(served.get("/livez", "").await.status, "200 OK");
}

#[tokio::test]
async fn shutdown_answers_what_is_under_way_and_ends_at_once_after() {
    let mut served = served().await;
    let idle = TcpStream::connect(served.address).await.unwrap();
    let stop = served.stop.take().unwrap();
    let asking = served.json(r#"{"query":"slow"}"#);
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(15)).await;
        stop.send(()).unwrap();
    };
    let (reply, ()) = tokio::join!(asking, stopping);
    assert_eq!(reply.status, "200 OK");
    let ended = tokio::time::timeout(Duration::from_secs(1), &mut served.task).await;
    ended.expect("an idle connection does not hold the shutdown up").unwrap();
    assert!(TcpStream::connect(served.address).await.is_err(), "nobody listens any more");
    drop(idle);
}

#[tokio::test]
async fn graphiql_comes_whole_under_a_strict_policy() {
    let served = served().await;
    let page = served.get("/", "").await;
    assert_eq!(page.status, "200 OK");
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "script-src 'self';", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!page.text().contains("://"), "the page names no other host");
    let links = page.text().split(['"']).filter(|text| text.starts_with("graphiql/"));
    let mut count = 0;
    for link in links {
        let plain = served.get(&format!("/{link}"), "").await;
        assert_eq!(plain.status, "200 OK", "{link}");
        assert!(plain.header("content-encoding").is_none() && plain.body.len() > 300, "{link}");
        let packed = served.get(&format!("/{link}"), "accept-encoding: gzip, br\r\n").await;
        if packed.header("content-encoding") == Some("gzip") {
            let mut whole = Vec::new();
            flate2::read::GzDecoder::new(&*packed.body).read_to_end(&mut whole).unwrap();
            assert!(whole == plain.body, "{link}");
        }
        let tag = plain.header("etag").unwrap().to_owned();
        let again = served.get(&format!("/{link}"), &format!("if-none-match: {tag}\r\n")).await;
        assert_eq!((again.status.as_str(), again.body.len()), ("304 Not Modified", 0), "{link}");
        count += 1;
    }
    assert_eq!(count, 8);
}

#[tokio::test]
async fn graphiql_opens_with_the_example_queries() {
    let served = served().await;
    let script = served.get("/graphiql/queries.js", "").await;
    let json =
        script.text().strip_prefix("window.LEADGRAPH_QUERIES = ").unwrap().trim_end().trim_end_matches(';');
    let queries: Vec<String> = serde_json::from_str(json).unwrap();
    assert_eq!(queries, graphiql::QUERIES);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/queries");
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(queries.len(), files, "every file of examples/queries has its tab");
}

#[tokio::test]
async fn surface_works_below_a_path_of_another_application() {
    let inner = Surface::new(
        &Settings::default(),
        everyone(),
        engine(Arc::default()).into(),
        Lines::new(&Settings::default()),
        Postboxes::new(),
        Readiness::default(),
    );
    let outer = axum::Router::new().nest_service("/leads", inner);
    let ask = |method: &str, path: &str, body: &'static str| {
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json");
        let request = request.body(axum::body::Body::from(body)).unwrap();
        let outer = outer.clone();
        async move { tower::ServiceExt::oneshot(outer, request).await.unwrap().status() }
    };
    assert_eq!(ask("POST", "/leads/graphql", r#"{"query":"{a}"}"#).await, 200);
    assert_eq!(ask("GET", "/leads/", "").await, 200);
    assert_eq!(ask("GET", "/leads/graphiql/boot.js", "").await, 200);
    assert_eq!(ask("GET", "/graphql", "").await, 404);
    let told = crate::telemetry::metrics::text();
    for route in ["/graphql", "/", "/graphiql/boot.js"] {
        assert!(told.contains(&format!("route=\"{route}\"")), "{route}: {told}");
    }
    for other in ["/leads", "//"] {
        assert!(!told.contains(&format!("route=\"{other}")), "{other}: {told}");
    }
}
