//! Rows of cached pages as single records: found without a call, and otherwise as if each were held by itself.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::model::cx::Meter;
use crate::model::id::{NativeId, Vendor};
use crate::model::lead::Lead;
use crate::model::page::Page;

type Single = Option<Arc<Lead>>;

fn source() -> SourceId {
    SourceId::new("a").unwrap()
}

fn key(id: &str) -> Key {
    Key { source: source(), native: NativeId::new(id).unwrap(), day: None }
}

fn lead(id: &str, name: &str) -> Arc<Lead> {
    Arc::new(Lead { name: Some(name.to_owned()), ..Lead::bare(key(id), Vendor::Spelo) })
}

fn cx() -> Cx {
    Cx {
        deadline: Instant::now() + Duration::from_secs(60),
        now: Timestamp::from_second(1_790_000_000).unwrap(),
        request_id: "test".into(),
        caller: crate::model::caller::Caller::unrestricted("anyone"),
        meter: Meter::default(),
        background: false,
        anew: false,
    }
}

fn life(fresh: u64, stale: u64) -> Life {
    Life { fresh: Duration::from_secs(fresh), stale: Duration::from_secs(stale) }
}

/// A page whose rows are good for ten seconds, and an hour where nothing else is to be had.
fn page(rows: &[Arc<Lead>], own: Life) -> Fresh<Arc<Page<Lead>>> {
    let page = Page { rows: rows.to_vec(), next: None, rejected: 0 };
    Fresh { value: Arc::new(page), weight: 1, life: own, rows: Some(life(10, 3_600)) }
}

/// A vendor's account, and the cache before it.
struct Shop {
    cache: Cache,
    calls: Arc<AtomicU32>,
}

impl Shop {
    fn new() -> Self {
        Self { cache: Cache::new(&Settings::default()), calls: Arc::default() }
    }

    /// Reads the list anew, as it is now.
    async fn list(&self, rows: &[Arc<Lead>], own: Life) {
        let list = ReadKey::Leads(source(), Box::default(), None);
        self.cache.hold(list, page(rows, own), cx().now, self.cache.now()).await;
    }

    /// What a lead is called, read by its id; of a vendor that calls it `name` now, or that fails.
    async fn name(&self, cx: &Cx, id: &str, now: Option<&str>) -> Option<String> {
        let (calls, now) = (Arc::clone(&self.calls), now.map(|name| lead(id, name)));
        let load = move |_, _| async move {
            calls.fetch_add(1, Ordering::Relaxed);
            let failed = || SourceError::new(&source(), "read", SourceErrorKind::Unreachable);
            Ok(Fresh { value: Some(now.ok_or_else(failed)?), weight: 1, life: life(10, 3_600), rows: None })
        };
        let read = self.cache.read::<Single, _>(cx, ReadKey::Lead(key(id)), load).await.ok()?;
        (*read.value).as_ref()?.name.clone()
    }

    /// The same, of a vendor that fails.
    async fn known(&self, id: &str) -> Option<String> {
        self.name(&cx(), id, None).await
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_answers_reads_by_its_id_as_a_record_of_its_own_would() {
    let shop = Shop::new();
    let sparse = Lead { sparse: true, ..Lead::clone(&lead("z", "Zoe")) };
    shop.list(&[lead("x", "Ann"), lead("y", "Ben"), Arc::new(sparse)], life(1, 0)).await;
    assert_eq!(shop.known("x").await.as_deref(), Some("Ann"));
    assert_eq!(shop.calls(), 0);
    assert_eq!(shop.known("z").await, None, "what a list cuts short is no record");
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(shop.name(&cx(), "y", Some("Bea")).await.as_deref(), Some("Ben"), "while it is read anew");
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!((shop.known("y").await.as_deref(), shop.calls()), (Some("Bea"), 2));
    tokio::time::advance(Duration::from_secs(3_500)).await;
    assert_eq!(shop.known("x").await.as_deref(), Some("Ann"), "its vendor fails");
    tokio::time::advance(Duration::from_secs(100)).await;
    assert_eq!(shop.known("x").await, None, "an hour after it was read");
}

#[tokio::test]
async fn a_page_that_is_of_no_more_use_itself_stays_for_its_rows() {
    let shop = Shop::new();
    shop.list(&[lead("x", "Ann")], life(0, 0)).await;
    shop.cache.held.run_pending_tasks().await;
    assert_eq!(shop.known("x").await.as_deref(), Some("Ann"));
}

#[tokio::test(start_paused = true)]
async fn a_row_that_has_left_its_page_is_still_known() {
    let shop = Shop::new();
    // The page that is gone may still lie about for a moment; that is not relied on.
    let by_itself = |id| shop.cache.held.contains_key(&ReadKey::Lead(key(id)));
    shop.list(&[lead("x", "Ann"), lead("y", "Ben")], life(10, 0)).await;
    assert!(!by_itself("x") && !by_itself("y"));
    shop.list(&[lead("y", "Bea")], life(10, 0)).await;
    assert!(by_itself("x") && !by_itself("y"));
    shop.cache.drop_held(&ReadKey::Leads(source(), Box::default(), None)).await;
    assert!(by_itself("y"));
    assert_eq!(shop.known("x").await.as_deref(), Some("Ann"));
    assert_eq!(shop.known("y").await.as_deref(), Some("Bea"));
    assert_eq!(shop.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_row_goes_over_to_the_next_cache_with_its_page() {
    let shop = Shop::new();
    shop.list(&[lead("x", "Ann")], life(10, 0)).await;
    let next = shop.cache.next(&Settings::default(), std::iter::empty());
    assert_eq!(Shop { cache: next, ..shop }.known("x").await.as_deref(), Some("Ann"));
}

#[tokio::test(start_paused = true)]
async fn a_newer_row_takes_the_place_of_a_record_and_voids_what_rests_on_that() {
    let shop = Shop::new();
    shop.list(&[lead("x", "Ann")], life(10, 0)).await;
    let cx = cx();
    assert_eq!(shop.name(&cx, "x", None).await.as_deref(), Some("Ann"));
    let lease = cx.meter.ground.lease().unwrap();
    assert!(lease.stands());
    shop.list(&[lead("x", "Anna")], life(10, 0)).await;
    assert!(!lease.stands());
    assert_eq!(shop.known("x").await.as_deref(), Some("Anna"));
}

#[tokio::test]
async fn what_was_read_by_itself_is_not_followed_by_an_older_row() {
    let shop = Shop::new();
    shop.list(&[lead("x", "Ann")], life(10, 0)).await;
    let brief = Life { fresh: Duration::from_millis(20), stale: Duration::ZERO };
    let gone = Fresh::<Single> { value: None, weight: 1, life: brief, rows: None };
    shop.cache.hold(ReadKey::Lead(key("x")), gone, cx().now, shop.cache.now()).await;
    tokio::time::sleep(Duration::from_millis(40)).await;
    shop.cache.held.run_pending_tasks().await;
    assert_eq!(shop.known("x").await, None, "it was deleted");
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_forgotten_or_dropped_is_gone_and_its_neighbours_are_not() {
    let shop = Shop::new();
    shop.list(&[lead("x", "Ann"), lead("y", "Ben"), lead("z", "Zoe")], life(10, 0)).await;
    shop.cache.forget(Name::Record(&source(), &key("x").native));
    shop.cache.forget(Name::Leads(&source()));
    shop.cache.drop_held(&ReadKey::Lead(key("y"))).await;
    assert_eq!((shop.known("x").await, shop.known("y").await), (None, None));
    assert_eq!(shop.known("z").await.as_deref(), Some("Zoe"));
}

#[test]
fn places_of_pages_that_are_gone_are_cleared_away() {
    let (rows, cache) = (Rows::default(), Generations::new());
    let held =
        |id: &str| Holding::new(page(&[lead(id, "Ann")], life(10, 0)), Timestamp::UNIX_EPOCH, cache.now());
    let stays = held("stays");
    rows.put(&key("stays"), &stays, 0);
    for number in 0..10_000 {
        let id = format!("x{number}");
        rows.put(&key(&id), &held(&id), 0);
    }
    assert!(rows.get(&key("stays")).is_some());
    assert!(rows.places() <= 1_024, "{}", rows.places());
}
