//! Issuers come, stay and go with the configuration.

use serde_json::json;

use super::tokens::claims;
use crate::harness::binary::{Gateway, Simulated, raw};
use crate::harness::issuer::{Keyhouse, Signer};

const TAKEN: &str = "configuration read anew";
const REFUSED: &str = "configuration was not taken; the one before goes on";

/// The status that a token gets; none is shown where it is empty.
fn status(gateway: &Gateway, token: &str) -> u16 {
    let body = "{\"query\":\"{ viewer { name } }\"}";
    let shown = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    let reply = raw(
        &gateway.address,
        &format!(
            "POST /graphql HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{shown}content-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            gateway.address,
            body.len()
        ),
    );
    reply.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn issuers_come_stay_and_go_without_a_restart() {
    let (simulated, house) = (Simulated::start("issuers"), Keyhouse::start());
    let key = Signer::new("key", "ES256");
    house.tells_keys("/keys", &[&key]);
    let corp = |keys: &str, audience: &str| {
        format!(
            "[[issuers]]\nname = \"corp\"\nissuer = \"https://login.example/corp\"\naudience = \"{audience}\"\n{keys}\n\
             scopes = [\"leads:read\"]\n"
        )
    };
    let by_url = format!("jwks_url = \"{}\"", house.url("/keys"));
    let (ann, strange) = (key.token(&claims("ann")), Signer::new("key", "ES256").token(&claims("ann")));
    let gateway = Gateway::start(&mut simulated.command(&["serve", "--log", "json"]));
    assert_eq!(status(&gateway, ""), 200, "nobody is known yet");

    simulated.write(&corp(&by_url, "leadgraph"));
    gateway.reload(TAKEN, 1);
    assert_eq!([status(&gateway, ""), status(&gateway, &strange), status(&gateway, &ann)], [401, 401, 200]);

    house.tells("/keys", None);
    gateway.reload(TAKEN, 2);
    assert_eq!(status(&gateway, &ann), 200, "its keys stay known while it is down");

    let file = simulated.file().with_extension("jwks.json");
    let by_file = format!("jwks_file = \"{}\"", file.file_name().unwrap().to_str().unwrap());
    simulated.write(&corp(&by_file, "leadgraph"));
    gateway.reload(REFUSED, 1);
    assert_eq!(status(&gateway, &ann), 200, "a file that is not there changes nothing");
    std::fs::write(&file, json!({ "keys": [key.jwk()] }).to_string()).unwrap();
    gateway.reload(TAKEN, 3);
    assert_eq!(status(&gateway, &ann), 200);
    std::fs::remove_file(&file).unwrap();

    house.tells_keys("/keys", &[&key]);
    simulated.write(&corp(&by_url, "other"));
    gateway.reload(TAKEN, 4);
    assert_eq!(status(&gateway, &ann), 401, "it is for another");
    simulated.write("");
    gateway.reload(TAKEN, 5);
    assert_eq!(status(&gateway, &ann), 200, "nobody is known again, and the gateway listens on loopback");
    assert!(
        !gateway.log().iter().any(|line| line.contains(&ann) || line.contains("/keys")),
        "{:#?}",
        gateway.log()
    );
}
