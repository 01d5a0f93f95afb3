//! How large the definitions of a document are once their fragments are unfolded.
//!
//! The library (8.0.0-rc.5) checks, validates and executes every spread of a fragment anew, so ten fragments that spread the next
//! one ten times would keep a thread busy for hours. Here each fragment is counted once, after those that it spreads.

use std::collections::HashMap;

use super::outline::Definition;
use super::{Counts, Limit, Limits, Refused};

/// A definition with all that its spreads bring. Bounded by saturation.
#[derive(Clone, Copy, Debug)]
struct Size {
    selections: u32,
    roots: u32,
    depth: u32,
}

/// Adds what only unfolding shows to the counts. A fragment that nobody spreads counts as an operation does: validation looks
/// into it as well. So all that there is to walk is counted, whichever operation is asked for.
pub(super) fn unfold(
    definitions: &[Definition<'_>],
    limits: &Limits,
    counts: &mut Counts,
) -> Result<(), Refused> {
    let mut named: HashMap<&str, usize> = HashMap::new();
    for (place, definition) in definitions.iter().enumerate() {
        // Of two that have one name the parser will take neither.
        definition.fragment.map(|name| named.entry(name).or_insert(place));
    }
    // For each definition: how many of its spreads are not counted yet, and who spreads it.
    let mut waiting = vec![0_usize; definitions.len()];
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); definitions.len()];
    for (place, definition) in definitions.iter().enumerate() {
        for spread in &definition.spreads {
            let Some(fragment) = named.get(spread.fragment) else { continue };
            if let (Some(waiting), Some(users)) = (waiting.get_mut(place), users.get_mut(*fragment)) {
                *waiting += 1;
                users.push(place);
            }
        }
    }
    let mut ready: Vec<usize> =
        (0..definitions.len()).filter(|place| waiting.get(*place) == Some(&0)).collect();
    let mut sizes: Vec<Option<Size>> = vec![None; definitions.len()];
    while let Some(place) = ready.pop() {
        let Some(definition) = definitions.get(place) else { continue };
        let of = |name: &str| named.get(name).and_then(|place| *sizes.get(*place)?);
        let size = size(definition, of);
        let free = users.get(place).is_none_or(Vec::is_empty);
        if free {
            counts.selections = counts.selections.saturating_add(size.selections);
        }
        if definition.fragment.is_none() {
            counts.root_fields = counts.root_fields.max(size.roots);
        }
        counts.depth = counts.depth.max(size.depth);
        let over = match () {
            () if counts.depth > limits.depth => Some(Limit::Depth),
            () if counts.selections > limits.selections => Some(Limit::Selections),
            () if counts.root_fields > limits.root_fields => Some(Limit::RootFields),
            () => None,
        };
        if let Some(over) = over {
            return Err(Refused::Over(over, definition.start));
        }
        if let Some(known) = sizes.get_mut(place) {
            *known = Some(size);
        }
        for user in users.get(place).into_iter().flatten() {
            if let Some(waiting) = waiting.get_mut(*user) {
                *waiting -= 1;
                if *waiting == 0 {
                    ready.push(*user);
                }
            }
        }
    }
    // What still waits spreads itself, by way of others or not.
    let circle = definitions
        .iter()
        .zip(&sizes)
        .find(|(definition, size)| definition.fragment.is_some() && size.is_none());
    circle.map_or(Ok(()), |(definition, _)| Err(Refused::Circle(definition.start)))
}

fn size(definition: &Definition<'_>, of: impl Fn(&str) -> Option<Size>) -> Size {
    let own = Size { selections: definition.selections, roots: definition.roots, depth: definition.depth };
    definition.spreads.iter().fold(own, |sum, spread| {
        // A fragment that there is not is validation's to refuse.
        let Some(below) = of(spread.fragment) else { return sum };
        Size {
            selections: sum.selections.saturating_add(below.selections),
            roots: sum.roots.saturating_add(if spread.root { below.roots } else { 0 }),
            depth: sum.depth.max(spread.depth.saturating_add(1).saturating_add(below.depth)),
        }
    })
}
