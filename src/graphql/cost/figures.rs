//! What an operation is reckoned at before it runs, and kept beside its document for those who ask the same: it depends on few
//! of the variables (a cursor, say, is none of them), and on nothing that changes often.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Name, Value, Variables};

use super::{Cost, Given, Nodes};
use crate::model::caller::{Caller, Scopes, Visible};
use crate::model::lease::Basis;

/// How many of a document are kept.
const MOST: usize = 4;
/// The most bytes of variables that one of them may depend on.
const MAX_BYTES: usize = 512;

/// What an operation is reckoned at.
#[derive(Debug)]
pub(in crate::graphql) struct Figures {
    pub(in crate::graphql) nodes: Nodes,
    pub(in crate::graphql) cost: Cost,
}

/// The figures of a document that has one operation, for those who asked lately and may ask for all of it.
#[derive(Default)]
pub(in crate::graphql) struct Reckoned(Mutex<Vec<Kept>>);

/// Figures, and what they depend on.
struct Kept {
    figures: Arc<Figures>,
    scopes: Scopes,
    sources: Visible,
    /// The variables that were looked at, and what they were.
    looked_at: Vec<(Name, Option<Value>)>,
    standing: Arc<dyn Basis>,
}

impl Reckoned {
    /// The most bytes that they take.
    pub(in crate::graphql) const WEIGHT: usize = MOST * (MAX_BYTES + 512);

    /// The figures for a caller with these variables.
    pub(in crate::graphql) fn get(&self, caller: &Caller, variables: &Variables) -> Option<Arc<Figures>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |kept: &&Kept| {
            kept.scopes == caller.scopes
                && kept.sources == caller.sources
                && kept.looked_at.iter().all(|(name, value)| variables.get(name) == value.as_ref())
                && kept.standing.stands()
        };
        kept.iter().find(same).map(|kept| Arc::clone(&kept.figures))
    }

    /// Keeps the figures of a caller, who may ask for all that is asked for. They hold while the same sources are there.
    pub(in crate::graphql) fn keep(
        &self,
        caller: &Caller,
        given: &Given<'_>,
        standing: &Arc<dyn Basis>,
        figures: &Arc<Figures>,
    ) {
        let bytes = given.looked_at().map(|(name, value)| name.len() + value.map_or(0, weight));
        if bytes.sum::<usize>() > MAX_BYTES {
            return;
        }
        let looked_at = given.looked_at().map(|(name, value)| (name.clone(), value.cloned()));
        let new = Kept {
            figures: Arc::clone(figures),
            scopes: caller.scopes,
            sources: caller.sources.clone(),
            looked_at: looked_at.collect(),
            standing: Arc::clone(standing),
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.standing.stands());
        if kept.len() >= MOST {
            kept.remove(0);
        }
        kept.push(new);
    }
}

impl fmt::Debug for Reckoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reckoned").finish_non_exhaustive()
    }
}

/// About how many bytes a value takes.
fn weight(value: &Value) -> usize {
    32 + match value {
        Value::String(text) => text.len(),
        Value::Enum(name) => name.len(),
        Value::List(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + weight(value)).sum(),
        Value::Binary(bytes) => bytes.len(),
        Value::Null | Value::Number(_) | Value::Boolean(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    struct Switch(AtomicBool);

    impl Basis for Switch {
        fn stands(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    const TEXT: &str = "query($first: Int, $after: String, $all: Boolean!) \
        { leads(first: $first, after: $after) { nodes { id name @include(if: $all) } } }";

    fn variables(json: serde_json::Value) -> Variables {
        Variables::from_json(json)
    }

    /// Reckons as a request does, and keeps what comes of it.
    fn reckon(reckoned: &Reckoned, caller: &Caller, variables: &Variables, standing: &Arc<dyn Basis>) {
        let document = parse_query(TEXT).unwrap();
        let operation = &document.operations.iter().next().unwrap().1.node;
        let given = Given::new(operation, variables);
        let nodes = Nodes::of(&document, operation, &given);
        let figures = Arc::new(Figures { nodes, cost: Cost::default() });
        reckoned.keep(caller, &given, standing, &figures);
    }

    #[test]
    fn figures_hold_for_whatever_was_not_looked_at_and_for_nobody_else() {
        let (reckoned, anyone) = (Reckoned::default(), Caller::anonymous());
        let switch = Arc::new(Switch(AtomicBool::new(true)));
        let standing: Arc<dyn Basis> = Arc::clone(&switch) as Arc<dyn Basis>;
        let first = variables(json!({ "first": 5, "after": "a", "all": true }));
        reckon(&reckoned, &anyone, &first, &standing);
        let nodes =
            |caller: &Caller, json| reckoned.get(caller, &variables(json)).map(|figures| figures.nodes.count);
        assert_eq!(nodes(&anyone, json!({ "first": 5, "after": "b", "all": true })), Some(7));
        assert_eq!(nodes(&anyone, json!({ "first": 5, "all": true })), Some(7));
        assert_eq!(nodes(&anyone, json!({ "first": 6, "after": "a", "all": true })), None);
        assert_eq!(nodes(&anyone, json!({ "after": "a", "all": true })), None);
        assert_eq!(nodes(&anyone, json!({ "first": 5, "after": "a", "all": false })), None);
        let fewer = Caller { scopes: Scopes::default(), ..Caller::anonymous() };
        assert_eq!(nodes(&fewer, json!({ "first": 5, "all": true })), None);
        let blind = Caller { sources: Visible::Only(Arc::default()), ..Caller::anonymous() };
        assert_eq!(nodes(&blind, json!({ "first": 5, "all": true })), None);
        switch.0.store(false, Ordering::Relaxed);
        assert_eq!(nodes(&anyone, json!({ "first": 5, "all": true })), None);
    }

    #[test]
    fn few_and_small_ones_are_kept() {
        let (reckoned, anyone) = (Reckoned::default(), Caller::anonymous());
        let standing: Arc<dyn Basis> = Arc::new(Switch(AtomicBool::new(true)));
        for first in 1..=6 {
            reckon(&reckoned, &anyone, &variables(json!({ "first": first, "all": true })), &standing);
        }
        let known =
            |first: i32| reckoned.get(&anyone, &variables(json!({ "first": first, "all": true }))).is_some();
        assert_eq!((1..=6).map(known).collect::<Vec<_>>(), [false, false, true, true, true, true]);
        let long = variables(json!({ "first": "x".repeat(MAX_BYTES), "all": true }));
        reckon(&reckoned, &anyone, &long, &standing);
        assert!(reckoned.get(&anyone, &long).is_none());
    }
}
