//! Operations that ask for lists of records and nothing else, answered without the library: most of what it does for them is to
//! copy, to check and to prepare a document that is known already. Whatever is out of the ordinary goes the library's way, which
//! finds the pages where they were put as they were read.

use async_graphql::Variables;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all, ready};

use super::out::Label;
use super::pages::{Part, parts};
use super::plan::{Document, Members};
use super::{Listed, Out, Shape as _, put, seen};
use crate::gather::request::Paging;
use crate::graphql::cost::Given;
use crate::graphql::cost::fields::{Fields, Selected};
use crate::graphql::state::State;
use crate::graphql::types::connection::{ConversationConnection, InteractionConnection, LeadConnection};

/// A field of the root, being read and written.
type Root<'a> = BoxFuture<'a, Option<Out>>;

/// The data of a valid query as JSON, where all that it asks for is lists that can be written. `None` where the library is to
/// answer. Nothing may have to be merged ([`super::merges_lists`]), and variables must have their defaults.
pub(in crate::graphql) async fn straight(
    document: &ExecutableDocument,
    query: &OperationDefinition,
    variables: &Variables,
    state: &State,
) -> Option<Bytes> {
    let (labels, reads): (Vec<_>, Vec<_>) = roots(document, query, variables, state)?.into_iter().unzip();
    let written: Vec<Out> = join_all(reads).await.into_iter().collect::<Option<_>>()?;
    let members: Members<_> = labels.into_iter().zip(written).collect();
    let mut out = Out::with_capacity(members.iter().map(|(_, written)| written.len() + 32).sum());
    out.members(&members, |out, written| out.append(written));
    Some(out.into_bytes().into())
}

/// What is selected on the root. Nothing is read before all of it is known to be a list that can be written.
fn roots<'a>(
    document: &'a ExecutableDocument,
    query: &'a OperationDefinition,
    variables: &'a Variables,
    state: &'a State,
) -> Option<Members<Root<'a>>> {
    let given = Given::new(query, variables);
    let mut fields = Fields::new(document, &given, u32::MAX);
    let selected = fields.on(&[&query.selection_set.node], &|name| name == "Query");
    let around = Document { fragments: &document.fragments, variables };
    let root = |selected: &Selected<'a>| {
        let field = &selected.field.node;
        let root: Root<'a> = match field.name.node.as_str() {
            "__typename" => Box::pin(ready(Some(Out::of_name("Query")))),
            "leads" => list::<LeadConnection>(selected, &fields, around, state)?,
            "conversations" => list::<ConversationConnection>(selected, &fields, around, state)?,
            "interactions" => list::<InteractionConnection>(selected, &fields, around, state)?,
            _ => return None,
        };
        Some((Label::new(&field.response_key().node), root))
    };
    selected.iter().map(root).collect()
}

/// A list, if all of it can be written and nothing particular is to happen where sources fail.
fn list<'a, C: Listed + 'a>(
    selected: &Selected<'a>,
    fields: &Fields<'a, '_>,
    around: Document<'a>,
    state: &'a State,
) -> Option<Root<'a>> {
    let field = &selected.field.node;
    if field.get_argument("onSourceFailure").is_some() {
        return None;
    }
    let filter: C::Input = fields.argument::<Option<_>>(field, "filter")?.unwrap_or_default();
    let paging = Paging {
        first: fields.argument(field, "first")?,
        after: fields.argument(field, "after")?,
        last: fields.argument(field, "last")?,
        before: fields.argument(field, "before")?,
    };
    let asked = (filter.try_into().ok()?, paging);
    let parts = parts::<C>(around, &selected.below)?;
    let is_written = parts.iter().all(|(_, part)| part.is_written());
    is_written.then(|| Box::pin(read::<C>(state, asked, parts)) as Root<'a>)
}

async fn read<C: Listed>(
    state: &State,
    asked: (C::Filter, Paging),
    parts: Members<Part<'_, C::Record>>,
) -> Option<Out> {
    let page = C::read(state, asked).await.ok()?;
    let tells_calls = || parts.iter().any(|(_, part)| matches!(part, Part::Sources(_, true)));
    state.note_page(&page, tells_calls);
    if page.nodes.iter().any(|record| record.is_sparse()) {
        return None;
    }
    let seen = seen(&page, &parts, &state.cx.caller);
    put::<C>(&page, parts, &seen, &[])
}

#[cfg(test)]
mod tests;
