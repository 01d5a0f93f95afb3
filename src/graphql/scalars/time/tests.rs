use super::*;

fn read(text: &str) -> Option<String> {
    let instant = <DateTime as ScalarType>::parse(Value::from(text)).ok()?;
    match ScalarType::to_value(&instant) {
        Value::String(text) => Some(text),
        other => panic!("not text: {other}"),
    }
}

#[test]
fn instants_are_answered_in_utc_with_three_digits() {
    assert_eq!(read("2026-11-20T09:30:00Z").as_deref(), Some("2026-11-20T09:30:00.000Z"));
    assert_eq!(read("2026-11-20t09:30:00z").as_deref(), Some("2026-11-20T09:30:00.000Z"));
    assert_eq!(read("2026-11-20T11:30:00.123456789+02:00").as_deref(), Some("2026-11-20T09:30:00.123Z"));
    assert_eq!(read("2026-11-20T00:00:00.5-05:30").as_deref(), Some("2026-11-20T05:30:00.500Z"));
}

#[test]
fn anything_but_rfc_3339_is_refused() {
    for text in [
        "",
        "2026-11-20",
        "2026-11-20T09:30:00",
        "2026-11-20T09:30Z",
        "2026-11-20 09:30:00Z",
        "2026-11-20T09:30:00.Z",
        "2026-11-20T09:30:00,5Z",
        "2026-11-20T09:30:00.1234567890Z",
        "2026-11-20T09:30:00+02",
        "2026-11-20T09:30:00+0200",
        "2026-11-20T09:30:00Z[UTC]",
        "2026-13-20T09:30:00Z",
        "2026-02-30T09:30:00Z",
        "20261120T093000Z",
        "+002026-11-20T09:30:00Z",
        "2026-11-20T09:30:0éZ",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    assert!(<DateTime as ScalarType>::parse(Value::from(1_700_000_000)).is_err());
}

#[test]
fn a_bare_date_is_told_the_right_form_and_not_repeated() {
    let error = <DateTime as ScalarType>::parse(Value::from("2031-01-02")).unwrap_err();
    let error = error.into_server_error(async_graphql::Pos::default());
    assert!(error.message.contains("RFC 3339"), "{}", error.message);
    assert!(!error.message.contains("2031"), "{}", error.message);
    assert_eq!(error.extensions.unwrap().get("code"), Some(&Value::from(BAD_USER_INPUT)));
}
