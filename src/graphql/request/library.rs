//! What the GraphQL library (8.0.0-rc.5) says of a request, without what the request said. Names of the schema and of the document
//! help to find what is wrong, and are kept, if short; values may be anything, and are cut out.

use std::borrow::Cow;

/// The longest name that is repeated, in bytes.
const MAX_NAME: usize = 64;

/// What follows one of these is a value, or the name of a member of one.
const BEFORE_VALUES: &[(&str, &str)] = &[
    (", unknown field \"", ", an unknown field"),
    (" does not contain the value \"", " does not contain this value"),
    (" does not contain value \"", " does not contain this value"),
    (", found ", ", found something else"),
];

/// What follows this are names of the schema that the client did not know.
const BEFORE_SUGGESTIONS: &str = " Did you mean ";

/// A message as a client may read it.
pub(super) fn reworded(message: &str, suggestions: bool) -> String {
    let message = match message.split_once(BEFORE_SUGGESTIONS) {
        Some((before, _)) if !suggestions => before,
        _ => message,
    };
    // The first of them that there is: what comes before it is not the client's.
    let cuts = BEFORE_VALUES.iter().filter_map(|(before, instead)| Some((message.find(before)?, *instead)));
    let (message, instead) = match cuts.min() {
        Some((at, instead)) => (message.get(..at).unwrap_or_default(), format!("{instead}.")),
        None => (message, String::new()),
    };
    // Names are in quotes. What is between them stands at the odd places.
    let parts = message.split('"').enumerate().map(|(place, part)| match place % 2 {
        1 if !is_name(part) => Cow::Borrowed("…"),
        _ => Cow::Borrowed(part),
    });
    parts.collect::<Vec<_>>().join("\"") + &instead
}

/// Whether a text is a name, a type, or a way to a member of a value.
fn is_name(text: &str) -> bool {
    let rest = text.strip_prefix(['$', '@']).unwrap_or(text);
    rest.len() <= MAX_NAME
        && rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '!'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_out_and_names_are_kept() {
        let long = format!("Unknown field \"{}\" on type \"Lead\".", "x".repeat(65));
        for (message, expected) in [
            ("Unknown field \"nam\" on type \"Lead\".", "Unknown field \"nam\" on type \"Lead\"."),
            (&long, "Unknown field \"…\" on type \"Lead\"."),
            (
                "Invalid value for argument \"filter.status.0\", enumeration type \"LeadStatus\" does not contain the \
                 value \"ada@example.com\"",
                "Invalid value for argument \"filter.status.0\", enumeration type \"LeadStatus\" does not contain this value.",
            ),
            (
                "Invalid value for argument \"filter\", unknown field \"a\" of type \"b\" of type \"LeadFilter\"",
                "Invalid value for argument \"filter\", an unknown field.",
            ),
            (
                "Failed to parse \"LeadStatus\": Enumeration type does not contain value \", found \".",
                "Failed to parse \"LeadStatus\": Enumeration type does not contain this value.",
            ),
            (
                "Expected input type \"Int\", found \"ada\". (occurred while parsing \"[Int]\")",
                "Expected input type \"Int\", found something else.",
            ),
            (
                "Variable \"$id\" of type \"[ID!]\" used in position expecting type \"ID!\"",
                "Variable \"$id\" of type \"[ID!]\" used in position expecting type \"ID!\"",
            ),
            ("Unknown directive \"a b\"", "Unknown directive \"…\""),
        ] {
            assert_eq!(reworded(message, true), expected);
        }
    }

    #[test]
    fn suggestions_are_given_only_where_they_are_wanted() {
        let message = "Unknown field \"nam\" on type \"Lead\". Did you mean \"name\"?";
        assert_eq!(reworded(message, true), message);
        assert_eq!(reworded(message, false), "Unknown field \"nam\" on type \"Lead\".");
    }
}
