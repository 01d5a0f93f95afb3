//! What may be put before the parser. The GraphQL library (8.0.0-rc.5) cannot defend itself: 800 bytes of fragments that spread
//! each other keep it busy for minutes whatever its limits, and most of its limits are looked at after the work is done.
//!
//! So a document is first counted as a text: one pass over its tokens (`lexer.rs`, `outline.rs`), then each fragment once
//! (`unfold.rs`), in time and memory linear in its bytes, without recursion. What passes here is small for everything that comes
//! after it; nothing after it counts these things again.

mod lexer;
mod outline;
mod unfold;

use async_graphql::Pos;

/// The most that a document may have of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Its bytes. 32 KiB.
    pub bytes: u32,
    /// Names, punctuation, numbers and texts, by the GraphQL specification. 2,000.
    pub tokens: u32,
    /// Bytes of one name, number or text. 8 KiB.
    pub token_bytes: u32,
    /// Brackets of any kind inside each other, as written. 24.
    pub nesting: u32,
    /// Selection sets and fragments inside each other, fragments unfolded. 32.
    pub depth: u32,
    /// Fields with an alias, `__typename` as well. 30.
    pub aliases: u32,
    /// Directives. 20.
    pub directives: u32,
    /// Definitions of variables. 50.
    pub variables: u32,
    /// Operations. 5.
    pub operations: u32,
    /// Fragments that have a name. 30.
    pub fragments: u32,
    /// Fields of one operation on its root, fragments unfolded. 10.
    pub root_fields: u32,
    /// Fields and fragments of all operations, fragments unfolded. 5,000.
    pub selections: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 32 * 1024,
            tokens: 2_000,
            token_bytes: 8 * 1024,
            nesting: 24,
            depth: 32,
            aliases: 30,
            directives: 20,
            variables: 50,
            operations: 5,
            fragments: 30,
            root_fields: 10,
            selections: 5_000,
        }
    }
}

/// What a document has of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) tokens: u32,
    pub(super) nesting: u32,
    pub(super) depth: u32,
    pub(super) aliases: u32,
    pub(super) directives: u32,
    pub(super) variables: u32,
    pub(super) operations: u32,
    pub(super) fragments: u32,
    pub(super) root_fields: u32,
    pub(super) selections: u32,
}

/// Which limit a document passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Bytes,
    Tokens,
    TokenBytes,
    Nesting,
    Depth,
    Aliases,
    Directives,
    Variables,
    Operations,
    Fragments,
    RootFields,
    Selections,
}

/// Why a document is not parsed. With the byte where that is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is no GraphQL.
    NotGraphql(usize),
    /// A fragment spreads itself, by way of others or not.
    Circle(usize),
    /// There is too much of something.
    Over(Limit, usize),
}

/// Counts a document.
///
/// # Errors
/// The first limit that it passes, or that it is no GraphQL. Not all that is no GraphQL is seen here.
pub(super) fn check(document: &str, limits: &Limits) -> Result<Counts, Refused> {
    if document.len() > limits.bytes as usize {
        return Err(Refused::Over(Limit::Bytes, 0));
    }
    let (mut counts, definitions) = outline::read(document, limits)?;
    unfold::unfold(&definitions, limits, &mut counts)?;
    Ok(counts)
}

/// Whether a document may be put before the parser, as far as the guard can tell. For benches: a request shows it with all
/// that comes before and after.
#[doc(hidden)]
#[must_use]
pub fn admits(document: &str, limits: &Limits) -> bool {
    check(document, limits).is_ok()
}

impl Limit {
    /// Its name for programs, its value, and its words for people.
    pub(super) fn told(self, limits: &Limits) -> (&'static str, u32, &'static str) {
        match self {
            Self::Bytes => ("BYTES", limits.bytes, "bytes"),
            Self::Tokens => ("TOKENS", limits.tokens, "tokens"),
            Self::TokenBytes => ("TOKEN_BYTES", limits.token_bytes, "bytes in one name, number or text"),
            Self::Nesting => ("NESTING", limits.nesting, "brackets inside each other"),
            Self::Depth => {
                ("DEPTH", limits.depth, "selections inside each other, counted with fragments unfolded")
            }
            Self::Aliases => ("ALIASES", limits.aliases, "aliases"),
            Self::Directives => ("DIRECTIVES", limits.directives, "directives"),
            Self::Variables => ("VARIABLES", limits.variables, "variables"),
            Self::Operations => ("OPERATIONS", limits.operations, "operations"),
            Self::Fragments => ("FRAGMENTS", limits.fragments, "fragments"),
            Self::RootFields => ("ROOT_FIELDS", limits.root_fields, "root fields in one operation"),
            Self::Selections => {
                ("SELECTIONS", limits.selections, "selected fields, counted with fragments unfolded")
            }
        }
    }

    /// What a client may do.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::TokenBytes => "Send long values as variables, or shorten them.",
            Self::Operations | Self::Fragments => "Send only what this operation needs.",
            Self::Depth | Self::Nesting => "Ask for less at once, or for records by their id.",
            _ => "Ask for less, or in several requests.",
        }
    }
}

/// Line and column of a byte, counted from 1 as the parser counts them.
pub(super) fn place(document: &str, byte: usize) -> Pos {
    let before = document.get(..byte).unwrap_or_default();
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Pos { line, column }
}

#[cfg(test)]
mod tests;
