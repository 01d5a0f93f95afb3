use proptest::prelude::*;

use super::*;

fn key(source: &str, native: &str, day: Option<&str>) -> Key {
    Key {
        source: SourceId::new(source).unwrap(),
        native: NativeId::new(native).unwrap(),
        day: day.map(|day| day.parse().unwrap()),
    }
}

fn message(error: &ClientError) -> &str {
    match error {
        ClientError::Input(error) => {
            assert_eq!(error.code, crate::gather::request::InputCode::BadId);
            &error.message
        }
        other => panic!("not about input: {other:?}"),
    }
}

fn raw(text: &str) -> ID {
    ID(URL_SAFE_NO_PAD.encode(text))
}

proptest! {
    #[test]
    fn every_id_is_read_back_as_what_it_names(
        source in "[A-Za-z0-9._~/-]{1,128}",
        native in "[^\\p{Cc}]{1,64}",
        day in proptest::option::of((1970_i16..2100, 1_i8..=12, 1_i8..=28)),
        kind in 0..4,
    ) {
        let source = SourceId::new(&source).unwrap();
        let day = day.map(|(year, month, day)| jiff::civil::date(year, month, day));
        let key = Key { source: source.clone(), native: NativeId::new(&native).unwrap(), day };
        let named = match kind {
            0 => GlobalId::Source(source),
            1 => GlobalId::Record(EntityKind::Lead, key),
            2 => GlobalId::Record(EntityKind::Conversation, key),
            _ => GlobalId::Record(EntityKind::Interaction, key),
        };
        let id = named.encode();
        prop_assert!(id.len() <= MAX_LEN);
        prop_assert_eq!(GlobalId::decode(&id).unwrap(), named);
    }

    #[test]
    fn no_text_makes_decoding_panic(text in ".{0,700}") {
        drop(GlobalId::decode(&ID(text.clone())));
        drop(GlobalId::decode(&raw(&text)));
    }
}

#[test]
fn the_longest_names_fit() {
    let key = key(&"s".repeat(128), &"n".repeat(256), Some("2026-11-20"));
    let id = of(EntityKind::Interaction, &key);
    assert_eq!(record(&id, EntityKind::Interaction).unwrap(), key);
}

#[test]
fn a_vendors_id_may_hold_colons() {
    let key = key("acme", "a:b::c", None);
    assert_eq!(record(&of(EntityKind::Lead, &key), EntityKind::Lead).unwrap(), key);
}

#[test]
fn text_that_leadgraph_would_not_write_is_no_id() {
    for id in [
        ID(String::new()),
        ID("lead_1".to_owned()),
        ID("=".to_owned()),
        ID("x".repeat(5_000)),
        raw("v2:Lead:acme::1"),
        raw("v1:Person:acme::1"),
        raw("v1:Lead:acme:1"),
        raw("v1:Lead:acme::"),
        raw("v1:Lead:ac me::1"),
        raw("v1:Lead:acme:20261120:1"),
        raw("v1:Lead:acme:2026-11-20T00:00:00:1"),
        raw("v1:Source:"),
        ID(format!("{}=", of(EntityKind::Lead, &key("acme", "1", None)).0)),
    ] {
        let error = GlobalId::decode(&id).unwrap_err();
        assert!(message(&error).contains("unchanged"), "{id:?}");
    }
}

#[test]
fn an_id_of_another_type_is_named() {
    let lead = of(EntityKind::Lead, &key("acme", "1", None));
    let error = source(&lead).unwrap_err();
    assert_eq!(message(&error), "This is the id of a Lead, where the id of a Source is wanted.");
    let error = record(&lead, EntityKind::Conversation).unwrap_err();
    assert_eq!(message(&error), "This is the id of a Lead, where the id of a Conversation is wanted.");
    let error =
        record(&GlobalId::Source(SourceId::new("acme").unwrap()).encode(), EntityKind::Lead).unwrap_err();
    assert_eq!(message(&error), "This is the id of a Source, where the id of a Lead is wanted.");
}
