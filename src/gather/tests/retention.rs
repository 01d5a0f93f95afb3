//! What a vendor has deleted is not seen for long, however long the vendor fails afterwards. On a paused clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::advance;

use super::model::cx;
use crate::gather::cache::{Age, Cache, Fresh, Life, ReadKey};
use crate::gather::settings::Settings;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{Key, NativeId, SourceId};

const MINUTE: u64 = 60;

/// A record that was read once, of a vendor that fails ever after.
struct Shelf {
    cache: Cache,
    key: ReadKey,
    down: Arc<AtomicBool>,
}

impl Shelf {
    async fn of(life: Life) -> Self {
        let source = SourceId::new("a").unwrap();
        let key = Key { source, native: NativeId::new("1").unwrap(), day: None };
        let settings =
            Settings { stale_while_revalidate: Duration::from_secs(MINUTE), ..Settings::default() };
        let shelf = Self { cache: Cache::new(&settings), key: ReadKey::Lead(key), down: Arc::default() };
        assert!(matches!(shelf.read(life).await, Ok(Age::Fresh)));
        shelf.down.store(true, Ordering::Relaxed);
        shelf
    }

    async fn read(&self, life: Life) -> Result<Age, SourceErrorKind> {
        let (down, source) = (Arc::clone(&self.down), SourceId::new("a").unwrap());
        let load = move |_, _| async move {
            if down.load(Ordering::Relaxed) {
                return Err(SourceError::new(&source, "read", SourceErrorKind::Unreachable));
            }
            Ok(Fresh { value: 1_u32, weight: 1, life, rows: None })
        };
        let read = self.cache.read(&cx(), self.key.clone(), load).await;
        read.map(|read| read.age).map_err(|error| error.kind)
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_served_an_hour_after_it_was_read() {
    // An ended conversation as it is by default: fresh for 10 minutes, and an hour more while its vendor fails.
    let life = Life { fresh: Duration::from_secs(10 * MINUTE), stale: Duration::from_secs(60 * MINUTE) };
    let shelf = Shelf::of(life).await;
    advance(Duration::from_secs(59 * MINUTE)).await;
    assert!(matches!(shelf.read(life).await, Ok(Age::Stale(_))));
    advance(Duration::from_secs(MINUTE + 1)).await;
    assert_eq!(shelf.read(life).await.unwrap_err(), SourceErrorKind::Unreachable);
}

#[tokio::test(start_paused = true)]
async fn nothing_outlives_the_moment_at_which_its_vendor_deletes_it() {
    let usual = Life { fresh: Duration::from_secs(10 * MINUTE), stale: Duration::from_secs(60 * MINUTE) };
    for (minutes, fresh, stale) in [(20, 9, 19), (5, 4, 4)] {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let end = now.checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let life = usual.until(Some(end), now);
        let shelf = Shelf::of(life).await;
        advance(Duration::from_secs(fresh * MINUTE)).await;
        assert!(matches!(shelf.read(life).await, Ok(Age::Fresh)), "{minutes}");
        advance(Duration::from_secs((stale - fresh) * MINUTE)).await;
        assert!(shelf.read(life).await.is_ok(), "{minutes}");
        advance(Duration::from_secs(MINUTE + 1)).await;
        assert_eq!(shelf.read(life).await.unwrap_err(), SourceErrorKind::Unreachable, "{minutes}");
    }
}
