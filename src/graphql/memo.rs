//! Answers a root list once per request and set of arguments.
//!
//! Two selections of one field (two fragments, say) run its resolver twice, and the executor zips the two lists by index.
//! Had the vendor's list shifted in between, one lead would be shown with another's name.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// What has been answered in one request, by arguments. The number of entries is bounded by the document.
pub(super) struct Memo<K, V>(Mutex<HashMap<K, Arc<OnceCell<V>>>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    /// The answer for `key`, made by the first who asks; others wait for it. Failures are remembered like answers.
    ///
    /// # Cancellation
    /// If the one who makes it is dropped, the next who waits makes it.
    pub(super) async fn get(&self, key: K, make: impl Future<Output = V>) -> V {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key).or_default())
        };
        cell.get_or_init(|| make).await.clone()
    }
}

#[cfg(test)]
mod tests;
