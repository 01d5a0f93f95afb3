//! What is left out of a vendor's own object, and that nothing else is.

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::vendors::leadsail::redact::redacted;

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
