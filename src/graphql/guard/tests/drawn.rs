//! Documents drawn from a tape of bytes, each byte a decision, so that a failing one is shrunk to a short tape: near valid, then
//! spoilt in places.

/// Decisions. An empty tape says 0 for ever, which always ends what is drawn.
pub(super) struct Tape<'a>(pub(super) &'a [u8]);

impl Tape<'_> {
    /// A number below `below`.
    fn pick(&mut self, below: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % below
    }

    fn of<'t>(&mut self, words: &[&'t str]) -> &'t str {
        words[self.pick(words.len())]
    }
}

const NAMES: &[&str] =
    &["a", "b", "id", "on", "leads", "nodes", "__typename", "query", "fragment", "nullable", "_1"];
const TYPES: &[&str] = &["Query", "Lead", "on", "T"];
const FRAGMENTS: &[&str] = &["F", "G", "H", "I", "onF"];
/// What stands between tokens. The first keeps them apart.
const GAPS: &[&str] = &[" ", "", ",", "\n", "\r\n", "\t", "\u{feff}", " # }{ \"\"\" ...F\n", "#\u{e9}\r"];
const SCALARS: &[&str] = &[
    "1",
    "0",
    "-0",
    "1.5",
    "-2e10",
    "3.25E-3",
    "\"\"",
    "\"a\"",
    "\"\\\"{\"",
    "\"\\\\\"",
    "\"\\u00e9 \u{e9}\"",
    "\"#\"",
    "\"\"\"\"\"\"",
    "\"\"\"a \"b\" } \\\"\"\" c\n\u{1f600}\"\"\"",
    "\"\"\"\\\\\"\"\"",
    "true",
    "false",
    "null",
    "RED",
    "$a",
    "trueish",
    "nullnull",
    "00",
    "1.2.3",
    "-",
    "\"\\ud800\"",
    "\"\"\"a\"",
    "\"a\nb\"",
    "\"\\x\"",
];
/// What spoils a document.
const NASTY: &[&str] = &[
    "\"",
    "\"\"\"",
    "\\",
    "\\\"\"\"",
    "#",
    "\n",
    "\r",
    "...",
    "... on",
    "...on#c\nQuery{a}",
    "on",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ":",
    "@a",
    "@",
    "$",
    "=",
    "!",
    "&",
    "|",
    "0",
    "00",
    "1a",
    "1.",
    "-",
    ".",
    "..",
    "\u{feff}",
    "\u{0}",
    "\u{e9}",
    "'",
    "{a}",
    "query",
    "queryQ{a}",
    "fragment on on Query{a a}",
    "fragmentF on T{a}",
    "...F",
    "...on",
    "true",
    "truefalse",
    "e5",
    ",",
    ";",
    "mutation",
    "subscription",
    "()",
    "[]",
    "{}",
    "a:",
    "\\u0041",
    "\"\\\"\"\"\"\"\" ",
];

/// The tokens of a document; now and then a scalar among them is none.
pub(super) fn document(tape: &mut Tape<'_>) -> Vec<String> {
    let mut tokens = Vec::new();
    for place in 0..=tape.pick(4) {
        definition(tape, &mut tokens, place);
    }
    tokens
}

/// The tokens as a text, spoilt in up to so many places.
pub(super) fn spoilt(tokens: &[String], tape: &mut Tape<'_>, most: usize) -> String {
    let mut text: String = tokens.iter().flat_map(|token| [token.as_str(), tape.of(GAPS)]).collect();
    for _ in 0..tape.pick(most + 1) {
        let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let at = boundaries[(tape.pick(256) * 256 + tape.pick(256)) % boundaries.len()];
        let end = boundaries.iter().copied().find(|end| *end > at).unwrap_or(at);
        match tape.pick(3) {
            0 => text.insert_str(at, tape.of(NASTY)),
            1 => text.replace_range(at..end, ""),
            _ => text.replace_range(at..end, tape.of(NASTY)),
        }
    }
    text
}

fn push(tokens: &mut Vec<String>, words: &[&str]) {
    tokens.extend(words.iter().map(|word| (*word).to_owned()));
}

/// The definition at a place. Mostly of a name that no other has, as the parser demands.
fn definition(tape: &mut Tape<'_>, tokens: &mut Vec<String>, place: usize) {
    let named = if tape.pick(10) == 9 { tape.of(FRAGMENTS) } else { FRAGMENTS[place] };
    match tape.pick(5) {
        0 if place == 0 => {}
        0..=2 => {
            push(tokens, &[tape.of(&["query", "mutation", "subscription"])]);
            if tape.pick(10) < 9 {
                push(tokens, &[named]);
            }
            if tape.pick(2) > 0 {
                variables(tape, tokens);
            }
            directives(tape, tokens);
        }
        _ => {
            push(tokens, &["fragment", named, "on", tape.of(TYPES)]);
            directives(tape, tokens);
        }
    }
    set(tape, tokens, 0);
}

fn variables(tape: &mut Tape<'_>, tokens: &mut Vec<String>) {
    push(tokens, &["("]);
    for _ in 0..tape.pick(3) {
        push(tokens, &["$", tape.of(NAMES), ":", tape.of(&["Int", "[Int!]!", "[[ID]]", "nullable"])]);
        directives(tape, tokens);
        if tape.pick(2) > 0 {
            push(tokens, &["="]);
            value(tape, tokens, 2);
        }
    }
    push(tokens, &[")"]);
}

fn directives(tape: &mut Tape<'_>, tokens: &mut Vec<String>) {
    for _ in 0..tape.pick(6).saturating_sub(3) {
        push(tokens, &["@", tape.of(&["include", "skip", "x"])]);
        arguments(tape, tokens);
    }
}

fn arguments(tape: &mut Tape<'_>, tokens: &mut Vec<String>) {
    let count = tape.pick(4).saturating_sub(1);
    if count > 0 {
        push(tokens, &["("]);
        for _ in 0..count {
            push(tokens, &[tape.of(NAMES), ":"]);
            value(tape, tokens, 0);
        }
        push(tokens, &[")"]);
    }
}

fn value(tape: &mut Tape<'_>, tokens: &mut Vec<String>, depth: usize) {
    match tape.pick(if depth < 5 { 6 } else { 4 }) {
        4 => {
            push(tokens, &["["]);
            (0..tape.pick(4)).for_each(|_| value(tape, tokens, depth + 1));
            push(tokens, &["]"]);
        }
        5 => {
            push(tokens, &["{"]);
            for _ in 0..tape.pick(3) {
                push(tokens, &[tape.of(NAMES), ":"]);
                value(tape, tokens, depth + 1);
            }
            push(tokens, &["}"]);
        }
        // The first of them are plain; those that are no GraphQL are rare.
        n if n > 0 || tape.pick(8) > 0 => push(tokens, &[tape.of(&SCALARS[..20])]),
        _ => push(tokens, &[tape.of(SCALARS)]),
    }
}

fn set(tape: &mut Tape<'_>, tokens: &mut Vec<String>, depth: usize) {
    push(tokens, &["{"]);
    for _ in 0..=tape.pick(4) {
        match tape.pick(7) {
            0..=3 => {
                push(tokens, &[tape.of(NAMES)]);
                if tape.pick(3) == 2 {
                    push(tokens, &[":", tape.of(NAMES)]);
                }
                arguments(tape, tokens);
                directives(tape, tokens);
                if depth < 4 && tape.pick(3) == 2 {
                    set(tape, tokens, depth + 1);
                }
            }
            4 | 5 => {
                push(tokens, &["...", tape.of(FRAGMENTS)]);
                directives(tape, tokens);
            }
            _ => {
                push(tokens, &["..."]);
                if tape.pick(2) == 1 {
                    push(tokens, &["on", tape.of(TYPES)]);
                }
                directives(tape, tokens);
                set(tape, tokens, depth + 1);
            }
        }
    }
    push(tokens, &["}"]);
}
