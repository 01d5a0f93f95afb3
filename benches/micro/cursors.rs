//! Cursors: sealed behind the last of fifty leads, and opened.

use divan::Bencher;
use leadgraph::gather::answer::GatherError;
use leadgraph::gather::request::{InputCode, LeadFilter, Paging, SourceFilter};

use crate::sources::{FEW_AND_MANY, cx, gather, runtime, stranger};

#[divan::bench(args = FEW_AND_MANY)]
fn seal(bencher: Bencher, sources: usize) {
    let (runtime, gather) = (runtime(), gather(sources));
    let paging = Paging { first: Some(50), ..Paging::default() };
    // A page seals each of its cursors once.
    let page = || {
        let page = runtime.block_on(gather.leads(&stranger(), &LeadFilter::default(), &paging));
        page.map_err(|_| "no page").unwrap()
    };
    bencher.with_inputs(page).bench_local_refs(|page| page.end_cursor().map(str::len).unwrap());
}

/// A cursor is opened before its filter is looked at, and under another filter nothing comes after that. Its filter names one
/// source, so that finding out whom to ask is next to nothing.
#[divan::bench(args = FEW_AND_MANY)]
fn open(bencher: Bencher, sources: usize) {
    let (runtime, gather) = (runtime(), gather(sources));
    let paging = Paging { first: Some(50), ..Paging::default() };
    let page = runtime.block_on(gather.leads(&cx(), &LeadFilter::default(), &paging));
    let page = page.map_err(|_| "no page").unwrap();
    let one = Some(vec![page.reports[0].source.clone()]);
    let other = LeadFilter { of: SourceFilter { sources: one, vendors: None }, ..LeadFilter::default() };
    let after = Paging { after: page.end_cursor().map(str::to_owned), ..paging };
    let refused = |cx| match runtime.block_on(gather.leads(&cx, &other, &after)) {
        Err(GatherError::Input(error)) => Some(error.code),
        _ => None,
    };
    assert_eq!(refused(cx()), Some(InputCode::CursorFilterMismatch));
    bencher.with_inputs(cx).bench_local_values(refused);
}
