//! From the bytes of a vendor's answer to leads of the model.

use divan::Bencher;
use divan::counter::BytesCount;
use leadgraph::model::id::SourceId;

use crate::pages::{entry, page, vendors};

/// A page as vendors send it.
#[divan::bench(args = vendors())]
fn page_of_100(bencher: Bencher, vendor: &str) {
    read(bencher, vendor, 100);
}

/// One row, decoded and normalized; what is around it is a few bytes.
#[divan::bench(args = vendors())]
fn normalize_one(bencher: Bencher, vendor: &str) {
    read(bencher, vendor, 1);
}

fn read(bencher: Bencher, vendor: &str, rows: usize) {
    let (entry, id, bytes) = (entry(vendor), SourceId::new(vendor).unwrap(), page(vendor, rows));
    let read = |bytes: &[u8]| (entry.leads_page)(&id, bytes).unwrap();
    let whole = read(&bytes);
    assert_eq!((whole.rows.len(), whole.rejected), (rows, 0), "{vendor}");
    bencher.counter(BytesCount::new(bytes.len())).bench(|| read(divan::black_box(&bytes)));
}
