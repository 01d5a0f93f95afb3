use super::*;
use crate::callers::key::Digest;
use crate::model::caller::{Scope, Visible};
use crate::model::id::SourceId;

fn digest() -> String {
    Digest::of("a key").to_string()
}

/// A caller that is right, in four lines.
fn caller() -> String {
    format!(
        "[[callers]]\nname = 'dashboard'\nkey_sha256 = '{}'\nscopes = ['leads:read', 'pii:read']\n",
        digest()
    )
}

#[test]
fn callers_are_read_whole() {
    let text = format!(
        "[server]\nlisten = '0.0.0.0:80'\n{GOOD}{}\
         [[callers]]\nname = 'partner'\nkey_sha256 = '{}'\nprevious_key_sha256 = '{}'\nscopes = []\nsources = ['a/agent']\n\
         requests_per_second = 5\n",
        caller(),
        Digest::of("other"),
        Digest::of("older").to_string().to_uppercase(),
    );
    let config = load(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
    let [dashboard, partner] = &config.callers.known[..] else { panic!("two") };
    assert_eq!(&*dashboard.caller.name, "dashboard");
    assert_eq!(dashboard.caller.scopes.iter().collect::<Vec<_>>(), [Scope::LeadsRead, Scope::PiiRead]);
    assert_eq!(dashboard.caller.sources, Visible::All);
    assert!(dashboard.key.is(&Digest::of("a key")) && dashboard.previous_key.is_none());
    assert_eq!(dashboard.rates, crate::callers::Rates::default());
    assert_eq!(partner.caller.scopes.iter().count(), 0);
    assert_eq!(partner.caller.sources, Visible::Only([SourceId::new("a/agent").unwrap()].into()));
    assert!(partner.previous_key.is_some_and(|key| key.is(&Digest::of("older"))));
    assert_eq!(partner.rates.requests_per_second, 5);
}

#[test]
fn every_mistake_about_callers_is_reported_at_its_line() {
    let good = caller();
    let table: &[(&str, &[(usize, &str)])] = &[
        ("callers = 3\n", &[(1, "`callers` is of type integer")]),
        (&good.replace("dashboard", ""), &[(2, "cannot be the name")]),
        (&good.replace("dashboard", "a:b"), &[(2, "cannot be the name")]),
        (&good.replace("dashboard", "anonymous"), &[(2, "what the gateway itself calls")]),
        (&good.replace("leads:read", "leads"), &[(4, "\"leads\" is no scope")]),
        (
            &good.replace("['leads:read', 'pii:read']", "'leads:read'"),
            &[(4, "`callers.scopes` is of type string")],
        ),
        (&good.replace("['leads:read', 'pii:read']", "[1]"), &[(4, "`callers.scopes` is of type array")]),
        (&good.replace(&digest(), "secret"), &[(3, "not a SHA-256 digest")]),
        (&format!("{good}previous_key_sha256 = 'x'\n"), &[(5, "not a SHA-256 digest")]),
        (&format!("{good}sources = ['b']\n"), &[(5, "\"b\" is not a source of this file")]),
        (&format!("{good}sources = ['ab', 'a', 'a b']\n"), &[(5, "\"ab\""), (5, "\"a b\"")]),
        (
            &format!("{good}requests_per_second = 0\n"),
            &[(5, "`callers.requests_per_second` is out of bounds")],
        ),
        (&format!("{good}key = 'x'\n"), &[(5, "unknown key `callers.key`")]),
        (&format!("{good}{good}"), &[(6, "\"dashboard\" is taken already, in line 2")]),
    ];
    for (text, expected) in table {
        refused(&format!("{text}{GOOD}"), expected);
    }
    let bare = format!("[[callers]]\n{GOOD}");
    refused(&bare, &[(1, "`name` is missing"), (1, "`key_sha256` is missing"), (1, "`scopes` is missing")]);
}

#[test]
fn gateway_that_knows_nobody_listens_on_loopback_only() {
    for listen in ["0.0.0.0:80", "[::]:80", "192.168.1.2:80", "[2001:db8::1]:80"] {
        let server = format!("[server]\nlisten = '{listen}'\n");
        refused(&format!("{server}{GOOD}"), &[(2, "may be reached from other machines")]);
        for right in
            [format!("{server}allow_anonymous = true\n{GOOD}"), format!("{server}{}{GOOD}", caller())]
        {
            assert!(load(&right).is_ok(), "{right}");
        }
    }
    for listen in ["127.0.0.1:80", "127.8.9.1:80", "[::1]:80"] {
        assert!(load(&format!("[server]\nlisten = '{listen}'\n{GOOD}")).is_ok(), "{listen}");
    }
    let both = format!("[server]\nallow_anonymous = true\n{}{GOOD}", caller());
    refused(&both, &[(2, "does not go with [[callers]]")]);
    refused(&format!("[server]\nallow_anonymous = 'yes'\n{GOOD}"), &[(2, "is of type string")]);
}

#[test]
fn key_written_in_place_of_its_digest_is_not_repeated() {
    let key = crate::callers::key::make();
    let Err(problems) = load(&format!("{}{GOOD}", caller().replace(&digest(), &key))) else {
        panic!("taken")
    };
    let said = problems[0].to_string();
    assert!(!said.contains(&key) && said.contains("leadgraph key"), "{said}");
}
