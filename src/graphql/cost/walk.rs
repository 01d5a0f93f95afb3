//! What each field of the schema costs, and how many records stand below it. The one place to touch when a field that
//! calls vendors is added.

use std::collections::HashSet;

use async_graphql::parser::types::{Field, SelectionSet};
use async_graphql::{ID, InputType, Positioned};

use super::Costly;
use super::fields::{Fields, Selected};
use crate::gather::prices::{History, Price, Prices, named_leads, scout};
use crate::gather::request::{self, SourceFilter};
use crate::graphql::MAX_DEPTH;
use crate::graphql::input::{ConversationFilter, EventFilter, InteractionFilter, LeadFilter};
use crate::graphql::query::MAX_NODES;
use crate::graphql::scalars::id::GlobalId;
use crate::graphql::subscription::Wanted;
use crate::model::id::{EntityKind, Key, SourceId};

/// How many to a page if nothing is said, and at most.
const PAGE: (i32, i32) = (25, 100);
/// How many of the conversations of a list are cut short, as a fraction; they are read by id where their transcript is
/// selected. How vendors cut is not documented: most may be cut, and not all of a mixed page come from one that cuts.
const CUT: (u32, u32) = (4, 5);

const SMALLER: &str = "ask for fewer records at once (a smaller `first`) and page through them";
const FEWER: &str = "ask for fewer sources at once (`filter.sources`, `filter.vendors`)";
const FORWARD: &str = "page forward with `first` and `after`; `last` walks the list from its beginning";

/// What a field is selected on. Below the root every object belongs to one source, whose price goes with it.
#[derive(Clone, Copy)]
pub(super) struct On {
    pub(super) object: Object,
    /// How many such objects there are. For a connection or an edge: records in all of them.
    pub(super) count: u32,
    /// How many leads these records belong to at most.
    pub(super) leads: u32,
    /// Whether the records are whole, so that nothing of them must be read by id.
    pub(super) whole: bool,
    pub(super) depth: usize,
}

/// A kind of object that costs something, or leads to one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    Payload,
    Connection(EntityKind),
    Edge(EntityKind),
    Record(EntityKind),
    Event,
    Call,
    Recording,
}

impl Object {
    fn is(self, name: &str) -> bool {
        use EntityKind::{Conversation, Interaction, Lead};
        match self {
            Self::Payload => name == "UpdateLeadPayload",
            Self::Connection(Lead) => name == "LeadConnection",
            Self::Connection(Conversation) => name == "ConversationConnection",
            Self::Connection(Interaction) => name == "InteractionConnection",
            Self::Edge(Lead) => name == "LeadEdge",
            Self::Edge(Conversation) => name == "ConversationEdge",
            Self::Edge(Interaction) => name == "InteractionEdge",
            Self::Record(Lead) => matches!(name, "Lead" | "Node"),
            Self::Record(Conversation) => matches!(name, "Conversation" | "Node"),
            Self::Record(Interaction) => matches!(name, "Interaction" | "Node"),
            Self::Event => name == "Event",
            Self::Call => name == "CallDetails",
            Self::Recording => name == "Recording",
        }
    }
}

/// A walk over one operation.
pub(super) struct Walk<'a> {
    pub(super) fields: Fields<'a, 'a>,
    prices: &'a dyn Fn(&SourceFilter) -> Prices,
    /// The field that has cost most so far.
    pub(super) most: Option<Costly>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(fields: Fields<'a, 'a>, prices: &'a dyn Fn(&SourceFilter) -> Prices) -> Self {
        Self { fields, prices, most: None }
    }

    pub(super) fn charge(
        &mut self,
        field: &'static str,
        at: &Positioned<Field>,
        calls: u32,
        advice: &'static str,
    ) -> u32 {
        if calls > self.most.as_ref().map_or(0, |most| most.calls) {
            self.most = Some(Costly { field, calls, pos: at.pos, advice });
        }
        calls
    }

    /// All of an operation.
    pub(super) fn query(&mut self, set: &'a SelectionSet) -> u32 {
        let fields = self.fields.on(&[set], &|name| name == "Query");
        fields.iter().map(|selected| self.root(selected)).fold(0, u32::saturating_add)
    }

    /// One event of a subscription. Each is reckoned by itself: how many there will be, nobody knows.
    pub(super) fn subscription(&mut self, set: &'a SelectionSet) -> u32 {
        let fields = self.fields.on(&[set], &|name| name == "Subscription");
        let event = |selected: &Selected<'a>| {
            let Some(filter) = self.filter::<EventFilter, Wanted>(&selected.field.node) else { return 0 };
            let Prices { each, .. } = (self.prices)(&filter.of);
            self.worst(selected, Object::Event, 1, each)
        };
        fields.iter().map(event).fold(0, u32::saturating_add)
    }

    fn root(&mut self, selected: &Selected<'a>) -> u32 {
        let field = &selected.field.node;
        match field.name.node.as_str() {
            "leads" => self.list::<LeadFilter, request::LeadFilter>(
                ("Query.leads", EntityKind::Lead),
                selected,
                |filter| filter.of,
                |price| price.leads,
            ),
            "conversations" => self.list::<ConversationFilter, request::ConversationFilter>(
                ("Query.conversations", EntityKind::Conversation),
                selected,
                |filter| filter.of,
                |price| price.conversations,
            ),
            "interactions" => self.interactions(selected),
            "lead" => self.given("Query.lead", Some(EntityKind::Lead), selected, self.ids(field, "id")),
            "conversation" => self.given(
                "Query.conversation",
                Some(EntityKind::Conversation),
                selected,
                self.ids(field, "id"),
            ),
            "interaction" => self.given(
                "Query.interaction",
                Some(EntityKind::Interaction),
                selected,
                self.ids(field, "id"),
            ),
            "node" => self.given("Query.node", None, selected, self.ids(field, "id")),
            "nodes" => self.given("Query.nodes", None, selected, self.ids(field, "ids")),
            _ => 0,
        }
    }

    /// A list over all sources that its filter allows.
    fn list<F: InputType + Default, G: TryFrom<F>>(
        &mut self,
        (name, kind): (&'static str, EntityKind),
        selected: &Selected<'a>,
        of: fn(G) -> SourceFilter,
        page: fn(&Price) -> u32,
    ) -> u32 {
        let Some(filter) = self.filter::<F, G>(&selected.field.node) else { return 0 };
        let Prices { mut each, backward } = (self.prices)(&of(filter));
        each.retain(|price| page(price) > 0);
        let calls = each.iter().map(page).fold(0, u32::saturating_add);
        let listed = self.listed(name, selected, calls, backward);
        let count = self.page(&selected.field.node);
        listed.saturating_add(self.worst(selected, Object::Connection(kind), count, each))
    }

    fn interactions(&mut self, selected: &Selected<'a>) -> u32 {
        let field = &selected.field.node;
        let filter = self.filter::<InteractionFilter, request::InteractionFilter>(field);
        let Some(filter) = filter else { return 0 };
        let (name, kind) = ("Query.interactions", EntityKind::Interaction);
        let Some(leads) = filter.leads else {
            return self.list::<InteractionFilter, request::InteractionFilter>(
                (name, kind),
                selected,
                |filter| filter.of,
                |price| price.interactions,
            );
        };
        let leads: HashSet<Key> = leads.into_iter().collect();
        let mut each = Vec::new();
        let mut calls: u32 = 0;
        for price in leads.iter().flat_map(|lead| self.at(&lead.source)) {
            let reads = match price.history {
                History::None => 0,
                History::PerLead => 1,
                History::Linked => price.lead.given() + price.conversation.named(),
            };
            calls = calls.saturating_add(reads);
            each.push(price);
        }
        let own = self.charge(name, selected.field, calls, "ask for fewer `filter.leads` at once");
        let count = self.page(field);
        own.saturating_add(self.worst(selected, Object::Connection(kind), count, each))
    }

    /// Records by ids that the client gives; of one kind only where that is said.
    fn given(
        &mut self,
        name: &'static str,
        wanted: Option<EntityKind>,
        selected: &Selected<'a>,
        ids: HashSet<(EntityKind, Key)>,
    ) -> u32 {
        let mut groups: Vec<(EntityKind, Price, u32)> = Vec::new();
        for (kind, key) in ids.into_iter().filter(|(kind, _)| wanted.is_none_or(|wanted| wanted == *kind)) {
            let Some(price) = self.at(&key.source).pop() else { continue };
            match groups.iter_mut().find(|(other, like, _)| *other == kind && *like == price) {
                Some((.., count)) => *count += 1,
                None => groups.push((kind, price, 1)),
            }
        }
        let reads = groups.iter().map(|(kind, price, count)| {
            let lookup = match kind {
                EntityKind::Lead => price.lead,
                EntityKind::Conversation => price.conversation,
                EntityKind::Interaction => price.interaction,
            };
            lookup.given().saturating_mul(*count)
        });
        let calls = reads.fold(0, u32::saturating_add);
        let own = self.charge(name, selected.field, calls, "ask for fewer ids at once");
        let below = groups.iter().map(|(kind, price, count)| {
            let on =
                On { object: Object::Record(*kind), count: *count, leads: *count, whole: true, depth: 1 };
            self.below(selected, on, price)
        });
        below.fold(own, u32::saturating_add)
    }

    fn listed(&mut self, name: &'static str, selected: &Selected<'a>, calls: u32, backward: u32) -> u32 {
        let given = |name| self.fields.argument::<Option<String>>(&selected.field.node, name).flatten();
        let last = self.fields.argument::<Option<i32>>(&selected.field.node, "last").flatten();
        // A cursor is of a page that was read, so the way to it is mostly short or still in the cache.
        if last.is_some() && given("before").is_none() && calls > 0 {
            return self.charge(name, selected.field, calls.saturating_add(backward), FORWARD);
        }
        self.charge(name, selected.field, calls, FEWER)
    }

    /// What is below a list over several sources: all its records may come from the one where they cost most.
    fn worst(&mut self, selected: &Selected<'a>, object: Object, count: u32, each: Vec<Price>) -> u32 {
        let mut unlike: Vec<Price> = Vec::new();
        for price in each {
            if !unlike.contains(&price) {
                unlike.push(price);
            }
        }
        let below = unlike.iter().map(|price| {
            // Where interactions are listed lead by lead they are no conversations.
            let apart =
                object == Object::Connection(EntityKind::Interaction) && price.history == History::PerLead;
            let whole = apart || !price.cuts;
            self.below(selected, On { object, count, leads: count, whole, depth: 1 }, price)
        });
        below.max().unwrap_or(0)
    }

    pub(super) fn below(&mut self, selected: &Selected<'a>, on: On, price: &Price) -> u32 {
        if on.depth > MAX_DEPTH {
            return 0;
        }
        let fields = self.fields.on(&selected.below, &|name| on.object.is(name));
        let mut told = Told::default();
        let on = On { depth: on.depth + 1, ..on };
        let costs = fields.iter().map(|selected| self.field(selected, on, price, &mut told));
        costs.fold(0, u32::saturating_add)
    }

    fn field(&mut self, selected: &Selected<'a>, on: On, price: &Price, told: &mut Told) -> u32 {
        use EntityKind::{Conversation, Interaction, Lead};
        let at = selected.field;
        let record = |kind| On { object: Object::Record(kind), ..on };
        match (on.object, at.node.name.node.as_str()) {
            (Object::Connection(kind), "nodes") | (Object::Edge(kind), "node") => {
                self.below(selected, record(kind), price)
            }
            (Object::Payload, "lead") => self.below(selected, record(Lead), price),
            (Object::Connection(kind), "edges") => {
                self.below(selected, On { object: Object::Edge(kind), ..on }, price)
            }
            (Object::Event, "lead") => self.below(selected, record(Lead), price),
            (Object::Event, "conversation") => self.below(selected, record(Conversation), price),
            (Object::Event, "interaction") => self.below(selected, record(Interaction), price),
            (Object::Record(Lead), "conversation") if price.links => {
                let calls = if told.scouted() { 0 } else { scout(price, on.count) };
                let own = self.charge("Lead.conversation", at, calls, SMALLER);
                let whole = !price.cuts || calls == on.count;
                own.saturating_add(self.below(selected, On { whole, ..record(Conversation) }, price))
            }
            (Object::Record(Lead), "interactions") => self.history(selected, on, price, told),
            (Object::Record(Conversation | Interaction), "transcript" | "toolCalls") => {
                let calls =
                    if on.whole || told.read() { 0 } else { on.count.saturating_mul(CUT.0).div_ceil(CUT.1) };
                let name = match on.object {
                    Object::Record(Interaction) => "Interaction.transcript",
                    _ => "Conversation.transcript",
                };
                self.charge(name, at, calls, SMALLER)
            }
            (Object::Record(kind @ (Conversation | Interaction)), "lead") => {
                let calls = named_leads(price, on.leads);
                let name = if kind == Conversation { "Conversation.lead" } else { "Interaction.lead" };
                let calls = if told.named() { 0 } else { calls };
                let own = self.charge(name, at, calls, SMALLER);
                let leads = On { count: on.leads, whole: true, ..record(Lead) };
                own.saturating_add(self.below(selected, leads, price))
            }
            (Object::Record(Interaction), "conversation") => {
                // Without conversations of the vendor's own it is made from the interaction.
                let reads = price.conversations > 0 && !told.scouted();
                let calls = if reads { scout(price, on.count) } else { 0 };
                let own = self.charge("Interaction.conversation", at, calls, SMALLER);
                own.saturating_add(self.below(selected, record(Conversation), price))
            }
            (Object::Record(Interaction), "call") => {
                self.below(selected, On { object: Object::Call, ..on }, price)
            }
            (Object::Record(Conversation) | Object::Call, "recording") => {
                self.below(selected, On { object: Object::Recording, ..on }, price)
            }
            (Object::Recording, "link") if price.recordings => {
                self.charge("Recording.link", at, on.count, SMALLER)
            }
            _ => 0,
        }
    }

    /// `Lead.interactions` of some leads of one source.
    fn history(&mut self, selected: &Selected<'a>, on: On, price: &Price, told: &mut Told) -> u32 {
        let field = &selected.field.node;
        let filter = self.filter::<InteractionFilter, request::InteractionFilter>(field);
        let allowed = filter.is_some_and(|filter| (self.prices)(&filter.of).each.contains(price));
        let (calls, page, whole) = match price.history {
            _ if !allowed => return 0,
            History::None => return 0,
            History::PerLead => (on.count, self.page(field), true),
            // The look through the list is the one that the leads' conversations need.
            History::Linked => (if told.scouted() { 0 } else { scout(price, on.count) }, 1, !price.cuts),
        };
        let own = self.charge("Lead.interactions", selected.field, calls, SMALLER);
        let count = on.count.saturating_mul(page);
        let object = Object::Connection(EntityKind::Interaction);
        own.saturating_add(self.below(selected, On { object, count, leads: on.count, whole, ..on }, price))
    }

    /// How many records a page of a list has at most. What cannot be is refused before any call.
    fn page(&self, field: &Field) -> u32 {
        let given = |name| self.fields.argument::<Option<i32>>(field, name).flatten();
        let count = given("first").or_else(|| given("last")).unwrap_or(PAGE.0);
        count.clamp(1, PAGE.1).unsigned_abs()
    }

    /// A filter as `gather/` will get it; `None` where it cannot be, which is refused before any call.
    fn filter<F: InputType + Default, G: TryFrom<F>>(&self, field: &Field) -> Option<G> {
        self.fields.argument::<Option<F>>(field, "filter")?.unwrap_or_default().try_into().ok()
    }

    fn ids(&self, field: &Field, argument: &str) -> HashSet<(EntityKind, Key)> {
        let ids = self.fields.argument::<Vec<ID>>(field, argument).unwrap_or_default();
        let records = ids.iter().take(MAX_NODES).filter_map(|id| match GlobalId::decode(id) {
            Ok(GlobalId::Record(kind, key)) => Some((kind, key)),
            _ => None,
        });
        records.collect()
    }

    pub(super) fn at(&self, source: &SourceId) -> Vec<Price> {
        (self.prices)(&SourceFilter { sources: Some(vec![source.clone()]), vendors: None }).each
    }
}

/// What was counted already among the fields of one object, which several of them need.
#[derive(Default)]
struct Told {
    scouted: bool,
    read: bool,
    named: bool,
}

impl Told {
    fn scouted(&mut self) -> bool {
        std::mem::replace(&mut self.scouted, true)
    }
    fn read(&mut self) -> bool {
        std::mem::replace(&mut self.read, true)
    }
    fn named(&mut self) -> bool {
        std::mem::replace(&mut self.named, true)
    }
}
