//! Our own writes, kept visible for a while from vendors that read stale.
//!
//! After a write the vendor may still tell what was before it, from a copy that lags behind. So for ten seconds every lead that is
//! read is held against what is known of it, before it goes into the cache. A row that shows the write, or a newer change, is
//! the vendor's own word and is taken as it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::id::Key;
use crate::model::lead::Lead;
use crate::model::write::LeadEdit;

/// How long a vendor may lag behind.
pub(super) const LAG: Duration = Duration::from_secs(10);
/// The most writes that are kept; beyond it the oldest goes.
const MOST: usize = 1_024;

/// What was written of late. Clones share it.
#[derive(Clone, Default)]
pub(in crate::gather) struct Overlay(Arc<Mutex<HashMap<Key, Written>>>);

struct Written {
    before: Lead,
    edit: LeadEdit,
    /// The lead as it is since.
    lead: Lead,
    until: Instant,
}

impl Overlay {
    /// Notes that `edit` made `lead` of `before`.
    pub(in crate::gather) fn note(&self, before: Lead, edit: LeadEdit, lead: Lead) {
        let now = Instant::now();
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.retain(|_, written| written.until > now);
        if written.len() >= MOST
            && let Some(oldest) = written.iter().min_by_key(|(_, written)| written.until)
        {
            let oldest = oldest.0.clone();
            written.remove(&oldest);
        }
        written.insert(lead.key.clone(), Written { before, edit, lead, until: now + LAG });
    }

    /// As [`Overlay::over`], of a row that is shared.
    pub(in crate::gather) fn over_shared(&self, told: &mut Arc<Lead>) {
        if self.holds(&told.key) {
            *told = Arc::new(self.over(Lead::clone(told)));
        }
    }

    fn holds(&self, key: &Key) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    /// A lead as a vendor has just told it, or as it is known to be.
    pub(in crate::gather) fn over(&self, told: Lead) -> Lead {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(written) = all.get(&told.key) else { return told };
        if written.until <= Instant::now()
            || told.updated_at.is_some() && told.updated_at > written.lead.updated_at
        {
            all.remove(&told.key);
            return told;
        }
        let older = told.updated_at.is_some() && told.updated_at < written.lead.updated_at;
        // What a list cuts short says nothing about what it leaves out.
        if told.sparse || (!older && written.edit.shows(&written.before, &told)) {
            told
        } else {
            written.lead.clone()
        }
    }
}
