//! Lists as a client reads them: page by page, forwards and backwards.

use serde_json::{Value, json};

use super::world::elements;
use super::{Answer, Query, World};

/// A list under one filter.
#[derive(Clone, Debug)]
pub(crate) struct List {
    field: &'static str,
    fields: String,
    filter: Value,
    on_failure: &'static str,
}

impl List {
    pub(crate) fn leads() -> Self {
        Self::new("leads", "createdAt")
    }

    pub(crate) fn conversations() -> Self {
        Self::new("conversations", "startedAt")
    }

    pub(crate) fn interactions() -> Self {
        Self::new("interactions", "occurredAt")
    }

    fn new(field: &'static str, at: &str) -> Self {
        let fields = format!("id vendorId at: {at} source {{ name }}");
        Self { field, fields, filter: json!({}), on_failure: "PARTIAL" }
    }

    /// Selects these fields, too.
    pub(crate) fn select(mut self, fields: &str) -> Self {
        self.fields = format!("{} {fields}", self.fields);
        self
    }

    pub(crate) fn filter(mut self, filter: Value) -> Self {
        self.filter = filter;
        self
    }

    pub(crate) fn of(self, vendor: &str) -> Self {
        self.filter(json!({ "vendors": [vendor.to_uppercase()] }))
    }

    pub(crate) fn on_failure(mut self, choice: &'static str) -> Self {
        self.on_failure = choice;
        self
    }

    /// One page of it: `paging` holds `first`, `after`, `last`, `before`.
    pub(crate) fn query(&self, paging: Value) -> Query {
        let Self { field, fields, .. } = self;
        let kind = match *field {
            "leads" => "LeadFilter",
            "conversations" => "ConversationFilter",
            _ => "InteractionFilter",
        };
        let text = format!(
            "query($first: Int, $after: String, $last: Int, $before: String, $filter: {kind}, \
               $on: OnSourceFailure! = PARTIAL) {{ \
               {field}(first: $first, after: $after, last: $last, before: $before, filter: $filter, \
               onSourceFailure: $on) {{ \
                 edges {{ cursor node {{ {fields} }} }} \
                 pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} incomplete \
                 sources {{ source {{ name }} status error {{ code retryable retryAfterMs }} note upstreamCalls \
                            rejectedRecords catchingUp fetchedAt }} }} }}"
        );
        let query = Query::new(text).with("filter", self.filter.clone()).with("on", self.on_failure);
        let given = paging.as_object().cloned().unwrap_or_default();
        given.into_iter().fold(query, |query, (name, value)| query.with(&name, value))
    }

    /// One page, which must come without errors.
    pub(crate) async fn page(&self, world: &World, paging: Value) -> Page {
        Page::of(world.ask(self.query(paging)).await.data())
    }

    pub(crate) async fn try_page(&self, world: &World, paging: Value) -> Answer {
        world.ask(self.query(paging)).await
    }

    /// All pages, forwards, of `first` records each; as many as there are, but no more than 500.
    pub(crate) async fn walk(&self, world: &World, first: usize) -> Vec<Page> {
        let mut pages = vec![self.page(world, json!({ "first": first })).await];
        while pages.last().is_some_and(Page::has_next) {
            assert!(pages.len() < 500, "the walk does not end");
            let after = pages.last().and_then(Page::end).expect("a page with a next one has an end");
            pages.push(self.page(world, json!({ "first": first, "after": after })).await);
        }
        pages
    }
}

/// A page of a list, as answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page(pub(crate) Value);

impl Page {
    pub(crate) fn of(data: &Value) -> Self {
        let list = data.as_object().and_then(|data| data.values().next());
        Self(list.cloned().unwrap_or_default())
    }

    pub(crate) fn nodes(&self) -> Vec<&Value> {
        elements(&self.0["edges"]).iter().map(|edge| &edge["node"]).collect()
    }

    /// Each record as (source, vendor's id).
    pub(crate) fn records(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.nodes().iter().map(|node| (text(&node["source"]["name"]), text(&node["vendorId"]))).collect()
    }

    /// Each record's id.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.nodes().iter().map(|node| node["id"].as_str().unwrap()).collect()
    }

    pub(crate) fn cursors(&self) -> Vec<&str> {
        elements(&self.0["edges"]).iter().map(|edge| edge["cursor"].as_str().unwrap()).collect()
    }

    pub(crate) fn has_next(&self) -> bool {
        self.0["pageInfo"]["hasNextPage"] == true
    }

    pub(crate) fn has_previous(&self) -> bool {
        self.0["pageInfo"]["hasPreviousPage"] == true
    }

    pub(crate) fn start(&self) -> Option<&str> {
        self.0["pageInfo"]["startCursor"].as_str()
    }

    pub(crate) fn end(&self) -> Option<&str> {
        self.0["pageInfo"]["endCursor"].as_str()
    }

    pub(crate) fn incomplete(&self) -> bool {
        self.0["incomplete"] == true
    }

    /// How the first source of a vendor took part.
    pub(crate) fn report(&self, vendor: &str) -> &Value {
        let reports = elements(&self.0["sources"]).iter();
        let mut own = reports.filter(|report| report["source"]["name"].as_str().unwrap().starts_with(vendor));
        own.next().unwrap()
    }
}

/// The records of all pages.
pub(crate) fn records(pages: &[Page]) -> Vec<(String, String)> {
    pages.iter().flat_map(Page::records).collect()
}
