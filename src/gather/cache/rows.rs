//! Where the leads of cached pages stand, so that a page is held once: its rows are found as single records where they are,
//! without an entry of their own in the cache, which would weigh as much as a small lead.
//!
//! A page that is gone takes its rows along. Keys are known by their hashes, and a row that is found is compared: where two keys
//! share a hash, the older one is read anew.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::held::{Held, Holding};
use crate::model::id::Key;

/// What one row takes here, about, in bytes.
pub(super) const PLACE: u32 = 48;
/// So many places are never looked through for those of pages that are gone.
const FEW: usize = 1_024;

/// All rows. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Rows {
    places: Arc<Mutex<Places>>,
    hashes: RandomState,
}

#[derive(Default)]
struct Places {
    of: HashMap<u64, Place>,
    /// At how many those of pages that are gone are cleared away.
    most: usize,
}

struct Place {
    page: Weak<Holding>,
    at: usize,
}

impl Rows {
    /// Notes that a lead is row `at` of a page.
    pub(super) fn put(&self, key: &Key, page: &Held, at: usize) {
        let mut places = self.lock();
        if places.of.len() >= places.most {
            places.of.retain(|_, place| place.page.strong_count() > 0);
            // Twice as many as there are, so that clearing away costs each of them a step or two.
            places.most = (places.of.len() * 2).max(FEW);
            let most = places.most;
            places.of.shrink_to(most);
        }
        places.of.insert(self.hash(key), Place { page: Arc::downgrade(page), at });
    }

    /// The page on which a lead stands, and where.
    pub(super) fn get(&self, key: &Key) -> Option<(Held, usize)> {
        let (page, at) = {
            let places = self.lock();
            let place = places.of.get(&self.hash(key))?;
            (place.page.upgrade()?, place.at)
        };
        let is_it = page.lead(at).is_some_and(|lead| lead.key == *key);
        is_it.then_some((page, at))
    }

    /// Forgets where a lead stands. Answers whether it was on this page, where one is given; else it stays.
    pub(super) fn take(&self, key: &Key, page: Option<&Held>) -> bool {
        let mut places = self.lock();
        let hash = self.hash(key);
        let is_it = places.of.get(&hash).is_some_and(|place| {
            page.is_none_or(|page| std::ptr::eq(place.page.as_ptr(), Arc::as_ptr(page)))
        });
        is_it && places.of.remove(&hash).is_some()
    }

    /// How many places there are, those of pages that are gone included.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.lock().of.len()
    }

    fn hash(&self, key: &Key) -> u64 {
        self.hashes.hash_one(key)
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
