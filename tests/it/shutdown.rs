//! SIGTERM under load: nobody who obeys readiness loses a request, and what is under way is finished.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::harness::binary::{Gateway, Simulated, get, post};

#[test]
fn sigterm_loses_no_request_of_clients_that_obey_readiness() {
    let simulated = Simulated::start("shutdown");
    simulated.write("shutdown_delay_ms = 2000\n");
    let mut gateway = Gateway::start(&mut simulated.command(&["serve", "--log", "json"]));
    let address = gateway.address.clone();
    let answered = AtomicUsize::new(0);
    let client = || {
        let ready = || get(&address, "/readyz").starts_with("HTTP/1.1 200");
        while ready() {
            let reply = post(&address, r#"{"query":"{ leads(first: 3) { nodes { id } } }"}"#);
            assert!(reply.starts_with("HTTP/1.1 200 OK") && reply.contains("\"nodes\""), "{reply}");
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..6).map(|_| scope.spawn(client)).collect();
        while answered.load(Ordering::Relaxed) < 60 {
            assert!(!clients.iter().all(std::thread::ScopedJoinHandle::is_finished), "nobody asks any more");
            std::thread::sleep(Duration::from_millis(5));
        }
        let told = Command::new("kill").arg(gateway.child.id().to_string()).status().unwrap();
        assert!(told.success());
        for client in clients {
            // One that lost a request has panicked.
            client.join().unwrap();
        }
    });
    let start = Instant::now();
    assert_eq!(gateway.child.wait().unwrap().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(10));
}
