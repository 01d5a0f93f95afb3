//! Who is believed: the same cases for each vendor, over real sockets. What is refused has no effect.

use std::io::{Read, Write};
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::harness::List;

/// What is cached before, so that an effect would show: it would have to be read anew.
async fn lists(world: &World) {
    world.ask(List::leads().query(json!({"first": 5}))).await;
    world.ask(List::conversations().query(json!({"first": 5}))).await;
}

async fn started(plan: Plan) -> World {
    let world = plan.start().await;
    lists(&world).await;
    world
}

/// Nothing was read because of what was sent, and nothing was forgotten.
async fn unmoved(world: &World, calls: crate::harness::Calls) {
    tokio::time::sleep(Duration::from_millis(400)).await;
    lists(world).await;
    assert_eq!(world.calls(), calls);
}

/// The same but for its last character.
fn other_end(proof: &str) -> String {
    let (start, end) = proof.split_at(proof.len() - 1);
    format!("{start}{}", if end == "0" { '1' } else { '0' })
}

fn spoilt(vendor: &'static str) -> Vec<(&'static str, u16, Parcel)> {
    let good = || Parcel::of(vendor, &body(vendor, "nobody"));
    let other = if vendor == SPELO { CHATZURI } else { SPELO };
    let mut unsigned = good();
    unsigned.headers.clear();
    let mut twice = good();
    twice.headers.insert(1, twice.headers[0].clone());
    let mut large = good();
    large.body = vec![b' '; 257 * 1024];
    let mut get = good();
    get.method = "GET";
    get.body.clear();
    let mut elsewhere = good();
    elsewhere.path = other.to_owned();
    let mut nowhere = good();
    nowhere.path = format!("{vendor}/agt_1");
    let of_other = Parcel { path: vendor.to_owned(), ..Parcel::of(other, &body(vendor, "nobody")) };
    vec![
        ("no signature", 401, unsigned),
        ("empty signature", 401, good().proof(|_| String::new())),
        ("bad signature", 401, good().proof(other_end)),
        ("short signature", 401, good().proof(|proof| proof[..proof.len() - 2].to_owned())),
        ("long signature", 401, good().proof(|proof| format!("{proof}00"))),
        ("wrong secret", 401, Parcel::signed(vendor, &body(vendor, "nobody"), "whsec_guessed", now_ms())),
        ("signed as another vendor signs", 401, of_other),
        ("two of the header", 401, twice),
        ("257 KiB", 413, large),
        ("gzip", 400, good().header("content-encoding", "gzip")),
        ("wrong method", 405, get),
        ("another source", 401, elsewhere),
        ("unknown source", 404, nowhere),
    ]
}

#[tokio::test]
async fn what_does_not_prove_itself_is_refused_without_effect() {
    let world = started(plan()).await;
    let calls = world.calls();
    for vendor in VENDORS {
        for (case, status, parcel) in spoilt(vendor) {
            assert_eq!(parcel.send(&world).await, status, "{vendor}: {case}");
        }
    }
    unmoved(&world, calls).await;
}

#[tokio::test]
async fn times_are_checked_where_they_are_signed_and_json_must_come_as_it_was_signed() {
    let world = started(plan()).await;
    let calls = world.calls();
    let of = |id: &str, seconds: i64| {
        Parcel::signed(SPELO, &body(SPELO, id), SECRETS[0], now_ms() + seconds * 1_000)
    };
    assert_eq!(of("past", -301).send(&world).await, 401);
    assert_eq!(of("future", 302).send(&world).await, 401, "a second for the way");
    // A dot that moves from the signed body into the time.
    let inner = json!({"lead_id": "nobody"}).to_string();
    let whole = Parcel::of(SPELO, &body(SPELO, "nobody"));
    let time = whole.headers[1].1.clone();
    let signed = sha256(SECRETS[0], &[time.as_bytes(), b".1.", inner.as_bytes()]);
    let headers = vec![("x-spelo-signature", signed), ("x-spelo-timestamp", format!("{time}.1"))];
    let moved = Parcel { headers, body: inner.into_bytes(), ..whole };
    assert_eq!(moved.send(&world).await, 401);
    for vendor in [SPELO, CHATZURI] {
        let mut anew = Parcel::of(vendor, &body(vendor, "nobody"));
        let value: Value = serde_json::from_slice(&anew.body).unwrap();
        anew.body = serde_json::to_vec_pretty(&value).unwrap();
        assert_eq!(anew.send(&world).await, 401, "{vendor}");
        let mut shorter = Parcel::of(vendor, &body(vendor, "nobody"));
        shorter.body.pop();
        assert_eq!(shorter.send(&world).await, 401, "{vendor}");
    }
    unmoved(&world, calls).await;
    assert_eq!(of("late", -290).send(&world).await, 202);
    assert_eq!(of("early", 290).send(&world).await, 202);
}

#[tokio::test]
async fn signed_text_that_is_no_event_is_refused_without_effect() {
    let world = started(plan()).await;
    let calls = world.calls();
    for vendor in VENDORS {
        for text in
            [json!([]), json!("lead.updated"), json!({}), json!({"event": 7, "type": null}), json!(null)]
        {
            assert_eq!(Parcel::of(vendor, &text).send(&world).await, 400, "{vendor}: {text}");
        }
    }
    unmoved(&world, calls).await;
}

/// What is refused comes again for a day.
#[tokio::test]
async fn whatever_is_odd_about_a_signed_event_it_is_acknowledged() {
    let texts = [
        // CHATZURI-26: names of several shapes beside each other.
        (
            CHATZURI,
            r#"{"eventType":"lead.submit","agentId":"agt_1","chatbotId":"agt_1","payload":{"customerEmail":"a@b.example"}}"#,
        ),
        (
            CHATZURI,
            r#"{"event":"lead.submit","eventType":"lead.submit","agent_id":"agt_1","data":{"email":"a@b.example","customerEmail":""}}"#,
        ),
        (CHATZURI, r#"{"event":"escalation.triggered","agent_id":"agt_1","data":null}"#),
        (CHATZURI, r#"{"event":"lead.submit","agent_id":"agt_1","data":"a lead"}"#),
        (CHATZURI, r#"{"event":"lead.submit","agent_id":7,"timestamp":{},"data":{"name":["A"]}}"#),
        (CHATZURI, r#"{"event":"message.sent","agent_id":"agt_1","data":{"message":"cut \ud83d"}}"#),
        (
            SPELO,
            r#"{"id":7,"type":"lead.updated","created_at":[],"data":{"lead":{"id":"x","name":"cut \ud83d"}}}"#,
        ),
        (SPELO, r#"{"id":null,"type":"lead.updated","data":[{"lead_id":"x"}]}"#),
        (
            LEADSAIL,
            r#"{"event":"lead.queued","leadId":{},"timestamp":[1],"data":{"firstName":"cut \ud83d"}}"#,
        ),
    ];
    let world = plan().start().await;
    for (vendor, text) in texts {
        let parcel = Parcel::written(vendor, text, SECRETS[0], now_ms());
        assert_eq!(parcel.send(&world).await, 202, "{text}");
    }
}

#[tokio::test]
async fn lead_of_several_shapes_at_once_has_its_effect() {
    let world = started(plan().only(&[CHATZURI])).await;
    let before = world.calls();
    let text = json!({
        "eventType": "lead.submit", "agentId": "agt_1", "chatbotId": "agt_1",
        "payload": {"customerEmail": "a@b.example", "email": null},
    });
    assert_eq!(Parcel::of(CHATZURI, &text).send(&world).await, 202);
    eventually("the list is read anew", async || {
        lists(&world).await;
        world.calls() != before
    })
    .await;
}

#[tokio::test]
async fn either_secret_is_good_and_one_good_signature_of_two_is_enough() {
    let world = plan().start().await;
    for (number, vendor) in VENDORS.into_iter().enumerate() {
        let of = |id: &str, secret| Parcel::signed(vendor, &body(vendor, id), secret, now_ms());
        assert_eq!(of("today", SECRETS[0]).send(&world).await, 202, "{vendor}");
        assert_eq!(of("tomorrow", SECRETS[1]).send(&world).await, 202, "{vendor}");
        assert_eq!(of("dots.in.ids", SECRETS[0]).send(&world).await, 202, "{vendor}");
        if vendor != LEADSAIL {
            let stranger = of("two", "whsec_guessed").headers[0].1.clone();
            let two = of("two", SECRETS[0]).proof(|proof| format!("{stranger}, {proof}"));
            assert_eq!(two.send(&world).await, 202, "{vendor}");
            let none = of("two", SECRETS[0]).proof(|_| format!("{stranger} {stranger}"));
            assert_eq!(none.send(&world).await, 401, "{vendor} {number}");
        }
    }
}

#[tokio::test]
async fn spelo_is_held_to_the_way_of_signing_that_it_has_shown() {
    // SPELO-34
    let parcel = |id: &str, alone: bool| {
        let parcel = Parcel::of(SPELO, &body(SPELO, id));
        let alone = alone.then(|| sha256(SECRETS[0], &[&parcel.body]));
        parcel.proof(|proof| alone.unwrap_or_else(|| proof.to_owned()))
    };
    for (settings, first) in
        [("", true), ("", false), ("signed = 'body'", true), ("signed = 'ts.body'", false)]
    {
        let world = Plan::new(5, 5).only(&[SPELO]).webhook(SPELO, settings).start().await;
        if !settings.is_empty() {
            assert_eq!(parcel("a", !first).send(&world).await, 401, "{settings}");
        }
        // What was signed with its time is a signed body, too, for who sends it so; but it is no JSON, and proves nothing.
        let whole = parcel("b", false);
        let body = [whole.headers[1].1.as_bytes(), b".", &whole.body].concat();
        let status = Parcel { body, ..whole }.send(&world).await;
        assert_eq!(status, if settings == "signed = 'ts.body'" { 401 } else { 400 }, "{settings}");

        assert_eq!(parcel("c", first).send(&world).await, 202, "{settings}");
        assert_eq!(parcel("d", !first).send(&world).await, 401, "{settings}");
        assert_eq!(parcel("e", first).send(&world).await, 202, "{settings}");
    }
}

#[tokio::test]
async fn chatzuris_older_signature_needs_leave_and_its_newer_one_never_does() {
    // C-Z7, CHATZURI-27
    for (settings, older) in [("", 401), ("sha1 = false", 401), ("sha1 = true", 202)] {
        let world = Plan::new(5, 5).only(&[CHATZURI]).webhook(CHATZURI, settings).start().await;
        for variant in ["A", "B"] {
            assert_eq!(
                world.tell(CHATZURI, "lead.submit", json!({"variant": variant})).await,
                [older],
                "{settings}"
            );
        }
        let bare = Parcel::of(CHATZURI, &body(CHATZURI, "x"));
        let signature = sha1(SECRETS[0], &bare.body);
        assert_eq!(bare.clone().proof(|_| signature.clone()).send(&world).await, older, "{settings}");
        assert_eq!(bare.clone().proof(|_| format!("sha256={signature}")).send(&world).await, 401);
        assert_eq!(bare.proof(|proof| proof.replace("sha256=", "")).send(&world).await, 401);
        assert_eq!(world.tell(CHATZURI, "lead.submit", json!({"variant": "C"})).await, [202]);
        let wrong = json!({"variant": "C", "wrong_signature": true});
        assert_eq!(world.tell(CHATZURI, "lead.submit", wrong).await, [401]);
    }
}

#[tokio::test]
async fn leadsails_secret_stands_in_the_header_of_the_customers_choice() {
    // LEADSAIL-34
    let world = Plan::new(5, 5).only(&[LEADSAIL]).webhook(LEADSAIL, "header = 'X-Of-Ours'").start().await;
    assert_eq!(world.tell(LEADSAIL, "lead.failed", json!({"header": "X-Of-Ours"})).await, [202]);
    assert_eq!(world.tell(LEADSAIL, "lead.queued", json!({})).await, [401]);
}

#[tokio::test]
async fn event_that_no_table_knows_is_acknowledged_and_means_nothing() {
    // C-S7: `session.ended` stands in a sample only.
    let world = started(plan()).await;
    let calls = world.calls();
    for event in ["session.ended", "session.started", "usage.threshold", "site.deleted"] {
        assert_eq!(world.tell(SPELO, event, json!({})).await, [202], "{event}");
    }
    for (vendor, key) in [(SPELO, "type"), (CHATZURI, "event"), (LEADSAIL, "event")] {
        let mut unheard_of = body(vendor, "nobody");
        unheard_of[key] = json!("lead.exploded");
        assert_eq!(Parcel::of(vendor, &unheard_of).send(&world).await, 202, "{vendor}");
    }
    let mut elsewhere = body(CHATZURI, "nobody");
    elsewhere["agent_id"] = json!("agt_of_others");
    assert_eq!(Parcel::of(CHATZURI, &elsewhere).send(&world).await, 202);
    unmoved(&world, calls).await;
}

#[tokio::test]
async fn source_without_a_webhook_is_like_one_that_does_not_exist() {
    let world = Plan::new(5, 5).webhook(CHATZURI, "").start().await;
    for source in [SPELO, LEADSAIL, "nobody"] {
        let parcel = Parcel { path: source.to_owned(), ..Parcel::of(SPELO, &body(SPELO, "x")) };
        assert_eq!(parcel.send(&world).await, 404, "{source}");
    }
    let answer = world.ask("{ sources { name capabilities { webhooks } } }").await;
    let told: Vec<_> = crate::harness::elements(&answer.data()["sources"]).iter().collect();
    let told: Vec<_> =
        told.iter().map(|source| (&source["name"], &source["capabilities"]["webhooks"])).collect();
    let expected = [("chatzuri/agt_1", true), ("leadsail", false), ("spelo", false)];
    assert_eq!(json!(told), json!(expected));
}

#[tokio::test]
async fn body_that_drips_is_given_up() {
    let mut plan = plan();
    plan.http.request_timeout = Duration::from_millis(700);
    let world = plan.start().await;
    let url = world.postbox(SPELO);
    let reply = tokio::task::spawn_blocking(move || {
        let address = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let head =
            "POST /webhooks/spelo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"id\"\r\n";
        socket.write_all(head.as_bytes()).unwrap();
        let mut reply = [0; 12];
        socket.read_exact(&mut reply).unwrap();
        String::from_utf8(reply.to_vec()).unwrap()
    });
    assert_eq!(reply.await.unwrap(), "HTTP/1.1 408");
}
