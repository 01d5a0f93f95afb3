use super::super::{Limit, Limits, Refused, check, place};
use super::LIMITS;

/// A document that has `n` of something and of everything else little.
fn having(limit: Limit, n: usize) -> String {
    let times = |what: &str| what.repeat(n);
    let each = |what: fn(usize) -> String| (0..n).map(what).collect::<String>();
    match limit {
        Limit::Bytes => format!("{{a}}{}", " ".repeat(n - 3)),
        Limit::Tokens => format!("{{a{{{}}}}}", "a ".repeat(n - 5)),
        Limit::TokenBytes => format!("{{a(b:\"{}\")}}", "x".repeat(n - 2)),
        Limit::Nesting => format!("{{a(b:{}{})}}", "[".repeat(n - 2), "]".repeat(n - 2)),
        Limit::Depth => {
            let chain: String = (1..n).map(|n| format!("fragment F{n} on T{{...F{}}}", n + 1)).collect();
            format!("{{...F1}}{chain}fragment F{n} on T{{a}}")
        }
        Limit::Aliases => format!("{{a{{{}}}}}", times("b:__typename ")),
        Limit::Directives => format!("{{a{}}}", times("@b")),
        Limit::Variables => format!("query({}){{a}}", each(|n| format!("$a{n}:Int "))),
        Limit::Operations => each(|n| format!("query Q{n}{{a}}")),
        Limit::Fragments => format!("{{a}}{}", each(|n| format!("fragment F{n} on T{{a}}"))),
        Limit::RootFields => format!("{{...F ...on Q{{a}}}}fragment F on Q{{{}}}", "a{b} ".repeat(n - 1)),
        Limit::Selections => format!("{{a{{{}}}}}fragment F on T{{a a a}}", "...F".repeat((n - 1) / 4)),
    }
}

#[test]
fn as_much_as_a_limit_is_let_through_and_one_more_is_refused() {
    let limits = Limits { depth: 20, selections: 4_001, ..Limits::default() };
    for limit in LIMITS {
        let (_, most, words) = limit.told(&limits);
        // Unfolded, selections come four at a time, and take other limits with them.
        let (limits, step) = match limit {
            Limit::Selections => (Limits { tokens: u32::MAX, ..limits }, 4),
            _ => (limits, 1),
        };
        let counts = check(&having(limit, most as usize), &limits);
        assert!(counts.is_ok(), "{words}: {counts:?}");
        let refused = check(&having(limit, most as usize + step), &limits);
        assert!(matches!(refused, Err(Refused::Over(over, _)) if over == limit), "{words}: {refused:?}");
    }
}

#[test]
fn fragments_that_spread_each_other_many_times_are_counted_once_each() {
    // 2^30 and 10^9 selections, unfolded; with a fragment that nobody uses, the same.
    for (fragments, spreads, head) in [(30, 2, "{...F0}"), (9, 10, "{...F0}"), (30, 2, "{a}")] {
        let bodies: String = (0..fragments - 1)
            .map(|n| format!("fragment F{n} on T{{{}}}", format!("...F{} ", n + 1).repeat(spreads)))
            .collect();
        let bomb = format!("{head}{bodies}fragment F{} on T{{a}}", fragments - 1);
        assert!(
            matches!(check(&bomb, &Limits::default()), Err(Refused::Over(Limit::Selections, _))),
            "{bomb}"
        );
    }
}

#[test]
fn fragments_in_a_circle_are_refused() {
    for text in [
        "{...F} fragment F on T{...F}",
        "{a} fragment F on T{...G} fragment G on T{a ...H} fragment H on T{a{...on T{...F}}}",
        "{...F} fragment F on T{...G ...G} fragment G on T{...F ...F}",
    ] {
        assert!(matches!(check(text, &Limits::default()), Err(Refused::Circle(_))), "{text}");
    }
    // One that is not there is validation's to say; two of one name the parser's.
    assert!(check("{...F} fragment G on T{...F ...H} fragment H on T{...F}", &Limits::default()).is_ok());
    assert!(check("{...F} fragment F on T{a} fragment F on T{...F}", &Limits::default()).is_ok());
}

#[test]
fn places_are_told_by_line_and_column() {
    let text = "{\n  a # \u{e9}\n  \u{feff}b: \"\n}";
    let Err(Refused::NotGraphql(at)) = check(text, &Limits::default()) else { panic!("it is GraphQL") };
    let place = place(text, at);
    assert_eq!((place.line, place.column), (3, 7));
}

#[test]
fn what_is_no_document_is_said_to_be_none() {
    for text in [
        "",
        " # nothing",
        "a",
        "{",
        "}",
        "{a}}",
        "{a)",
        "{a(b:[1)]}",
        "query",
        "query Q",
        "(a)",
        "$",
        "fragment F on T",
        "{a} ?",
    ] {
        assert!(matches!(check(text, &Limits::default()), Err(Refused::NotGraphql(_))), "{text}");
    }
}
