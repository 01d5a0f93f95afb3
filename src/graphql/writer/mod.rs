//! Lists of records, written as JSON without the library's executor: what is selected is looked up once (`plan.rs`), and each
//! record writes its fields one after the other (`records.rs`, `pages.rs`, `out.rs`), with no future, box or map for any of them.
//! An operation that asks for nothing else does not come to the library at all once its document is known (`straight.rs`).
//!
//! The objects of `types/` stay the one definition of the schema. They resolve what a record does not hold itself (its
//! conversation, its history, a vendor's own object), records of which a list told no more than ids, and whole lists where
//! anything is out of the ordinary. What is written comes to the same, byte for byte (`tests/it/written.rs`).

mod columns;
mod merges;
mod out;
mod pages;
mod plan;
mod records;
mod straight;

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    Context, ContextSelectionSet, InputType, ObjectType, OutputType, Positioned, ServerResult, Value,
};
use bytes::Bytes;
use futures_util::future::{BoxFuture, try_join_all};

use self::columns::Columns;
pub(super) use self::merges::merges_lists;
pub(super) use self::out::Out;
use self::pages::{InEdge, Part, Place, parts};
pub(super) use self::plan::Shape;
use self::plan::{Document, Members, Plan};
pub(super) use self::straight::straight;
use super::error::ClientError;
use super::mask::{Glimpse, Mask};
use super::state::{self, State};
use crate::gather::answer::Connection;
use crate::gather::request::Paging;
use crate::model::caller::Caller;

/// A list that is written where that comes to the same as resolving it.
pub(super) struct Written<C>(pub(super) C);

/// A connection of the schema, as far as it takes to read and to write it.
pub(super) trait Listed: ObjectType {
    /// Its records.
    type Record: Shape + Mask;
    /// The object of a record.
    type Node: ObjectType;
    /// Which records are wanted, as clients say it.
    type Input: InputType + Default;
    /// The same, as it is read.
    type Filter: TryFrom<Self::Input, Error = ClientError> + Send;
    /// Its name in the schema, and that of its edges.
    const NAMES: (&'static str, &'static str);

    /// Reads a page, once per request.
    fn read(
        state: &State,
        asked: (Self::Filter, Paging),
    ) -> impl Future<Output = state::Answered<Self::Record>> + Send;

    /// The page.
    fn page(&self) -> &Connection<Self::Record>;

    /// Whoever asks.
    fn caller(&self) -> &Caller;

    /// The objects of its records, as whoever asks may see them.
    fn nodes(&self) -> Vec<Self::Node>;
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

/// Whether the calls that a list took are asked for.
pub(super) fn tells_calls(ctx: &Context<'_>) -> bool {
    ctx.look_ahead().field("sources").field("upstreamCalls").exists()
}

/// Writes a list. `None` where it is to be resolved: where something of it failed, or would have to be merged.
async fn write<C: Listed>(list: &C, ctx: &ContextSelectionSet<'_>) -> Option<Bytes> {
    let parts = parts::<C>(Document::of(ctx), &[&ctx.item.node])?;
    let seen = seen(list.page(), &parts, list.caller());
    let asks = asks::<C>(&parts, &seen)?;
    let resolved = if asks.is_empty() { Vec::new() } else { answers(ctx, &list.nodes(), &asks).await? };
    put::<C>(list.page(), parts, &seen, &resolved).map(|out| out.into_bytes().into())
}

/// The records of a page, as a caller may see them; none where nothing of them is selected.
fn seen<'a, T: Shape + Mask>(
    page: &'a Connection<T>,
    parts: &Members<Part<'_, T>>,
    caller: &Caller,
) -> Vec<Glimpse<'a, T>> {
    if !parts.iter().any(|(_, part)| part.has_records()) {
        return Vec::new();
    }
    page.nodes.iter().map(|record| Glimpse::by(caller, &**record)).collect()
}

/// A page as JSON. `None` where something cannot be written.
fn put<'p, C: Listed>(
    page: &'p Connection<C::Record>,
    mut parts: Members<Part<'p, C::Record>>,
    seen: &[Glimpse<'_, C::Record>],
    resolved: &[Value],
) -> Option<Out> {
    let is_whole = seen.iter().all(|record| matches!(record, Glimpse::Whole(_)));
    if is_whole && let Some(columns) = page.beside(Columns::default) {
        parts.iter_mut().for_each(|(_, part)| part.keep(columns, seen));
    }
    let mut resolved = resolved.iter();
    let mut next = |out: &mut Out| out.value(resolved.next().unwrap_or(&Value::Null));
    let mut record = |out: &mut Out, row: usize, record: &C::Record, plan: &Plan<'_, C::Record>| {
        if record.is_sparse() { next(out) } else { plan.write(record, row, out, &mut next) }
    };
    let fields = parts.iter().map(|(_, part)| part.width()).sum::<usize>();
    let mut out = Out::with_capacity(512 + seen.len() * fields * 40);
    out.members(&parts, |out, part| match part {
        Part::TypeName => out.name(C::NAMES.0),
        Part::Incomplete => out.flag(page.incomplete),
        Part::PageInfo(plan) => plan.write_all(page, out),
        Part::Sources(plan, _) => out.list(&page.reports, |out, report| plan.write_all(report, out)),
        Part::Nodes(_, plan) => {
            out.list(seen.iter().enumerate(), |out, (row, node)| record(out, row, node, plan));
        }
        Part::Edges(_, fields) => out.list(seen.iter().enumerate(), |out, (row, node)| {
            out.members(fields, |out, field| match field {
                InEdge::TypeName => out.name(C::NAMES.1),
                // Every index of a page has a cursor.
                InEdge::Cursor => out.name(page.cursor(row).unwrap_or_default()),
                InEdge::Node(_, plan) => record(out, row, node, plan),
            });
        }),
    });
    (!out.is_void()).then_some(out)
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
fn asks<'a, C: Listed>(
    parts: &Members<Part<'a, C::Record>>,
    seen: &[Glimpse<'_, C::Record>],
) -> Option<Vec<Ask<'a>>> {
    let mut asks = Vec::new();
    let mut ask = |index: usize,
                   record: &C::Record,
                   list: &Place<'a>,
                   edge: Option<&Place<'a>>,
                   plan: &Plan<'a, C::Record>| {
        let (list, several) = (list.field, list.several || edge.is_some_and(|edge| edge.several));
        let edge = edge.map(|edge| edge.field);
        if !record.is_sparse() {
            asks.extend(plan.resolved.iter().map(|field| Ask { list, index, edge, field: Some(*field) }));
        } else if several {
            // What is selected of it in several places would have to be merged.
            return None;
        } else {
            asks.push(Ask { list, index, edge, field: None });
        }
        Some(())
    };
    for (_, part) in parts.iter() {
        for (index, record) in seen.iter().enumerate() {
            match part {
                Part::Nodes(list, plan) => ask(index, record, list, None, plan)?,
                Part::Edges(list, fields) => {
                    for (_, field) in fields.iter() {
                        if let InEdge::Node(edge, plan) = field {
                            ask(index, record, list, Some(edge), plan)?;
                        }
                    }
                }
                Part::TypeName | Part::Incomplete | Part::PageInfo(_) | Part::Sources(..) => {}
            }
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
