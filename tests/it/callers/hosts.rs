//! Names under which the gateway is asked: a page of another site may have its name mean this machine.

use serde_json::{Value, json};

use crate::harness::{Calls, Plan, SPELO, World};
use crate::subscriptions::line::PROTOCOL;

/// The status, and the code if there is one, that a request under this name gets on each way.
async fn asked(world: &World, host: &str) -> Vec<(u16, String)> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (base, leads) =
        (format!("http://{}", world.address()), json!({ "query": "{ leads(first: 1) { nodes { id } } }" }));
    let socket = client
        .get(format!("{base}/graphql/ws"))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header(PROTOCOL.0, PROTOCOL.1);
    let requests = [
        client.post(format!("{base}/graphql")).json(&leads),
        client
            .get(format!("{base}/graphql?query=%7Bviewer%7Bname%7D%7D"))
            .header("graphql-require-preflight", "1"),
        client.post(format!("{base}/graphql/stream")).header("accept", "text/event-stream").json(&leads),
        socket,
        client.get(format!("{base}/")),
    ];
    let mut all = Vec::new();
    for request in requests {
        // As a page of that name sends it.
        let request = request.header("host", host).header("origin", format!("http://{host}"));
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body = if status == 421 { response.json().await.unwrap() } else { Value::Null };
        let code = body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
        assert!(
            code.is_empty() || body["errors"][0]["message"].as_str().unwrap().contains("server.hosts"),
            "{body}"
        );
        all.push((status, code.to_owned()));
    }
    all
}

#[tokio::test]
async fn page_whose_name_was_made_to_mean_this_machine_gets_nothing() {
    let mut plan = Plan::new(3, 2).only(&[SPELO]).webhook(SPELO, "signed = \"body\"");
    plan.http.hosts = Some(vec!["leads.example".parse().unwrap()]);
    let world = plan.start().await;
    let port = world.address().port();
    let refused = vec![(421, "MISDIRECTED_REQUEST".to_owned()); 5];
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "leads.example.evil.example",
        "127.0.0.1x",
    ] {
        assert_eq!(asked(&world, host).await, refused, "{host}");
        assert_eq!(asked(&world, &format!("{host}:{port}")).await, refused, "{host}");
    }
    assert_eq!(world.calls(), Calls::default());
    // But a balancer may ask after our health by a name of its own.
    for path in ["livez", "readyz"] {
        let url = format!("http://127.0.0.1:{port}/{path}");
        let request =
            reqwest::Client::builder().no_proxy().build().unwrap().get(url).header("host", "upstream");
        assert_eq!(request.send().await.unwrap().status(), 200, "{path}");
    }
    let given: Vec<_> = [200, 200, 200, 101, 200].map(|status| (status, String::new())).to_vec();
    for host in [
        &*format!("127.0.0.1:{port}"),
        "127.0.0.1",
        "[::1]",
        "localhost",
        "LOCALHOST:1",
        "leads.example",
        "10.0.0.7:80",
    ] {
        assert_eq!(asked(&world, host).await, given, "{host}");
    }
    // Vendors come by whatever name leads here, and show by their signatures who they are.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let delivery = client.post(world.postbox(SPELO)).header("host", "hooks.example").body("{}");
    assert_eq!(delivery.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn request_that_bears_no_name_or_two_is_refused() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut plan = Plan::new(3, 2).only(&[SPELO]);
    plan.http.hosts = Some(Vec::new());
    let world = plan.start().await;
    let answer = async |head: &str| {
        let mut socket = tokio::net::TcpStream::connect(world.address()).await.unwrap();
        let body = "{\"query\":\"{ viewer { name } }\"}";
        let request = format!(
            "{head}content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        socket.read_to_string(&mut reply).await.unwrap();
        reply.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    assert_eq!(answer("POST /graphql HTTP/1.1\r\nhost: localhost\r\n").await, 200);
    assert_eq!(answer("POST http://localhost/graphql HTTP/1.1\r\nhost: localhost\r\n").await, 200);
    for head in [
        "POST /graphql HTTP/1.0\r\n",
        "POST /graphql HTTP/1.1\r\nhost:\r\n",
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n",
        "POST /graphql HTTP/1.1\r\nhost: evil.example\r\nhost: localhost\r\n",
        "POST http://evil.example/graphql HTTP/1.1\r\nhost: localhost\r\n",
        "POST http://localhost/graphql HTTP/1.1\r\nhost: evil.example\r\n",
        "POST /graphql HTTP/1.1\r\nhost: localhost@evil.example\r\n",
    ] {
        let status = answer(head).await;
        assert!([400, 421].contains(&status), "{status}: {head}");
    }
}
