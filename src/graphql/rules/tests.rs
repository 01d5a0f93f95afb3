use super::*;

#[test]
fn every_field_has_one_rule_and_every_rule_a_field() {
    let mut ruled = std::collections::HashSet::new();
    for (on, _, fields) in RULES {
        for field in *fields {
            assert!(ruled.insert((on, field)), "{on}.{field} has two rules");
            let Some(Shape::Object { fields, .. }) = tables().types.0.get(*on) else {
                panic!("there is no type {on}")
            };
            assert!(fields.contains_key(*field), "there is no {on}.{field}");
        }
    }
    for (on, shape) in &tables().types.0 {
        if let Shape::Object { fields, .. } = shape {
            for field in fields.keys() {
                assert!(rule(on, field).is_some(), "{on}.{field} has no rule: who may select it?");
            }
        }
    }
}
