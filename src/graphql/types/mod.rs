//! The schema's object types, one file each with what belongs to it. They hold what `gather/` answered and shape it when
//! it is selected.

pub(super) mod connection;
pub(super) mod conversation;
pub(super) mod event;
pub(super) mod failure;
pub(super) mod interaction;
pub(super) mod lead;
pub(super) mod node;
pub(super) mod recording;
pub(super) mod report;
pub(super) mod source;
pub(super) mod transcript;
pub(super) mod vendor;
pub(super) mod viewer;
pub(super) mod write;

/// A count or duration as an `Int`, as large or small as that can be.
pub(super) fn int(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}
