//! Connections, edges and page info, alike for all three kinds of record.

use std::sync::Arc;

use async_graphql::Object;

use super::conversation::Conversation;
use super::interaction::Interaction;
use super::lead::Lead;
use super::report::SourceReport;
use crate::gather::answer::Connection;
use crate::gather::request::{self, Paging};
use crate::graphql::input;
use crate::graphql::mask::Shown;
use crate::graphql::state::{self, State};
use crate::graphql::writer::Listed;
use crate::model::caller::Caller;

/// The records that pages hold.
mod model {
    pub(super) use crate::model::conversation::Conversation;
    pub(super) use crate::model::interaction::Interaction;
    pub(super) use crate::model::lead::Lead;
}

/// The `PageInfo` of the schema.
pub(in crate::graphql) struct PageInfo(Arc<dyn Paged>);

/// Where a page stands in its list, as Relay's specification of connections says.
#[Object]
impl PageInfo {
    /// Whether there may be edges behind these. True also while a source failed that may have more, so a page can be
    /// followed by an empty one.
    async fn has_next_page(&self) -> bool {
        self.0.has_next_page()
    }

    /// Whether there are edges before these.
    async fn has_previous_page(&self) -> bool {
        self.0.has_previous_page()
    }

    /// The first edge's cursor, for `before`; null on a page without edges.
    async fn start_cursor(&self) -> Option<&str> {
        self.0.start_cursor()
    }

    /// Where the next page begins, for `after`: the last edge's cursor, or further on where the gateway has read past it
    /// without a match. Good for 24 hours, for the same field, filter and caller.
    async fn end_cursor(&self) -> Option<&str> {
        self.0.end_cursor()
    }
}

/// A page of any kind of record, as far as page info needs it. Cursors are sealed only when selected.
trait Paged: Send + Sync {
    fn has_next_page(&self) -> bool;
    fn has_previous_page(&self) -> bool;
    fn start_cursor(&self) -> Option<&str>;
    fn end_cursor(&self) -> Option<&str>;
}

impl<T: Send + Sync> Paged for Connection<T> {
    fn has_next_page(&self) -> bool {
        self.has_next_page
    }
    fn has_previous_page(&self) -> bool {
        self.has_previous_page
    }
    fn start_cursor(&self) -> Option<&str> {
        Connection::start_cursor(self)
    }
    fn end_cursor(&self) -> Option<&str> {
        Connection::end_cursor(self)
    }
}

/// Declares a connection and its edge. Their fields differ only in the kind of record.
macro_rules! connection {
    ($(#[doc = $doc:tt])* $connection:ident, $(#[doc = $edge_doc:tt])* $edge:ident, $node:ident, $list:ident, $filter:ident) => {
        /// A page of one kind of record.
        pub(in crate::graphql) struct $connection {
            page: Arc<Connection<model::$node>>,
            caller: Caller,
        }

        impl $connection {
            /// A page as whoever asks may see it.
            pub(in crate::graphql) fn new(state: &State, page: Arc<Connection<model::$node>>) -> Self {
                Self { page, caller: state.cx.caller.clone() }
            }
        }

        impl Listed for $connection {
            type Record = model::$node;
            type Node = $node;
            type Input = input::$filter;
            type Filter = request::$filter;
            const NAMES: (&'static str, &'static str) = (stringify!($connection), stringify!($edge));

            async fn read(state: &State, asked: (Self::Filter, Paging)) -> state::Answered<Self::Record> {
                let (filter, paging) = asked.clone();
                let read = async { Ok(state.gather.$list(&state.cx, &filter, &paging).await?) };
                state.$list.get(asked, read).await
            }

            fn page(&self) -> &Connection<Self::Record> {
                &self.page
            }

            fn caller(&self) -> &Caller {
                &self.caller
            }

            fn nodes(&self) -> Vec<$node> {
                let node = |record: &Arc<_>| $node::new(Shown::to(&self.caller, Arc::clone(record)));
                self.page.nodes.iter().map(node).collect()
            }
        }

        $(#[doc = $doc])*
        #[Object]
        impl $connection {
            /// The records of this page with their cursors, newest first; records without a time of creation come last.
            async fn edges(&self) -> Vec<$edge> {
                let edge = |index| $edge { page: Arc::clone(&self.page), caller: self.caller.clone(), index };
                (0..self.page.nodes.len()).map(edge).collect()
            }

            /// The records of this page, for those who need no cursor of each.
            async fn nodes(&self) -> Vec<$node> {
                Listed::nodes(self)
            }

            /// Where this page stands in the list.
            async fn page_info(&self) -> PageInfo {
                PageInfo(Arc::clone(&self.page) as Arc<dyn Paged>)
            }

            /// True: something that matches may be missing from this page; `sources` says of which source and why. False:
            /// all that matches is here or on other pages.
            async fn incomplete(&self) -> bool {
                self.page.incomplete
            }

            /// How each source took part, in the order of their names.
            async fn sources(&self) -> Vec<SourceReport> {
                self.page.reports.iter().cloned().map(SourceReport).collect()
            }
        }

        /// A place in a page.
        pub(in crate::graphql) struct $edge {
            page: Arc<Connection<model::$node>>,
            caller: Caller,
            index: usize,
        }

        $(#[doc = $edge_doc])*
        #[Object]
        impl $edge {
            /// Names this place in the list, for `after` and `before`. Opaque; good for 24 hours, for the same field,
            /// filter and caller.
            async fn cursor(&self) -> &str {
                // An edge stands at an index of its own page, and every index of a page has a cursor.
                self.page.cursor(self.index).unwrap_or_default()
            }

            /// The record.
            async fn node(&self) -> $node {
                #[expect(clippy::indexing_slicing, reason = "an edge stands at an index of its own page")]
                let node = Arc::clone(&self.page.nodes[self.index]);
                $node::new(Shown::to(&self.caller, node))
            }
        }
    };
}

connection!(
    /// A page of leads from all sources, merged into one order.
    LeadConnection,
    /// A lead and its place in a list.
    LeadEdge,
    Lead,
    leads,
    LeadFilter
);
connection!(
    /// A page of conversations from all sources, merged into one order.
    ConversationConnection,
    /// A conversation and its place in a list.
    ConversationEdge,
    Conversation,
    conversations,
    ConversationFilter
);
connection!(
    /// A page of interactions from all sources, merged into one order.
    InteractionConnection,
    /// An interaction and its place in a list.
    InteractionEdge,
    Interaction,
    interactions,
    InteractionFilter
);
