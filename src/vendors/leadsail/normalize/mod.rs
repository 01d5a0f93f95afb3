//! From LeadSail's words to ours. Pure: no call, no clock, no failure but a row that has no id.

mod interaction;
mod lead;

pub(super) use self::interaction::interaction;
pub(super) use self::lead::{lead, status, status_word};
use super::lenient::Text;
use crate::model::id::{Key, NativeId, SourceId};
use crate::model::text::present;

fn text(value: Option<&Text>) -> Option<String> {
    value.and_then(|text| present(text.as_str())).map(str::to_owned)
}

fn key(source: &SourceId, id: &Text) -> Option<Key> {
    let native = NativeId::new(present(id.as_str())?)?;
    Some(Key { source: source.clone(), native, day: None })
}
