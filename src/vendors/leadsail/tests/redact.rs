//! What is left out of a vendor's own object, and that nothing else is.

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::vendors::leadsail::redact::{Row, redacted};
use crate::vendors::reader::members;
use crate::vendors::reader::tests::any_json as any_json_text;
use crate::vendors::unread;

fn shown(text: &str) -> Option<String> {
    let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
    redacted(&raw).map(|json| json.as_str().to_owned())
}

#[test]
fn what_is_shown_is_as_the_vendor_wrote_it() {
    for (text, expected) in [
        (
            r#"{ "a" : 1.0e3 , "b":[ 1 , -0.10,"x y" ],"c": {} , "d":[] }"#,
            r#"{"a":1.0e3,"b":[1,-0.10,"x y"],"c":{},"d":[]}"#,
        ),
        (r#"{"é\u00e9\"":"\\\"}","b":" , ] "}"#, r#"{"é\u00e9\"":"\\\"}","b":" , ] "}"#),
        (r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
        (r#"{"a":1 ,"token":2}"#, r#"{"a":1}"#),
        (r#"{ "token" : 1 , "a" : 2 , "token" : { "b" : [ "}" ] } }"#, r#"{"a":2}"#),
        (r#"{"a":{"token":1 } , "token":2 , "secret":3,"b":4}"#, r#"{"a":{},"b":4}"#),
        (r#"{"\ud800to\u006ben":1,"a":2}"#, r#"{"a":2}"#),
        ("\n[true,\tfalse,null ]", "[true,false,null]"),
        ("12", "12"),
        (r#""a { b""#, r#""a { b""#),
    ] {
        assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
    }
    assert_eq!(shown("null"), None);
}

#[test]
fn members_are_left_out_by_their_names_at_any_depth() {
    for hidden in [
        "ipAddress",
        "ip_address",
        "tcpaIpAddress",
        "consent_user_agent",
        "IP-ADDRESS",
        "userAgent",
        "apiKey",
        "x-api-key",
        "accessToken",
        "tokens",
        "client_secret",
        "recordingUrl",
        "delivery",
        "headers",
        "posting_url",
        "to\\u006ben",
    ] {
        let text = format!(
            r#"{{"a":{{"{hidden}":{{"b":["}}",{{}}]}},"c":[{{"{hidden}":1}}]}},"{hidden}":"\"}}","d":1}}"#
        );
        assert_eq!(shown(&text).as_deref(), Some(r#"{"a":{"c":[{}]},"d":1}"#), "{hidden}");
    }
    for kept in ["ip", "agent", "deliveries", "header2", "key", "record_url", "a token of"] {
        let text = format!(r#"{{"{kept}":1}}"#);
        let expected = (kept != "a token of").then(|| text.clone()).or_else(|| Some("{}".to_owned()));
        assert_eq!(shown(&text), expected, "{kept}");
    }
}

#[test]
fn what_lies_too_deep_is_nothing() {
    let deep = |levels: usize, core: &str| format!("{}{core}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(shown(&deep(24, "1")), Some(deep(24, "1")));
    assert_eq!(shown(&deep(25, "{\"a\":[\"]\"]}")), Some(deep(24, "null")));
}

fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z\"\\\\{}\\[\\],: \u{e9}\n]{0,8}".prop_map(Value::from),
    ];
    let name = prop_oneof![Just("api_key".to_owned()), Just("Headers".to_owned()), "[a-z\"\\\\ ]{0,4}"];
    scalar.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn without(value: &Value) -> Value {
    match value {
        Value::Array(rows) => rows.iter().map(without).collect(),
        Value::Object(members) => {
            let shown = members.iter().filter(|(name, _)| !matches!(name.as_str(), "api_key" | "Headers"));
            Value::Object(shown.map(|(name, value)| (name.clone(), without(value))).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn nothing_else_is_left_out(value in any_json(), spread in any::<bool>()) {
        let text = if spread { format!("{value:#}") } else { value.to_string() };
        let told: Value = shown(&text).map_or(json!(null), |text| serde_json::from_str(&text).unwrap());
        prop_assert_eq!(told, without(&value));
    }
}

/// What a name is compared as, word by word.
fn is_hidden(name: &str) -> bool {
    let plain = name.to_ascii_lowercase().replace(['_', '-'], "");
    let names =
        ["ipaddress", "useragent", "webhook", "webhooks", "header", "headers", "delivery", "deliveryinfo"];
    let parts =
        ["token", "secret", "apikey", "credential", "recordingurl", "postingurl", "ipaddress", "useragent"];
    [&names[..], &["authorization", "password"]].concat().contains(&&*plain)
        || parts.iter().any(|part| plain.contains(part))
}

/// A name that is hidden, or nearly one.
fn any_name() -> impl Strategy<Value = String> {
    let hidden = [
        "ipaddress",
        "useragent",
        "webhooks",
        "header",
        "deliveryinfo",
        "authorization",
        "password",
        "token",
        "secret",
        "apikey",
        "credential",
        "recordingurl",
        "postingurl",
        "timezonesource",
    ];
    let letters =
        (prop::sample::select(hidden.to_vec()), prop::collection::vec((any::<bool>(), "[_-]{0,1}"), 16));
    let spelt = letters.prop_map(|(name, ways)| {
        let letter = |(letter, (upper, mark)): (char, (bool, String))| {
            [if upper { letter.to_ascii_uppercase() } else { letter }.to_string(), mark].concat()
        };
        name.chars().zip(ways).map(letter).collect::<String>()
    });
    (prop_oneof![2 => Just(String::new()), 1 => "[a-zé_]{0,3}"], spelt, "[a-zS_]{0,1}")
        .prop_map(|(before, name, after)| [before, name, after].concat())
}

proptest! {
    #[test]
    fn a_name_is_hidden_however_it_is_spelt(name in any_name()) {
        let text = json!({ &name: 1 }).to_string();
        prop_assert_eq!(shown(&text).as_deref() == Some("{}"), is_hidden(&name));
    }

    #[test]
    fn a_row_tells_its_members_and_what_of_each_is_shown(text in any_json_text()) {
        let raw: &RawValue = serde_json::from_str(&text).unwrap();
        let row = Row::of(raw);
        prop_assert_eq!(row.is_some(), raw.get().starts_with('{'));
        let Some(row) = row else { return Ok(()) };
        let told: Vec<_> = row.members().map(|(name, value)| (name.read(), value)).collect();
        let read: Vec<_> = members(raw.get()).unwrap().map(|(name, value)| (name.read(), value)).collect();
        prop_assert_eq!(&told, &read);
        for (name, value) in told {
            let value = unread::raw(value).unwrap();
            let hidden = name.is_none_or(|name| is_hidden(&name));
            prop_assert_eq!(row.redacted(value), redacted(value).filter(|_| !hidden));
        }
        prop_assert_eq!(Some(row.shown()), redacted(raw));
    }
}

/// Where each place of a name is looked at from each other, this takes hours.
#[test]
fn a_name_is_looked_at_once_however_long_it_is() {
    for (name, hidden) in [("nekot", false), ("neko\\u0074", false), ("token", true)] {
        let told = shown(&format!("{{\"{name}{}\":1}}", "_".repeat(1 << 20)));
        assert_eq!(told.as_deref() == Some("{}"), hidden, "{name}");
    }
}
