use super::*;
use crate::callers::key::Digest;
use crate::callers::{Keys, Share};
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
         requests_per_second = 5\ncost_per_second = 300\n",
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
    assert_eq!((partner.rates.requests_per_second, partner.rates.cost_per_second), (5, 300));
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
        (&format!("{good}cost_per_second = 99\n"), &[(5, "`callers.cost_per_second` is out of bounds")]),
        (&format!("{good}key = 'x'\n"), &[(5, "unknown key `callers.key`")]),
        (
            &format!("{good}{good}"),
            &[
                (6, "\"dashboard\" is taken already, in line 2"),
                (7, "this key is written already, in line 3"),
            ],
        ),
        (
            &format!("{good}previous_key_sha256 = '{}'\n", digest()),
            &[(5, "this key is written already, in line 3")],
        ),
        (&good.replace(&digest(), &Digest::of("").to_string()), &[(3, "the digest of nothing")]),
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
    // An address that is another one in disguise is not believed to be loopback.
    for listen in ["[::ffff:127.0.0.1]:80", "[::ffff:0.0.0.0]:80", "169.254.1.1:80"] {
        refused(
            &format!("[server]\nlisten = '{listen}'\n{GOOD}"),
            &[(2, "may be reached from other machines")],
        );
        assert!(load(&format!("[server]\nlisten = '{listen}'\n{ISSUER}{GOOD}")).is_ok(), "{listen}");
    }
    for listen in ["127.0.0.1:80", "127.8.9.1:80", "[::1]:80"] {
        assert!(load(&format!("[server]\nlisten = '{listen}'\n{GOOD}")).is_ok(), "{listen}");
    }
    let both = format!("[server]\nallow_anonymous = true\n{}{GOOD}", caller());
    refused(&both, &[(2, "does not go with [[callers]]")]);
    refused(&format!("[server]\nallow_anonymous = 'yes'\n{GOOD}"), &[(2, "is of type string")]);
}

#[test]
fn names_are_looked_at_where_everyone_on_this_machine_may_ask_and_where_they_are_written() {
    let hosts = |text: &str| {
        load(&format!("{text}{GOOD}")).unwrap_or_else(|problems| panic!("{problems:?}")).http.hosts
    };
    let written: Vec<http::HostName> = vec!["leads.example".parse().unwrap()];
    let names = "[server]\nhosts = ['leads.example']\n";
    assert_eq!(hosts(""), Some(Vec::new()));
    assert_eq!(hosts(names), Some(written.clone()));
    assert_eq!(hosts(&caller()), None);
    assert_eq!(hosts(ISSUER), None);
    assert_eq!(hosts(&format!("{names}{}", caller())), Some(written));
    assert_eq!(hosts("[server]\nallow_anonymous = true\n"), None, "what stands in front looks at names");
    for wrong in [
        "",
        "Leads.example",
        "leads.example:80",
        "https://leads.example",
        "leads.example.",
        "a/b",
        "*.example",
    ] {
        refused(&format!("[server]\nhosts = ['{wrong}']\n{GOOD}"), &[(2, "`server.hosts` cannot be read")]);
    }
}

#[test]
fn page_that_shows_the_schema_is_there_for_everyone_or_where_it_is_written() {
    let page = |text: &str| {
        load(&format!("{text}{GOOD}")).unwrap_or_else(|problems| panic!("{problems:?}")).http.graphiql
    };
    let on = "[server]\ngraphiql = true\n";
    assert_eq!([page(""), page(&caller()), page(ISSUER)], [true, false, false]);
    assert_eq!([page(&format!("{on}{}", caller())), page(&on.replace("true", "false"))], [true, false]);
}

#[test]
fn schema_is_told_to_everyone_to_admins_or_to_nobody() {
    use crate::graphql::Audience::{Admins, Everyone, Nobody};
    for (word, audience) in [("true", Everyone), ("'admin'", Admins), ("false", Nobody)] {
        let text = format!("[graphql]\nintrospection = {word}\nsuggestions = {word}\n{GOOD}");
        let graphql = load(&text).unwrap_or_else(|problems| panic!("{problems:?}")).graphql;
        assert_eq!((graphql.introspection, graphql.suggestions), (audience, audience));
    }
    for wrong in ["'admins'", "1", "['admin']"] {
        refused(
            &format!("[graphql]\nintrospection = {wrong}\n{GOOD}"),
            &[(2, "`graphql.introspection` is of type")],
        );
    }
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

/// An issuer that is right, in six lines.
const ISSUER: &str = "[[issuers]]\nname = 'corp'\nissuer = 'https://login.example/'\naudience = 'leadgraph'\n\
     jwks_url = 'https://login.example/keys'\nscopes = ['leads:read']\n";

#[test]
fn issuers_are_read_whole() {
    let text = format!(
        "[server]\nlisten = '0.0.0.0:80'\n{GOOD}{ISSUER}\
         [[issuers]]\nname = 'other'\nissuer = 'https://other.example/'\naudience = 'us'\njwks_url = 'http://127.0.0.1:9/keys'\n\
         algorithms = ['RS512', 'EdDSA']\nleeway_secs = 0\nname_claim = 'email'\nscope_claim = 'roles'\nscopes = []\n\
         sources = ['a']\ntenant_claim = 'org'\nrequests_per_second = 5\n\
         [issuers.tenants]\nacme = ['a/agent']\nnone = []\n"
    );
    let config = load(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert!(!config.callers.is_empty());
    let [corp, other] = &config.callers.issuers[..] else { panic!("two") };
    assert_eq!(
        (&*corp.name, &*corp.issuer, &*corp.audience),
        ("corp", "https://login.example/", "leadgraph")
    );
    assert!(matches!(&corp.keys, Keys::At(url) if url.as_str() == "https://login.example/keys"));
    let words: Vec<_> = corp.algorithms.iter().map(|one| one.as_str()).collect();
    assert_eq!(words, ["RS256", "PS256", "ES256", "EdDSA"]);
    assert_eq!((corp.leeway.as_secs(), &*corp.name_claim, &*corp.scope_claim), (60, "sub", "scope"));
    assert_eq!((&corp.sources, &corp.share), (&Visible::All, &Share::Whole));
    assert_eq!(corp.rates, crate::callers::Rates::default());
    assert_eq!((other.leeway.as_secs(), &*other.name_claim, &*other.scope_claim), (0, "email", "roles"));
    let only = |name: &str| Visible::Only([SourceId::new(name).unwrap()].into());
    assert_eq!(other.sources, only("a"));
    let sources = [("acme".to_owned(), only("a/agent")), ("none".to_owned(), Visible::Only([].into()))]
        .into_iter()
        .collect();
    assert_eq!(other.share, Share::Given { claim: "org".to_owned(), sources });
    assert_eq!(other.rates.requests_per_second, 5);

    let named = load(&format!("{GOOD}{ISSUER}sources_claim = 'see'\n"))
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(named.callers.issuers[0].share, Share::Named("see".to_owned()));
}

#[test]
fn every_mistake_about_issuers_is_reported_at_its_line() {
    let url = "'https://login.example/keys'";
    let table: &[(&str, &[(usize, &str)])] = &[
        ("issuers = 3\n", &[(1, "`issuers` is of type integer")]),
        (&ISSUER.replace("'corp'", "'a:b'"), &[(2, "cannot be the name of an issuer")]),
        (&ISSUER.replace(url, "'http://login.example/keys'"), &[(5, "`jwks_url` must be https")]),
        (&ISSUER.replace(url, "'https://a:b@login.example/keys'"), &[(5, "user name or password")]),
        (&ISSUER.replace(url, "'keys.json'"), &[(5, "`jwks_url` is not a URL")]),
        (&format!("{ISSUER}jwks_file = 'keys.json'\n"), &[(7, "two places for the same keys")]),
        (
            &ISSUER.replace("jwks_url", "jwks_file"),
            &[(5, "the file \"https://login.example/keys\" cannot be read")],
        ),
        (&format!("{ISSUER}algorithms = []\n"), &[(7, "no token could be signed")]),
        (&format!("{ISSUER}algorithms = ['HS256', 'none', 'RS256']\n"), &[(7, "\"HS256\""), (7, "\"none\"")]),
        (&format!("{ISSUER}leeway_secs = 301\n"), &[(7, "out of bounds")]),
        (&format!("{ISSUER}sources = ['b']\n"), &[(7, "\"b\" is not a source of this file")]),
        (&ISSUER.replace("'leads:read'", "'leads'"), &[(6, "\"leads\" is no scope")]),
        (&format!("{ISSUER}sources_claim = 'a'\ntenant_claim = 'b'\n"), &[(8, "say twice")]),
        (&format!("{ISSUER}tenant_claim = 'b'\n"), &[(7, "there are no tenants")]),
        (&format!("{ISSUER}[issuers.tenants]\nacme = ['a']\n"), &[(7, "no claim that says")]),
        (
            &format!("{ISSUER}tenant_claim = 'b'\n[issuers.tenants]\nacme = ['a', 'b']\nother = 'c'\n"),
            &[(9, "what exists for \"acme\""), (10, "what exists for \"other\"")],
        ),
        (&format!("{ISSUER}secret = 'x'\n"), &[(7, "unknown key `issuers.secret`")]),
        (
            &format!("{ISSUER}{ISSUER}"),
            &[(8, "\"corp\" is taken already, in line 2"), (9, "are taken already, in line 3")],
        ),
    ];
    for (text, expected) in table {
        refused(&format!("{text}{GOOD}"), expected);
    }
    let bare = format!("[[issuers]]\n{GOOD}");
    let missing = ["`name`", "`issuer`", "`audience`", "`jwks_url`", "`scopes`"];
    refused(&bare, &missing.map(|what| (1, what)));
    let both = format!("[server]\nallow_anonymous = true\n{ISSUER}{GOOD}");
    refused(&both, &[(2, "does not go with [[callers]] or [[issuers]]")]);
}
