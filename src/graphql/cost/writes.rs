//! What mutations cost, and how many there are.

use async_graphql::ID;
use async_graphql::parser::types::SelectionSet;

use super::fields::Selected;
use super::walk::{Object, On, Walk};
use crate::gather::prices::Price;
use crate::graphql::mutation::{ReviewLeadInput, UpdateLeadInput};
use crate::graphql::scalars::id;
use crate::model::id::EntityKind;

const ONE: &str = "change fewer leads at once";

impl<'a> Walk<'a> {
    /// All of an operation: its calls, and how many writes it makes. One that is selected twice would be sent twice, which nobody
    /// means: it is a conflict.
    pub(super) fn mutation(&mut self, set: &'a SelectionSet) -> (u32, u32) {
        let fields = self.fields.executed_on(set, &|name| name == "Mutation");
        if let Some(twice) = fields.iter().find(|selected| selected.below.len() > 1) {
            self.fields.conflict.get_or_insert(twice.field.pos);
        }
        let (mut calls, mut writes) = (0_u32, 0_u32);
        for selected in &fields {
            let field = &selected.field.node;
            let cost = match field.name.node.as_str() {
                "updateLead" => {
                    let input = self.fields.argument::<UpdateLeadInput>(field, "input").map(|input| input.id);
                    self.write("Mutation.updateLead", selected, input, |price| price.update)
                }
                "reviewLead" => {
                    let input = self.fields.argument::<ReviewLeadInput>(field, "input").map(|input| input.id);
                    self.write("Mutation.reviewLead", selected, input, |price| price.review)
                }
                _ => continue,
            };
            calls = calls.saturating_add(cost);
            writes += 1;
        }
        (calls, writes)
    }

    fn write(
        &mut self,
        name: &'static str,
        selected: &Selected<'a>,
        lead: Option<ID>,
        calls: fn(&Price) -> u32,
    ) -> u32 {
        let lead = lead.and_then(|lead| id::record(&lead, EntityKind::Lead).ok());
        let Some(price) = lead.and_then(|lead| self.at(&lead.source).pop()) else { return 0 };
        let own = self.charge(name, selected.field, calls(&price), ONE);
        let on = On { object: Object::Payload, count: 1, leads: 1, whole: true, depth: 1 };
        own.saturating_add(self.below(selected, on, &price))
    }
}
