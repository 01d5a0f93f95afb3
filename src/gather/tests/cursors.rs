//! Cursors: made by us, for one caller, one field, one filter, one day.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::gather::cursor::{Cursor, Scope, Sealer, Stop, longest};
use crate::gather::position::{Place, Position, Taken, Token, Window};
use crate::gather::request::InputCode;
use crate::gather::settings::{CursorKey, Settings};
use crate::model::id::{Key, NativeId, SourceId, Vendor};
use crate::model::lead::Lead;

const FILTER: u64 = 7;

fn now() -> Timestamp {
    Timestamp::from_second(1_780_000_000).unwrap()
}

fn sealer(keys: &[u8]) -> Sealer {
    let cursor_keys = keys.iter().map(|byte| CursorKey([*byte; 32])).collect();
    Sealer::new(&Settings { cursor_keys, ..Settings::default() })
}

fn scope() -> Scope {
    Scope { caller: "someone".into(), field: "leads" }
}

fn cursor(positions: Vec<Position>) -> Cursor {
    let stop = |(number, position)| Stop { source: format!("source-{number}"), vendor: 1, position };
    Cursor {
        filter: FILTER,
        made: now().as_second(),
        last: Some((0, Place { at: 5, id: "lead".to_owned() })),
        sources: positions.into_iter().enumerate().map(stop).collect(),
    }
}

fn taken_lead(native: &str, at: i64) -> Lead {
    let source = SourceId::new("acme").unwrap();
    let key = Key { source, native: NativeId::new(native).unwrap(), day: None };
    Lead { created_at: Some(Timestamp::from_millisecond(at).unwrap()), ..Lead::bare(key, Vendor::Spelo) }
}

fn code(sealer: &Sealer, scope: &Scope, filter: u64, now: Timestamp, text: &str) -> Option<InputCode> {
    sealer.open(scope, filter, now, text, longest(3)).err().map(|error| error.code)
}

fn positions() -> impl Strategy<Value = Position> {
    let place = || (any::<i64>(), "[a-z0-9]{1,20}").prop_map(|(at, id)| Place { at, id });
    prop_oneof![
        Just(Position::Start),
        Just(Position::Done),
        (proptest::option::of("[ -~]{0,90}"), any::<bool>()).prop_map(|(page, fresh)| Position::Stream {
            page: page.map(Token::Cursor),
            fresh,
            taken: Taken::default(),
        }),
        (any::<i32>(), any::<i32>(), proptest::option::of(place()))
            .prop_map(|(lo, hi, after)| { Position::Windows { window: Window { lo, hi }, after } }),
        proptest::option::of(place()).prop_map(|after| Position::Collect { from: None, after }),
    ]
}

proptest! {
    #[test]
    fn any_cursor_comes_back_as_it_was(sources in proptest::collection::vec(positions(), 0..4)) {
        let (sealer, cursor) = (sealer(&[1]), cursor(sources));
        let text = sealer.seal(&scope(), &cursor).unwrap();
        let opened = sealer.open(&scope(), FILTER, now(), &text, longest(3));
        prop_assert_eq!(opened.unwrap(), cursor);
    }

    #[test]
    fn what_was_taken_is_known_again_however_it_was_taken(
        before in proptest::collection::vec(0_i64..4, 0..6),
        moments in proptest::collection::vec(0_i64..4, 0..9),
    ) {
        let rows = |mut moments: Vec<i64>, name: &str| -> Vec<Arc<Lead>> {
            moments.sort_unstable_by(|one, other| other.cmp(one));
            let row = |(place, at): (usize, &i64)| Arc::new(taken_lead(&format!("{name}{place}"), *at));
            moments.iter().enumerate().map(row).collect()
        };
        let (first, then) = (rows(before.iter().map(|at| at + 3).collect(), "a"), rows(moments, "b"));
        let mut one_by_one = Taken::default();
        first.iter().chain(&then).for_each(|row| one_by_one.take(&**row));
        let mut at_once = Taken::default();
        at_once.take_all(&first);
        at_once.take_all(&then);
        prop_assert_eq!(&at_once, &one_by_one);

        // As the next request has it from a cursor.
        let (sealer, position) = (sealer(&[1]), |taken| Position::Stream { page: None, fresh: false, taken });
        let text = sealer.seal(&scope(), &cursor(vec![position(at_once)])).unwrap();
        let mut opened = sealer.open(&scope(), FILTER, now(), &text, longest(3)).unwrap();
        prop_assert_eq!(&opened.sources[0].position, &position(one_by_one));
        let Position::Stream { taken, .. } = &mut opened.sources[0].position else { unreachable!() };
        prop_assert!(first.iter().chain(&then).all(|row| taken.has(&**row)));
        let last = then.last().or(first.last()).and_then(|row| row.created_at);
        if let Some(last) = last {
            let another = taken_lead("another", last.as_millisecond());
            prop_assert!(!taken.has(&another));
            taken.take(&another);
            prop_assert!(taken.has(&another) && first.iter().chain(&then).all(|row| taken.has(&**row)));
        }
    }

    #[test]
    fn any_text_is_refused_without_panic(text in ".{0,300}") {
        prop_assert_eq!(code(&sealer(&[1]), &scope(), FILTER, now(), &text), Some(InputCode::CursorInvalid));
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let sealer = sealer(&[1]);
    let text = sealer.seal(&scope(), &cursor(vec![Position::Start, Position::Done])).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let text = URL_SAFE_NO_PAD.encode(bytes);
        assert_eq!(
            code(&sealer, &scope(), FILTER, now(), &text),
            Some(InputCode::CursorInvalid),
            "bit {bit}"
        );
    }
}

#[test]
fn a_cursor_holds_for_its_caller_its_field_its_filter_and_a_day() {
    let sealer = sealer(&[1]);
    let text = sealer.seal(&scope(), &cursor(vec![Position::Start])).unwrap();
    let of = |scope: &Scope, filter, later: i64| {
        code(&sealer, scope, filter, now() + SignedDuration::from_hours(later), &text)
    };
    assert_eq!(of(&scope(), FILTER, 0), None);
    assert_eq!(of(&scope(), FILTER, 24), None);
    assert_eq!(of(&scope(), FILTER, 25), Some(InputCode::CursorExpired));
    assert_eq!(of(&scope(), FILTER + 1, 0), Some(InputCode::CursorFilterMismatch));
    let other_caller = Scope { caller: "someone else".into(), ..scope() };
    assert_eq!(of(&other_caller, FILTER, 0), Some(InputCode::CursorInvalid));
    let other_field = Scope { field: "conversations", ..scope() };
    assert_eq!(of(&other_field, FILTER, 0), Some(InputCode::CursorInvalid));
}

#[test]
fn keys_can_be_replaced_while_old_cursors_still_open() {
    let (old, both, new) = (sealer(&[1]), sealer(&[2, 1]), sealer(&[2]));
    let text = old.seal(&scope(), &cursor(vec![Position::Start])).unwrap();
    assert_eq!(code(&both, &scope(), FILTER, now(), &text), None);
    assert_eq!(code(&new, &scope(), FILTER, now(), &text), Some(InputCode::CursorInvalid));
    let text = both.seal(&scope(), &cursor(vec![Position::Start])).unwrap();
    assert_eq!(code(&new, &scope(), FILTER, now(), &text), None);
}

#[test]
fn one_place_has_one_cursor() {
    let sealer = sealer(&[1]);
    let seal = |positions| sealer.seal(&scope(), &cursor(positions)).unwrap();
    assert_eq!(seal(vec![Position::Start]), seal(vec![Position::Start]));
    assert_ne!(seal(vec![Position::Start]), seal(vec![Position::Done]));
}

#[test]
fn a_cursor_over_twenty_sources_stays_short() {
    let window = Window { lo: 20_500, hi: 20_530 };
    let after = Some(Place { at: 1_780_000_000_000, id: "4821301".to_owned() });
    let text = sealer(&[1]).seal(&scope(), &cursor(vec![Position::Windows { window, after }; 20])).unwrap();
    assert!(text.len() < 1_400, "{} characters", text.len());
}
