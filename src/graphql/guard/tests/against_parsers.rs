//! The guard against the library's parser, and against another hand's. Any disagreement is a way round the guard, or a document
//! that is refused without reason.

use async_graphql::parser::parse_query;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{Counts, Limit, Limits, Refused, check};
use super::LIMITS;
use super::drawn::{Tape, document, spoilt};
use super::plain;

const NONE: Limits = Limits {
    bytes: u32::MAX,
    tokens: u32::MAX,
    token_bytes: u32::MAX,
    nesting: 60,
    depth: u32::MAX,
    aliases: u32::MAX,
    directives: u32::MAX,
    variables: u32::MAX,
    operations: u32::MAX,
    fragments: u32::MAX,
    root_fields: u32::MAX,
    selections: u32::MAX,
};

fn of(limit: Limit, counts: &Counts, text: &str) -> u32 {
    match limit {
        Limit::Bytes | Limit::TokenBytes => u32::try_from(text.len()).unwrap(),
        Limit::Tokens => counts.tokens,
        Limit::Nesting => counts.nesting,
        Limit::Depth => counts.depth,
        Limit::Aliases => counts.aliases,
        Limit::Directives => counts.directives,
        Limit::Variables => counts.variables,
        Limit::Operations => counts.operations,
        Limit::Fragments => counts.fragments,
        Limit::RootFields => counts.root_fields,
        Limit::Selections => counts.selections,
    }
}

/// Checks a text, and says whether all three took it.
fn compare(text: &str, tight: &Limits) -> Result<bool, TestCaseError> {
    let (free, parsed) = (check(text, &NONE), parse_query(text));
    let Ok(parsed) = parsed else {
        // Not for the guard to say, but it may; what it lets through the parser refuses.
        return Ok(false);
    };
    // What the parser takes has to be counted as it is.
    let counts = match free {
        Ok(counts) => counts,
        Err(Refused::NotGraphql(at)) => {
            prop_assert!(!plain::is_graphql(text) || misread(text), "refused at {at}: {text:?}");
            return Ok(false);
        }
        Err(Refused::Circle(_)) => {
            prop_assert_eq!(plain::counts(&parsed), None, "no circle: {:?}", text);
            return Ok(false);
        }
        Err(over) => return Err(TestCaseError::fail(format!("{over:?}: {text:?}"))),
    };
    let Some((tokens, nesting)) = plain::tokens(text) else {
        // The parser takes escapes that the specification does not, inside of a text.
        return Ok(false);
    };
    let expected = plain::counts(&parsed).map(|expected| Counts { tokens, nesting, ..expected });
    prop_assert_eq!(Some(counts), expected, "{:?}", text);
    // Under limits, what is refused passes one of them, and what is let through passes none.
    match check(text, tight) {
        Ok(counts) => {
            for limit in LIMITS {
                prop_assert!(of(limit, &counts, text) <= limit.told(tight).1, "{limit:?}: {text:?}");
            }
        }
        Err(Refused::Over(limit, _)) => {
            prop_assert!(of(limit, &counts, text) > limit.told(tight).1, "{limit:?}: {text:?}");
        }
        Err(other) => return Err(TestCaseError::fail(format!("{other:?}: {text:?}"))),
    }
    Ok(true)
}

/// GraphQL that the parser takes for something else: a comment between `on` and its type, a word that begins like another.
fn misread(text: &str) -> bool {
    let words = ["true", "false", "null"];
    let longer = |word: &str| {
        text.match_indices(word).any(|(at, word)| {
            text[at + word.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    let comment = text
        .split("on")
        .skip(1)
        .any(|rest| rest.trim_start_matches([' ', ',', '\t', '\n', '\r', '\u{feff}']).starts_with('#'));
    comment || words.into_iter().any(longer)
}

/// How many cases; `LEADGRAPH_DOCUMENTS=100000` for more.
#[expect(clippy::disallowed_methods, reason = "only this test looks at it")]
fn cases() -> ProptestConfig {
    let cases = std::env::var("LEADGRAPH_DOCUMENTS").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases.unwrap_or(1_500)) }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_the_parser_takes_is_counted_as_it_is(
        tape in vec(any::<u8>(), 0..400),
        spoiling in vec(any::<u8>(), 0..200),
        limits in vec(0..12_u32, 10),
    ) {
        let text = spoilt(&document(&mut Tape(&tape)), &mut Tape(&spoiling), 3);
        let [tokens, nesting, depth, aliases, directives, variables, operations, fragments, root_fields, selections] =
            limits[..] else { unreachable!() };
        let tight = Limits {
            tokens: tokens * 10, nesting, depth, aliases, directives, variables, operations, fragments, root_fields,
            selections: selections * 4, ..NONE
        };
        compare(&text, &tight)?;
    }

    #[test]
    fn no_text_at_all_makes_the_guard_panic(text in "[\\PC\"\\\\#{}()\\[\\].:@$\n]{0,200}", limits in 0..40_u32) {
        let tight = Limits { nesting: limits, tokens: limits, ..Limits::default() };
        let _ = (check(&text, &tight), compare(&text, &tight)?);
    }
}

#[test]
fn many_drawn_documents_are_taken_by_everyone() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut taken = 0;
    for _ in 0..600 {
        let tape: Vec<u8> = (0..300).map(|_| random.u8(..)).collect();
        // Gaps that keep tokens apart, and nothing spoilt.
        let text = document(&mut Tape(&tape)).join(" ");
        taken += u32::from(compare(&text, &NONE).unwrap());
    }
    assert!(taken > 80, "only {taken} of what is drawn is GraphQL, so that it is tested little");
}

#[test]
fn texts_that_parsers_read_differently_are_no_way_round_the_guard() {
    for text in [
        // Two numbers for the parser, none by the specification.
        "{a(b:[00])}",
        "{a(b:[0000000])}",
        // Two values for the parser, one by the specification.
        "{a(b:[truetrue])}",
        "{a(b:[nullnull nullish])}",
        "{a(b:nullc:1)}",
        // A block string without an end is an empty string and another one for the parser.
        "{a(b:[\"\"\"c\"])}",
        "{a(b:[\"\"\"\\\"\"\"\"])}",
        // A keyword and a name for the parser, one name by the specification.
        "queryQ{a}",
        "querymutation{a}",
        "fragmentF on T{a} {b}",
        // A spread of `on` and a field for the parser, a fragment without a name by the specification.
        "{...on#\nQuery{a}}",
        "{...on #\n Query{a}}",
        "fragment on on Query{a a a} {...on#\na ...on#\na}",
        "{...on#\na ...on#\na} fragment on on Query{a a a}",
    ] {
        assert!(parse_query(text).is_ok(), "the parser refuses this itself: {text}");
        assert!(matches!(check(text, &NONE), Err(Refused::NotGraphql(_))), "{text}");
    }
}

#[test]
fn strings_comments_numbers_and_unicode_end_where_the_parser_ends_them() {
    for text in [
        "{a(b:\"}\")}",
        "{a(b:\"\\\"}\")}",
        "{a(b:\"\\\\\")}",
        "{a(b:\"\\u007d#\")}",
        "{a(b:\"\"\"\"\"\" c:1)}",
        "{a(b:\"\"\"\" \"\" } {\"\"\")}",
        "{a(b:\"\"\"\\\"\"\" {\"\"\")}",
        "{a(b:\"\"\"\\\\\"\"\" \"\"\")}",
        "{a(b:\"\"\"\n#}\r\n\"\"\")}",
        "{a#}\r}",
        "{a#}\n}",
        "{a#}\u{2028}{{\n}",
        "#\u{feff}\n\u{feff}{\u{feff}a\u{feff}b}",
        "{a(b:[-0 0.0 1e5 -1.5E+7 0e-1])}",
        "{a(b:\"\u{1f600}\u{301}\u{0}\u{7f}\")}",
        "{...onF a:on on:b} fragment onF on on{a}",
        "query query{query:query}",
        "{a(on:{on:[on]} true:true null:null false:false)}",
        "query($a:[[Int!]!]!@a={b:1}){a(b:$a)}",
        "query(){a}",
        "{...@include(if:true){a} ...{b} ...on Query@x{c{d}}}",
        "{a(b:[]c:{})@d(e:[{}])}",
    ] {
        assert!(compare(text, &NONE).unwrap(), "{text}");
    }
}
