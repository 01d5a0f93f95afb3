//! What an operation is reckoned at before it runs, and kept beside its document for those who ask the same: it depends on few
//! of the variables (a cursor, say, is none of them), and on nothing that changes often.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use async_graphql::{Name, Value, Variables};

use super::{Cost, Given, Nodes};
use crate::model::caller::{Caller, Scopes, Visible};

/// How many of a document are kept.
const MOST: usize = 4;

/// What an operation is reckoned at.
#[derive(Debug)]
pub(in crate::graphql) struct Figures {
    pub(in crate::graphql) nodes: Nodes,
    pub(in crate::graphql) cost: Cost,
}

/// The figures of a document that has one operation, for those who asked last and may ask for all of it.
#[derive(Debug, Default)]
pub(in crate::graphql) struct KeptFigures(Mutex<Vec<Kept>>);

/// Figures, and what they depend on.
#[derive(Debug)]
struct Kept {
    figures: Arc<Figures>,
    scopes: Scopes,
    sources: Visible,
    /// Which sources there were.
    edition: u64,
    /// The variables that were looked at.
    looked_at: Vec<Name>,
    /// What they were. Not the values themselves: they may be of a person.
    values: u64,
}

impl Kept {
    /// Whether these are the figures of whoever others are of.
    fn answers(&self, other: &Self) -> bool {
        let of = |kept: &Self| (kept.scopes, kept.edition, kept.values);
        of(self) == of(other) && self.sources == other.sources && self.looked_at == other.looked_at
    }
}

impl KeptFigures {
    /// About how many bytes they take.
    pub(in crate::graphql) const WEIGHT: usize = MOST * 512;

    /// The figures for a caller with these variables, among the sources of an edition.
    pub(in crate::graphql) fn get(
        &self,
        caller: &Caller,
        variables: &Variables,
        edition: u64,
    ) -> Option<Arc<Figures>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |kept: &Kept| {
            let values = || hash(kept.looked_at.iter().map(|name| (name, variables.get(name))));
            kept.edition == edition
                && kept.scopes == caller.scopes
                && kept.sources == caller.sources
                && kept.values == values()
        };
        // The last one is most often the next one, too.
        let place = kept.iter().rposition(same)?;
        if place + 1 < kept.len() {
            let again = kept.remove(place);
            kept.push(again);
        }
        kept.last().map(|kept| Arc::clone(&kept.figures))
    }

    /// Keeps the figures of a caller, who may ask for all that is asked for.
    pub(in crate::graphql) fn keep(
        &self,
        caller: &Caller,
        given: &Given<'_>,
        edition: u64,
        figures: &Arc<Figures>,
    ) {
        // In one order, so that what is the same has the same hash.
        let mut looked_at: Vec<_> = given.looked_at().collect();
        looked_at.sort_unstable_by_key(|(name, _)| name.as_str());
        let new = Kept {
            figures: Arc::clone(figures),
            scopes: caller.scopes,
            sources: caller.sources.clone(),
            edition,
            looked_at: looked_at.iter().map(|(name, _)| (*name).clone()).collect(),
            values: hash(looked_at.into_iter()),
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Another request may have reckoned the same meanwhile.
        kept.retain(|old| !old.answers(&new));
        if kept.len() >= MOST {
            kept.remove(0);
        }
        kept.push(new);
    }
}

/// A hash of variables and their values, by a key that nobody knows: two that differ have the same by a chance of one to 2^64.
fn hash<'a>(variables: impl Iterator<Item = (&'a Name, Option<&'a Value>)>) -> u64 {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let mut state = KEY.build_hasher();
    for (name, value) in variables {
        name.hash(&mut state);
        value.is_some().hash(&mut state);
        value.into_iter().for_each(|value| hash_value(value, &mut state));
    }
    state.finish()
}

fn hash_value(value: &Value, state: &mut impl Hasher) {
    std::mem::discriminant(value).hash(state);
    match value {
        Value::Null => {}
        Value::Number(number) => number.hash(state),
        Value::String(text) => text.hash(state),
        Value::Boolean(flag) => flag.hash(state),
        Value::Binary(bytes) => bytes.hash(state),
        Value::Enum(name) => name.hash(state),
        Value::List(items) => {
            items.len().hash(state);
            items.iter().for_each(|item| hash_value(item, state));
        }
        Value::Object(members) => {
            members.len().hash(state);
            for (name, value) in members {
                name.hash(state);
                hash_value(value, state);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;
    use crate::gather::prices::Prices;

    const TEXT: &str = "query($first: Int, $after: String, $all: Boolean!, $filter: LeadFilter) \
        { leads(first: $first, after: $after, filter: $filter) { nodes { id name @include(if: $all) } } }";

    fn variables(json: serde_json::Value) -> Variables {
        Variables::from_json(json)
    }

    /// Reckons as a request does, and keeps what comes of it.
    fn reckon(kept: &KeptFigures, caller: &Caller, variables: &Variables) {
        let document = parse_query(TEXT).unwrap();
        let operation = &document.operations.iter().next().unwrap().1.node;
        let given = Given::new(operation, variables);
        let nodes = Nodes::of(&document, operation, &given);
        let cost = Cost::of(&document, operation, &given, &|_| Prices::default());
        kept.keep(caller, &given, 1, &Arc::new(Figures { nodes, cost }));
    }

    #[test]
    fn figures_hold_for_whatever_was_not_looked_at_and_for_nobody_else() {
        let (kept, anyone) = (KeptFigures::default(), Caller::anonymous());
        let filter = json!({ "status": ["NEW"] });
        reckon(
            &kept,
            &anyone,
            &variables(json!({ "first": 5, "after": "a", "all": true, "filter": filter })),
        );
        let nodes = |caller: &Caller, edition, json| {
            kept.get(caller, &variables(json), edition).map(|figures| figures.nodes.count)
        };
        for after in [json!("b"), json!(null)] {
            let same = json!({ "first": 5, "after": after, "all": true, "filter": filter });
            assert_eq!(nodes(&anyone, 1, same.clone()), Some(7));
            assert_eq!(nodes(&anyone, 2, same.clone()), None);
            let fewer = Caller { scopes: Scopes::default(), ..Caller::anonymous() };
            assert_eq!(nodes(&fewer, 1, same.clone()), None);
            let blind = Caller { sources: Visible::Only(Arc::default()), ..Caller::anonymous() };
            assert_eq!(nodes(&blind, 1, same), None);
        }
        for other in [
            json!({ "first": 6, "all": true, "filter": filter }),
            json!({ "first": null, "all": true, "filter": filter }),
            json!({ "all": true, "filter": filter }),
            json!({ "first": 5, "all": false, "filter": filter }),
            json!({ "first": 5, "all": true, "filter": { "status": ["FAILED"] } }),
            json!({ "first": 5, "all": true, "filter": { "status": ["NEW", "NEW"] } }),
            json!({ "first": 5, "all": true, "filter": { "status": [], "sources": ["NEW"] } }),
            json!({ "first": 5, "all": true }),
        ] {
            assert_eq!(nodes(&anyone, 1, other.clone()), None, "{other}");
        }
    }

    #[test]
    fn those_that_were_asked_for_last_are_kept() {
        let (kept, anyone) = (KeptFigures::default(), Caller::anonymous());
        let of = |first: i32| variables(json!({ "first": first, "all": true }));
        (1..=4).for_each(|first| reckon(&kept, &anyone, &of(first)));
        assert!(kept.get(&anyone, &of(1), 1).is_some());
        (5..=6).for_each(|first| reckon(&kept, &anyone, &of(first)));
        let known = |first: i32| kept.get(&anyone, &of(first), 1).is_some();
        assert_eq!((1..=6).map(known).collect::<Vec<_>>(), [true, false, false, true, true, true]);
        (0..3).for_each(|_| reckon(&kept, &anyone, &of(5)));
        assert_eq!(
            (1..=6).map(known).collect::<Vec<_>>(),
            [true, false, false, true, true, true],
            "each once"
        );
    }
}
