//! That valid JSON is read as `serde_json` reads it, and that nothing is read for ever.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;
use crate::vendors::lenient::{self, object};

/// Any valid JSON, with blanks and escapes where they may stand, and with names that the tests of vendors look for.
pub(in crate::vendors) fn any_json() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
    ];
    let text = || {
        let escape = prop_oneof![r#"\\["\\/bfnrt]"#, r"\\u00[46][0-9a-f]", r"\\ud83d\\ude00", r"\\ud800"];
        let part = prop_oneof![4 => "[a-zA-Z0-9 {}\\[\\],:.é🦊]{0,12}", 1 => escape];
        prop::collection::vec(part, 0..4).prop_map(|parts| format!("\"{}\"", parts.concat()))
    };
    let known = prop::sample::select(&["api_key", "Headers", "to\\u006ben", "süd", "a", "b", "c"][..]);
    let name = prop_oneof![3 => known.prop_map(|name| format!("\"{name}\"")), 1 => text()];
    let blank = || prop_oneof![3 => Just(String::new()), 1 => "[ \n\r\t]{1,3}"];
    let leaf = prop_oneof![word, text()];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let value =
            (blank(), inner, blank()).prop_map(|(before, value, after)| [before, value, after].concat());
        let member = (blank(), name.clone(), blank(), value.clone())
            .prop_map(|(before, name, after, value)| format!("{before}{name}{after}:{value}"));
        prop_oneof![
            (prop::collection::vec(value, 1..5)).prop_map(|elements| format!("[{}]", elements.join(","))),
            (prop::collection::vec(member, 1..6)).prop_map(|members| format!("{{{}}}", members.join(","))),
            blank().prop_map(|blank| format!("[{blank}]")),
            blank().prop_map(|blank| format!("{{{blank}}}")),
        ]
    })
}

/// Some of what wire structs are made of.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Wire<'a> {
    #[serde(borrow, deserialize_with = "lenient::raw")]
    a: &'a str,
    b: Option<Vec<Value>>,
    #[serde(rename = "süd")]
    south: Option<f64>,
    token: Value,
}

/// Types that no wire struct has yet, and one may.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Others {
    a: Option<Wrapped>,
    b: Option<Word>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Wrapped(Value);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    A,
    C(Value),
}

/// The members of an object, as `serde_json` tells them.
#[derive(Debug)]
struct Told<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Told<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> serde::de::Visitor<'de> for InOrder {
            type Value = Told<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let members = std::iter::from_fn(|| map.next_entry().transpose());
                members.collect::<Result<_, _>>().map(Told)
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

fn texts<'a>(values: impl IntoIterator<Item = &'a RawValue>) -> Vec<&'a str> {
    values.into_iter().map(RawValue::get).collect()
}

proptest! {
    #[test]
    fn valid_json_is_read_as_serde_reads_it(text in any_json()) {
        let raw: &RawValue = serde_json::from_str(&text).unwrap();
        let is_object = raw.get().starts_with('{');
        let told = serde_json::from_str::<Told<'_>>(raw.get()).ok();
        let names = |members: Vec<(String, &RawValue)>| {
            members.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect::<Vec<_>>()
        };
        // A name that cannot be read costs its member alone.
        match told {
            Some(told) => prop_assert_eq!(lenient::members(raw).map(names), Some(names(told.0))),
            None => prop_assert_eq!(lenient::members(raw).is_some(), is_object),
        }
        let listed = serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok();
        prop_assert_eq!(lenient::elements(raw).map(texts), listed.map(texts));
        let wire = serde_json::from_str::<Wire<'_>>(raw.get()).ok().filter(|_| is_object);
        prop_assert_eq!(object::<Wire<'_>>(raw), wire);
        match (lenient::string(raw.get()), serde_json::from_str::<String>(raw.get())) {
            (read, Ok(string)) => prop_assert_eq!(read.as_deref(), Some(&*string)),
            (Some(read), Err(_)) => {
                prop_assert!(raw.get().contains("\\ud800"));
                // But for what is half a character, it is read as it would be without it.
                let halves = |text: &str| text.replace("\\ud800", "\\ufffd");
                prop_assert_eq!(Ok(read.into_owned()), serde_json::from_str::<String>(&halves(raw.get())).map_err(drop));
            }
            (None, Err(_)) => prop_assert!(!raw.get().starts_with('"')),
        }
    }

    #[test]
    fn newtypes_and_enums_are_read_as_serde_reads_them(
        (name, other) in (prop::sample::select(&["a", "b", "x"][..]), prop::sample::select(&["a", "b"][..])),
        value in prop_oneof![any_json(), Just("\"a\"".to_owned()), any_json().prop_map(|json| format!("{{\"c\":{json}}}"))],
    ) {
        let text = format!("{{\"{name}\":{value},\"{other}\":{value}}}");
        let raw: &RawValue = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(object::<Others>(raw), serde_json::from_str(&text).ok());
    }

    #[test]
    fn no_text_is_read_for_ever(text in "[\\[\\]{}\",:\\\\ é0nt]{0,24}") {
        prop_assert!(members(&text).into_iter().flatten().count() <= text.len());
        prop_assert!(elements(&text).into_iter().flatten().count() <= text.len());
    }
}
