//! How the fields of connections and edges are written, and those of what belongs to a page.

use async_graphql::Positioned;
use async_graphql::parser::types::{Field, SelectionSet};

use super::columns::Columns;
use super::out::Label;
use super::plan::{
    Document, Members, Plan, Selected, Shape, Write, flag, inner, instant, made, number, text,
};
use super::records::Named;
use super::{Listed, Out};
use crate::gather::answer::{Connection, Report};
use crate::graphql::error::{millis, source_message};
use crate::graphql::mask::Glimpse;
use crate::graphql::types::failure::SourceErrorCode;
use crate::graphql::types::report::SourceReportStatus;
use crate::model::failure::SourceError;

/// A field of a connection.
pub(super) enum Part<'a, T> {
    TypeName,
    Incomplete,
    PageInfo(Plan<'a, Connection<T>>),
    /// And whether the calls they took are told.
    Sources(Plan<'a, Report>, bool),
    Nodes(Place<'a>, Plan<'a, T>),
    Edges(Place<'a>, Members<InEdge<'a, T>>),
}

/// A field of an edge.
pub(super) enum InEdge<'a, T> {
    TypeName,
    Cursor,
    Node(Place<'a>, Plan<'a, T>),
}

/// A field below which records stand.
pub(super) struct Place<'a> {
    pub(super) field: &'a Positioned<Field>,
    /// Whether it is selected in several places.
    pub(super) several: bool,
}

impl<'a> Place<'a> {
    fn of(selected: &Selected<'a>) -> Self {
        Self { field: selected.field, several: selected.places > 1 }
    }
}

impl<'a, T: Shape> Part<'a, T> {
    /// Whether something of records is selected.
    pub(super) fn has_records(&self) -> bool {
        matches!(self, Self::Nodes(..) | Self::Edges(..))
    }

    /// Whether nothing of records that are not sparse has to be resolved.
    pub(super) fn is_written(&self) -> bool {
        let in_edge = |(_, field): &(Label, InEdge<'_, T>)| match field {
            InEdge::TypeName | InEdge::Cursor => true,
            InEdge::Node(_, plan) => plan.resolved.is_empty(),
        };
        match self {
            Self::Nodes(_, plan) => plan.resolved.is_empty(),
            Self::Edges(_, fields) => fields.iter().all(in_edge),
            Self::TypeName | Self::Incomplete | Self::PageInfo(_) | Self::Sources(..) => true,
        }
    }

    /// Has plain values of the records taken from what is kept with the page.
    pub(super) fn keep(&mut self, columns: &'a Columns<T>, seen: &[Glimpse<'_, T>]) {
        match self {
            Self::Nodes(_, plan) => plan.keep(columns, seen),
            Self::Edges(_, fields) => {
                for (_, field) in fields {
                    if let InEdge::Node(_, plan) = field {
                        plan.keep(columns, seen);
                    }
                }
            }
            Self::TypeName | Self::Incomplete | Self::PageInfo(_) | Self::Sources(..) => {}
        }
    }

    /// About how many fields it has of each record.
    pub(super) fn width(&self) -> usize {
        let in_edge = |(_, field): &(Label, InEdge<'_, T>)| match field {
            InEdge::TypeName => 1,
            // It is as long as several.
            InEdge::Cursor => 8,
            InEdge::Node(_, plan) => plan.len(),
        };
        match self {
            Self::Nodes(_, plan) => plan.len(),
            Self::Edges(_, fields) => fields.iter().map(in_edge).sum::<usize>(),
            Self::TypeName | Self::Incomplete | Self::PageInfo(_) | Self::Sources(..) => 0,
        }
    }
}

/// What is selected of a connection, by the names in the answer. `None` where some of it cannot be written.
pub(super) fn parts<'a, C: Listed>(
    document: Document<'a>,
    sets: &[&'a SelectionSet],
) -> Option<Members<Part<'a, C::Record>>> {
    let part = |selected: Selected<'a>| {
        let part = match selected.name() {
            "__typename" => Part::TypeName,
            "incomplete" => Part::Incomplete,
            "pageInfo" => Part::PageInfo(Plan::written(&selected, document)?),
            "sources" => {
                let fields = document.select(&selected.below, Report::NAME, None)?;
                let tells_calls = fields.iter().any(|field| field.name() == "upstreamCalls");
                Part::Sources(Plan::written(&selected, document)?, tells_calls)
            }
            "nodes" => Part::Nodes(Place::of(&selected), Plan::of(&selected.below, document)?),
            "edges" => Part::Edges(Place::of(&selected), in_edge::<C>(&selected, document)?),
            _ => return None,
        };
        Some((selected.label(), part))
    };
    document.select(sets, C::NAMES.0, None)?.into_iter().map(part).collect()
}

fn in_edge<'a, C: Listed>(
    edge: &Selected<'a>,
    document: Document<'a>,
) -> Option<Members<InEdge<'a, C::Record>>> {
    let field = |selected: Selected<'a>| {
        let field = match selected.name() {
            "__typename" => InEdge::TypeName,
            "cursor" => InEdge::Cursor,
            "node" => InEdge::Node(Place::of(&selected), Plan::of(&selected.below, document)?),
            _ => return None,
        };
        Some((selected.label(), field))
    };
    document.select(&edge.below, C::NAMES.1, None)?.into_iter().map(field).collect()
}

impl<T: Send + Sync + 'static> Shape for Connection<T> {
    const NAME: &'static str = "PageInfo";

    fn field<'a>(selected: &Selected<'a>, _: Document<'a>) -> Option<Write<'a, Self>> {
        Some(match selected.name() {
            "hasNextPage" => flag(|page| Some(page.has_next_page)),
            "hasPreviousPage" => flag(|page| Some(page.has_previous_page)),
            "startCursor" => Box::new(|page, out| {
                out.optional(page.start_cursor(), Out::name);
            }),
            "endCursor" => Box::new(|page, out| {
                out.optional(page.end_cursor(), Out::name);
            }),
            _ => return None,
        })
    }
}

impl Shape for Report {
    const NAME: &'static str = "SourceReport";

    fn field<'a>(selected: &Selected<'a>, document: Document<'a>) -> Option<Write<'a, Self>> {
        Some(match selected.name() {
            "source" => {
                made(selected, document, |report: &Self| Named(report.source.clone(), report.vendor))?
            }
            "status" => Box::new(|report, out| out.word(SourceReportStatus::from(report.status))),
            "error" => inner(selected, document, |report: &Self| report.error.as_ref())?,
            "note" => text(|report| report.note),
            "fetchedAt" => instant(|report| report.fetched_at),
            "upstreamCalls" => number(|report| Some(report.upstream_calls.into())),
            "rejectedRecords" => number(|report| Some(report.rejected_records.into())),
            "catchingUp" => flag(|report| Some(report.catching_up)),
            _ => return None,
        })
    }
}

impl Shape for SourceError {
    const NAME: &'static str = "SourceError";

    fn field<'a>(selected: &Selected<'a>, _: Document<'a>) -> Option<Write<'a, Self>> {
        Some(match selected.name() {
            "code" => Box::new(|error, out| out.word(SourceErrorCode::from(error.kind))),
            "message" => text(|error| Some(source_message(error.kind))),
            "retryable" => flag(|error| Some(error.kind.retryable())),
            "retryAfterMs" => number(|error| error.retry_after.map(|wait| millis(wait).into())),
            _ => return None,
        })
    }
}
