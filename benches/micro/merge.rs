//! The first page of fifty leads over sources whose pages the cache holds.

use divan::Bencher;
use leadgraph::gather::request::{LeadFilter, Paging};
use leadgraph::model::cx::Cx;

use crate::sources::{FEW_AND_MANY, cx, gather, runtime, stranger};

#[divan::bench(args = FEW_AND_MANY)]
fn first_page_of_50(bencher: Bencher, sources: usize) {
    read(bencher, sources, stranger);
}

/// The same for someone who has it already.
#[divan::bench(args = FEW_AND_MANY)]
fn given_again(bencher: Bencher, sources: usize) {
    read(bencher, sources, cx);
}

fn read(bencher: Bencher, sources: usize, cx: fn() -> Cx) {
    let (runtime, gather) = (runtime(), gather(sources));
    let filter = LeadFilter::default();
    let paging = Paging { first: Some(50), ..Paging::default() };
    let read = |cx| runtime.block_on(gather.leads(&cx, &filter, &paging)).map_err(|_| "no page").unwrap();
    let cold = read(cx());
    assert_eq!((cold.nodes.len(), cold.reports.len(), cold.incomplete), (50, sources, false));
    bencher.with_inputs(cx).bench_local_values(read);
}
