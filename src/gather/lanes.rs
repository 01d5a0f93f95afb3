//! Reads side by side. Of each account no more are under way at a time than it takes of one request: what waits there counts against
//! the queue that others wait in, too.

use std::collections::HashMap;

use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt, StreamExt, stream};

use super::Inner;
use crate::model::cx::Cx;
use crate::model::id::SourceId;

/// The reads of one account, each with its place among all.
struct Lane<'a, T> {
    width: usize,
    reads: Vec<BoxFuture<'a, (usize, T)>>,
}

impl Inner {
    /// What comes of many reads, each of a source, in their order.
    pub(super) async fn side_by_side<'a, T: Send + 'a>(
        &self,
        cx: &Cx,
        reads: impl IntoIterator<Item = (&'a SourceId, BoxFuture<'a, T>)>,
    ) -> Vec<T> {
        let seen = self.registry.seen_by(&cx.caller);
        let mut lanes: HashMap<&str, Lane<'a, T>> = HashMap::new();
        for (place, (source, read)) in reads.into_iter().enumerate() {
            let width = || seen.get(source).map_or(1, |source| source.side_by_side());
            let lane = lanes
                .entry(source.account())
                .or_insert_with(|| Lane { width: width().max(1), reads: Vec::new() });
            lane.reads.push(read.map(move |told| (place, told)).boxed());
        }
        let run = |Lane { width, reads }| stream::iter(reads).buffer_unordered(width).collect::<Vec<_>>();
        let mut told: Vec<_> = join_all(lanes.into_values().map(run)).await.into_iter().flatten().collect();
        told.sort_unstable_by_key(|(place, _)| *place);
        told.into_iter().map(|(_, told)| told).collect()
    }
}
