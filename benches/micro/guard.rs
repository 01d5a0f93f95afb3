//! What the guard takes for a document before it is parsed.

use std::fmt::Write as _;

use divan::Bencher;
use divan::counter::BytesCount;
use leadgraph::graphql::{Limits, admits};

/// A list as clients ask for it.
#[divan::bench]
fn usual(bencher: Bencher) {
    admit(bencher, include_str!("../../examples/queries/leads.graphql"));
}

/// As many fragments, tokens and fields as there may be, about.
#[divan::bench]
fn long(bencher: Bencher) {
    let (mut fragments, mut spreads) = (String::new(), String::new());
    for number in 0..28 {
        let fields = "id name email phone status createdAt ".repeat(10);
        writeln!(fragments, "fragment F{number} on Lead {{ {fields} }}").unwrap();
        write!(spreads, "...F{number} ").unwrap();
    }
    admit(bencher, &format!("{{ leads {{ nodes {{ {spreads} }} }} }}\n{fragments}"));
}

fn admit(bencher: Bencher, document: &str) {
    let limits = Limits::default();
    assert!(admits(document, &limits));
    bencher.counter(BytesCount::of_str(document)).bench(|| admits(divan::black_box(document), &limits));
}
