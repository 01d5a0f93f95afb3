//! One pass over the tokens of a document: what it has of everything, and the outline of its definitions. Knows as much
//! grammar as counting needs; whatever else is wrong the parser says.

use super::lexer::{Lexer, Placed, Token, is_gap};
use super::{Counts, Limit, Limits, Refused};

/// An operation or a fragment, without what its spreads bring.
#[derive(Debug, Default)]
pub(super) struct Definition<'a> {
    /// Of a fragment.
    pub(super) fragment: Option<&'a str>,
    pub(super) start: usize,
    pub(super) selections: u32,
    /// Fields on the root type; of a fragment: those that become root fields where it is spread at the root.
    pub(super) roots: u32,
    /// The level of its innermost selection set; its own is 0.
    pub(super) depth: u32,
    pub(super) spreads: Vec<Spread<'a>>,
}

#[derive(Debug)]
pub(super) struct Spread<'a> {
    pub(super) fragment: &'a str,
    /// The level of the selection set it stands in.
    pub(super) depth: u32,
    /// Whether nothing but fragments is around it.
    pub(super) root: bool,
}

/// What a bracket opens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Selections. `root`: nothing but fragments is around them.
    Set {
        root: bool,
    },
    /// Arguments, or definitions of variables.
    Arguments,
    List,
    Object,
}

/// What a token means, where that depends on the one before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// A definition begins.
    Nothing,
    /// `fragment`
    Fragment,
    /// Anything without a meaning of its own here.
    Other,
    /// The name of a field or its alias.
    Field,
    /// The colon behind an alias, in a selection set; elsewhere that of an argument or a variable.
    Colon,
    At,
    Spread,
    /// `... on`, which ended there.
    On(usize),
    /// A fragment without a name: a selection set follows, after directives.
    Inline,
    Dollar,
    Variable,
}

/// Counts a document; refuses it at the first limit that it passes.
pub(super) fn read<'a>(document: &'a str, limits: &Limits) -> Result<(Counts, Vec<Definition<'a>>), Refused> {
    let mut reader = Reader {
        document,
        limits,
        counts: Counts::default(),
        open: Vec::new(),
        after: After::Nothing,
        inline: false,
        definitions: Vec::new(),
    };
    let mut lexer = Lexer::new(document);
    while let Some(placed) = lexer.next().map_err(|no| Refused::NotGraphql(no.0))? {
        reader.token(placed)?;
    }
    match reader.definitions.is_empty() || reader.after != After::Nothing {
        true => Err(Refused::NotGraphql(document.len())),
        false => Ok((reader.counts, reader.definitions)),
    }
}

struct Reader<'a, 'l> {
    document: &'a str,
    limits: &'l Limits,
    counts: Counts,
    open: Vec<Open>,
    after: After,
    /// Whether the next selection set is that of a fragment without a name.
    inline: bool,
    definitions: Vec<Definition<'a>>,
}

impl<'a> Reader<'a, '_> {
    fn token(&mut self, Placed { token, start, end }: Placed<'a>) -> Result<(), Refused> {
        let most = self.limits;
        count(&mut self.counts.tokens, Limit::Tokens, most.tokens, start)?;
        if !matches!(token, Token::Mark(_) | Token::Spread) && end - start > most.token_bytes as usize {
            return Err(Refused::Over(Limit::TokenBytes, start));
        }
        self.after = match (token, self.open.last().copied()) {
            (Token::Mark(b'@'), _) if self.after != After::Nothing => {
                count(&mut self.counts.directives, Limit::Directives, most.directives, start)?;
                if self.after == After::Spread {
                    self.select();
                    self.inline = true;
                }
                After::At
            }
            (Token::Name(_), _) if self.after == After::At => After::Other,
            (Token::Name(name), None) => self.header(name, start)?,
            (Token::Mark(b'{'), None) => self.definition(start)?,
            (Token::Name(name), Some(Open::Set { root })) => self.selected(name, root, start)?,
            (Token::Mark(b':'), Some(Open::Set { .. })) => {
                count(&mut self.counts.aliases, Limit::Aliases, most.aliases, start)?;
                After::Colon
            }
            (Token::Spread, Some(Open::Set { .. })) => After::Spread,
            (Token::Mark(b'{'), Some(Open::Set { root })) => self.set(root, start)?,
            (Token::Name(name), Some(open)) => self.word(name, open, start)?,
            (Token::Mark(b':'), Some(_)) => {
                if self.after == After::Variable {
                    count(&mut self.counts.variables, Limit::Variables, most.variables, start)?;
                }
                After::Colon
            }
            (Token::Mark(b'$'), Some(_)) => After::Dollar,
            (Token::Mark(b'{'), Some(_)) => self.enter(Open::Object, start)?,
            (Token::Mark(b'('), _) if self.after != After::Nothing => self.enter(Open::Arguments, start)?,
            (Token::Mark(b'['), Some(_)) => self.enter(Open::List, start)?,
            (Token::Mark(mark @ (b')' | b']' | b'}')), Some(open)) => self.leave(mark, open, start)?,
            // What an operation's head has besides.
            (_, _) if self.after != After::Nothing => After::Other,
            (_, _) => return Err(Refused::NotGraphql(start)),
        };
        Ok(())
    }

    /// A name outside of all brackets.
    fn header(&mut self, name: &'a str, start: usize) -> Result<After, Refused> {
        match (self.after, name) {
            (After::Nothing, "query" | "mutation" | "subscription") => {
                count(&mut self.counts.operations, Limit::Operations, self.limits.operations, start)?;
                self.definitions.push(Definition { start, ..Definition::default() });
                Ok(After::Other)
            }
            (After::Nothing, "fragment") => {
                count(&mut self.counts.fragments, Limit::Fragments, self.limits.fragments, start)?;
                self.definitions.push(Definition { start, ..Definition::default() });
                Ok(After::Fragment)
            }
            // The parser takes the name `on`, and reads some conditions on a type as spreads of it.
            (After::Nothing, _) | (After::Fragment, "on") => Err(Refused::NotGraphql(start)),
            (After::Fragment, name) => {
                if let Some(definition) = self.definitions.last_mut() {
                    definition.fragment = Some(name);
                }
                Ok(After::Other)
            }
            _ => Ok(After::Other),
        }
    }

    /// The selection set of an operation or a fragment.
    fn definition(&mut self, start: usize) -> Result<After, Refused> {
        if self.after == After::Nothing {
            count(&mut self.counts.operations, Limit::Operations, self.limits.operations, start)?;
            self.definitions.push(Definition { start, ..Definition::default() });
        }
        self.inline = false;
        self.enter(Open::Set { root: true }, start)
    }

    /// A selection set below another.
    fn set(&mut self, root: bool, start: usize) -> Result<After, Refused> {
        if self.after == After::Spread {
            self.select();
            self.inline = true;
        }
        let root = root && self.inline;
        self.inline = false;
        let after = self.enter(Open::Set { root }, start)?;
        let depth = self.depth();
        if let Some(definition) = self.definitions.last_mut() {
            definition.depth = definition.depth.max(depth);
        }
        Ok(after)
    }

    /// The level of the innermost selection set. Only asked where no other bracket is open.
    fn depth(&self) -> u32 {
        u32::try_from(self.open.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }

    /// A name in a selection set.
    fn selected(&mut self, name: &'a str, root: bool, start: usize) -> Result<After, Refused> {
        match self.after {
            After::Colon => Ok(After::Other),
            After::Spread if name == "on" => {
                self.select();
                self.inline = true;
                Ok(After::On(start + name.len()))
            }
            After::Spread => {
                self.select();
                let depth = self.depth();
                if let Some(definition) = self.definitions.last_mut() {
                    definition.spreads.push(Spread { fragment: name, depth, root });
                }
                Ok(After::Other)
            }
            // With a comment in between, the parser takes `on` for a fragment and the type for a field.
            After::On(end) => match self.document.get(end..start) {
                Some(between) if is_gap(between) => Ok(After::Inline),
                _ => Err(Refused::NotGraphql(end)),
            },
            _ => {
                self.select();
                self.inline = false;
                if let Some(definition) = self.definitions.last_mut().filter(|_| root) {
                    definition.roots += 1;
                }
                Ok(After::Field)
            }
        }
    }

    fn select(&mut self) {
        if let Some(definition) = self.definitions.last_mut() {
            definition.selections += 1;
        }
    }

    /// A name among arguments and values.
    fn word(&mut self, name: &str, open: Open, start: usize) -> Result<After, Refused> {
        let value = open == Open::List || self.after == After::Colon;
        match self.after {
            After::Dollar => Ok(After::Variable),
            // The parser takes these for two values.
            _ if value && ["true", "false", "null"].iter().any(|word| is_longer(name, word)) => {
                Err(Refused::NotGraphql(start))
            }
            _ => Ok(After::Other),
        }
    }

    fn enter(&mut self, open: Open, start: usize) -> Result<After, Refused> {
        self.open.push(open);
        if self.open.len() > self.limits.nesting as usize {
            return Err(Refused::Over(Limit::Nesting, start));
        }
        self.counts.nesting = self.counts.nesting.max(u32::try_from(self.open.len()).unwrap_or(u32::MAX));
        Ok(After::Other)
    }

    fn leave(&mut self, mark: u8, open: Open, start: usize) -> Result<After, Refused> {
        let fits = match open {
            Open::Set { .. } | Open::Object => mark == b'}',
            Open::Arguments => mark == b')',
            Open::List => mark == b']',
        };
        if !fits {
            return Err(Refused::NotGraphql(start));
        }
        self.open.pop();
        Ok(if self.open.is_empty() && open == (Open::Set { root: true }) {
            After::Nothing
        } else {
            After::Other
        })
    }
}

/// One more of something, of which there may be `most`.
fn count(counter: &mut u32, what: Limit, most: u32, start: usize) -> Result<(), Refused> {
    *counter += 1;
    if *counter > most { Err(Refused::Over(what, start)) } else { Ok(()) }
}

fn is_longer(name: &str, word: &str) -> bool {
    name.len() > word.len() && name.starts_with(word)
}
