//! Lists of records, written as JSON without the library's executor: what is selected is looked up once (`plan.rs`), and each
//! record writes its fields one after the other (`records.rs`, `pages.rs`, `out.rs`), with no future, box or map for any of them.
//!
//! The objects of `types/` stay the one definition of the schema. They resolve what a record does not hold itself (its
//! conversation, its history, a vendor's own object), records of which a list told no more than ids, and whole lists where
//! anything is out of the ordinary. What is written comes to the same, byte for byte (`tests/it/written.rs`).

mod merges;
mod out;
mod pages;
mod plan;
mod records;

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value};
use bytes::Bytes;
use futures_util::future::{BoxFuture, try_join_all};

pub(super) use self::merges::merges_lists;
pub(super) use self::out::Out;
use self::pages::{InEdge, Part, Place, parts};
use self::plan::Plan;
pub(super) use self::plan::Shape;
use super::state::State;
use crate::gather::answer::Connection;

/// A list that is written where that comes to the same as resolving it.
pub(super) struct Written<C>(pub(super) C);

/// A connection of the schema, as far as it takes to write it.
pub(super) trait Listed: ObjectType {
    /// Its records.
    type Record: Shape;
    /// The object of a record.
    type Node: ObjectType;
    /// Its name in the schema, and that of its edges.
    const NAMES: (&'static str, &'static str);

    /// The page.
    fn page(&self) -> &Connection<Self::Record>;

    /// The objects of its records, as whoever asks may see them.
    fn nodes(&self) -> Vec<Self::Node>;

    /// What an object shows of its record.
    fn seen(node: &Self::Node) -> &Self::Record;
}

impl<C: Listed> OutputType for Written<C> {
    fn type_name() -> Cow<'static, str> {
        C::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        C::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let may_be = ctx.data_opt::<State>().is_some_and(|state| state.writes_lists);
        if may_be && let Some(written) = write(&self.0, ctx).await {
            return Ok(Value::Binary(written));
        }
        self.0.resolve(ctx, field).await
    }
}

/// Writes a list. `None` where it is to be resolved: where something of it failed, or would have to be merged.
async fn write<C: Listed>(list: &C, ctx: &ContextSelectionSet<'_>) -> Option<Bytes> {
    let parts = parts::<C>(ctx)?;
    let nodes = if parts.iter().any(|(_, part)| part.has_records()) { list.nodes() } else { Vec::new() };
    let asks = asks::<C>(&parts, &nodes)?;
    let resolved = if asks.is_empty() { Vec::new() } else { answers(ctx, &nodes, &asks).await? };

    let mut resolved = resolved.iter();
    let mut next = |out: &mut Out| out.value(resolved.next().unwrap_or(&Value::Null));
    let mut record = |out: &mut Out, node: &C::Node, plan: &Plan<'_, C::Record>| match C::seen(node) {
        record if record.is_sparse() => next(out),
        record => plan.write(record, out, &mut next),
    };
    let fields = parts.iter().map(|(_, part)| part.width()).sum::<usize>();
    let mut out = Out::with_capacity(512 + nodes.len() * fields * 40);
    let page = list.page();
    out.members(&parts, |out, part| match part {
        Part::TypeName => out.name(C::NAMES.0),
        Part::Incomplete => out.flag(page.incomplete),
        Part::PageInfo(plan) => plan.write_all(page, out),
        Part::Sources(plan) => out.list(&page.reports, |out, report| plan.write_all(report, out)),
        Part::Nodes(_, plan) => out.list(&nodes, |out, node| record(out, node, plan)),
        Part::Edges(_, fields) => out.list(nodes.iter().enumerate(), |out, (index, node)| {
            out.members(fields, |out, field| match field {
                InEdge::TypeName => out.name(C::NAMES.1),
                // Every index of a page has a cursor.
                InEdge::Cursor => out.name(page.cursor(index).unwrap_or_default()),
                InEdge::Node(_, plan) => record(out, node, plan),
            });
        }),
    });
    (!out.is_void()).then(|| out.into_bytes().into())
}

/// Something of a record that must be resolved, and where it stands: below a field of the connection, at a place there, below
/// a field of the edge where it is in one. It is a field of the record, or all of it.
struct Ask<'a> {
    list: &'a Positioned<Field>,
    index: usize,
    edge: Option<&'a Positioned<Field>>,
    field: Option<&'a Positioned<Field>>,
}

/// What must be resolved, in the order in which it is written.
fn asks<'a, C: Listed>(parts: &[(&str, Part<'a, C::Record>)], nodes: &[C::Node]) -> Option<Vec<Ask<'a>>> {
    let mut asks = Vec::new();
    let mut ask = |index: usize,
                   node: &C::Node,
                   list: &Place<'a>,
                   edge: Option<&Place<'a>>,
                   plan: &Plan<'a, C::Record>| {
        let (list, several) = (list.field, list.several || edge.is_some_and(|edge| edge.several));
        let edge = edge.map(|edge| edge.field);
        if !C::seen(node).is_sparse() {
            asks.extend(plan.resolved.iter().map(|field| Ask { list, index, edge, field: Some(*field) }));
        } else if several {
            // What is selected of it in several places would have to be merged.
            return None;
        } else {
            asks.push(Ask { list, index, edge, field: None });
        }
        Some(())
    };
    for (_, part) in parts {
        match part {
            Part::Nodes(list, plan) => {
                for (index, node) in nodes.iter().enumerate() {
                    ask(index, node, list, None, plan)?;
                }
            }
            Part::Edges(list, fields) => {
                for (index, node) in nodes.iter().enumerate() {
                    for (_, field) in fields {
                        if let InEdge::Node(edge, plan) = field {
                            ask(index, node, list, Some(edge), plan)?;
                        }
                    }
                }
            }
            Part::TypeName | Part::Incomplete | Part::PageInfo(_) | Part::Sources(_) => {}
        }
    }
    Some(asks)
}

/// What the objects answer: all of it side by side, so that loaders see it together. `None` where something of it failed.
async fn answers<N: ObjectType>(
    ctx: &ContextSelectionSet<'_>,
    nodes: &[N],
    asks: &[Ask<'_>],
) -> Option<Vec<Value>> {
    let mut reads: Vec<BoxFuture<'_, ServerResult<Value>>> = Vec::with_capacity(asks.len());
    for ask in asks {
        reads.push(Box::pin(answer(ctx, nodes, ask)));
    }
    try_join_all(reads).await.ok()
}

async fn answer<N: ObjectType>(
    ctx: &ContextSelectionSet<'_>,
    nodes: &[N],
    ask: &Ask<'_>,
) -> ServerResult<Value> {
    let Ask { list, index, edge, field } = *ask;
    let Some(node) = nodes.get(index) else { return Ok(Value::Null) };
    let outer = ctx.with_field(list);
    let set = outer.with_selection_set(&list.node.selection_set);
    let place = set.with_index(index);
    let Some(edge) = edge else { return on(&place, node, field, list).await };
    let inner = place.with_field(edge);
    let set = inner.with_selection_set(&edge.node.selection_set);
    on(&set, node, field, edge).await
}

/// A field of a record, or all that is selected of it by `of`.
async fn on<N: ObjectType>(
    ctx: &ContextSelectionSet<'_>,
    node: &N,
    field: Option<&Positioned<Field>>,
    of: &Positioned<Field>,
) -> ServerResult<Value> {
    let Some(field) = field else { return node.resolve(ctx, of).await };
    let at = ctx.with_field(field);
    Ok(node.resolve_field(&at).await?.unwrap_or_default())
}
