//! From LeadSail's words to ours. Pure: no call, no clock, no failure but a row that has no id.

mod interaction;
mod lead;

pub(super) use self::interaction::interaction;
pub(super) use self::lead::{lead, status, status_word};
use super::text::Text;
use crate::model::id::{Key, NativeId, SourceId};
use crate::model::text::present;

fn key(source: &SourceId, id: &Text<'_>) -> Option<Key> {
    let native = NativeId::new(id.as_str().and_then(present)?)?;
    Some(Key { source: source.clone(), native, day: None })
}
