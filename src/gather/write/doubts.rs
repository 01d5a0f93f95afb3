//! Notes of which nobody knows whether they were written, for as long as the vendor's reads may lag behind.
//!
//! Where notes are written as a whole, one more is written as all that were just read and the new one. A note that the vendor has and
//! does not show yet would be undone by that, so the next one has to wait until it is shown, or is not going to be.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::overlay::LAG;
use crate::model::id::Key;
use crate::model::lead::Lead;
use crate::model::write::LeadEdit;

/// The most notes that are kept in mind; beyond it the oldest goes.
const MOST: usize = 1_024;

/// What is in doubt, by lead.
#[derive(Default)]
pub(super) struct Doubts(Mutex<HashMap<Key, Doubt>>);

struct Doubt {
    before: Lead,
    edit: LeadEdit,
    until: Instant,
}

impl Doubts {
    /// `edit` may have made something else of `before`, or may yet.
    pub(super) fn raise(&self, before: &Lead, edit: &LeadEdit) {
        let now = Instant::now();
        let mut doubts = self.lock();
        doubts.retain(|_, doubt| doubt.until > now);
        if doubts.len() >= MOST
            && let Some(oldest) =
                doubts.iter().min_by_key(|(_, doubt)| doubt.until).map(|(key, _)| key.clone())
        {
            doubts.remove(&oldest);
        }
        let doubt = Doubt { before: before.clone(), edit: edit.clone(), until: now + LAG };
        doubts.insert(before.key.clone(), doubt);
    }

    /// Whether something about a lead is in doubt that `told`, as the vendor has just told it, does not settle.
    pub(super) fn stand_against(&self, told: &Lead) -> bool {
        let mut doubts = self.lock();
        let Some(doubt) = doubts.get(&told.key) else { return false };
        let stands = doubt.until > Instant::now() && !doubt.edit.shows(&doubt.before, told);
        if !stands {
            doubts.remove(&told.key);
        }
        stands
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Doubt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
