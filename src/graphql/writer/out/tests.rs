use async_graphql::{Name, ScalarType as _};
use jiff::civil::Date;
use proptest::prelude::*;

use super::*;
use crate::graphql::scalars::id::{GlobalId, of};
use crate::graphql::scalars::time::DateTime;
use crate::model::id::NativeId;

fn written(write: impl FnOnce(&mut Out)) -> serde_json::Value {
    let mut out = Out::default();
    write(&mut out);
    serde_json::from_slice(&out.into_bytes()).unwrap()
}

fn as_json(value: impl Into<Value>) -> serde_json::Value {
    value.into().into_json().unwrap()
}

proptest! {
    #[test]
    fn instants_are_written_as_the_scalar_writes_them(
        ms in prop_oneof![-62_167_219_200_000..FAR, 0..FAR, -5_000_i64..5_000],
        micros in 0_i64..1_000,
    ) {
        let at = Timestamp::from_microsecond(ms.min(253_402_207_199_998) * 1_000 + micros).unwrap();
        prop_assert_eq!(written(|out| out.instant(at)), as_json(DateTime(at).to_value()));
    }

    #[test]
    fn ids_are_written_as_the_scalar_writes_them(
        source in "[a-zA-Z0-9._~/-]{1,40}",
        native in "[^\\p{C}]{1,60}",
        day in proptest::option::of(-9_000_i16..9_000),
    ) {
        let source = SourceId::new(&source).unwrap();
        let begin = Date::constant(2020, 1, 1);
        let day = day.map(|day| begin.checked_add(jiff::Span::new().days(day)).unwrap());
        let key = Key { source: source.clone(), native: NativeId::new(&native).unwrap(), day };
        for kind in [EntityKind::Lead, EntityKind::Conversation, EntityKind::Interaction] {
            prop_assert_eq!(written(|out| out.id(kind, &key)), of(kind, &key).0);
        }
        prop_assert_eq!(written(|out| out.source_id(&source)), GlobalId::Source(source).encode().0);
    }

    #[test]
    fn texts_are_written_as_json(chars in any::<Vec<char>>()) {
        let text: String = chars.into_iter().collect();
        prop_assert_eq!(written(|out| out.text(&text)), text.clone());
        prop_assert_eq!(written(|out| out.value(&Value::String(text.clone()))), text);
    }
}

#[test]
fn values_are_written_as_the_library_writes_them() {
    let inner = [(Name::new("d"), Value::Boolean(false))];
    let object = [
        (
            Name::new("a"),
            Value::List(vec![Value::Null, Value::from(1), Value::from(2.5), Value::List(vec![])]),
        ),
        (Name::new("b \"q\"\n"), Value::Enum(Name::new("WORD"))),
        (Name::new("c"), Value::Object(inner.into_iter().collect())),
        (Name::new("e"), Value::Object(std::iter::empty().collect())),
        (Name::new("f"), Value::from(u64::MAX)),
    ];
    let value = Value::Object(object.into_iter().collect());
    assert_eq!(written(|out| out.value(&value)), as_json(value));
    let list = Value::List(vec![Value::Binary(b"{\"x\":[1]}".as_slice().into()), Value::from("y")]);
    assert_eq!(written(|out| out.value(&list)), serde_json::json!([{ "x": [1] }, "y"]));
}
