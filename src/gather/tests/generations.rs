//! What is forgotten stays forgotten, whatever is under way. On a paused clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{advance, sleep};

use super::model::{Model, Nature, cx, gather, rows};
use crate::gather::Gather;
use crate::gather::cache::{Cache, Fresh, Life, ReadKey};
use crate::gather::generations::Name;
use crate::gather::request::{LeadFilter, Paging};
use crate::gather::settings::Settings;
use crate::model::caps::Paging as Pages;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{EntityKind, Key, NativeId, SourceId};

fn source() -> SourceId {
    SourceId::new("a").unwrap()
}

fn native(id: &str) -> NativeId {
    NativeId::new(id).unwrap()
}

fn lead(id: &str) -> ReadKey {
    ReadKey::Lead(Key { source: source(), native: native(id), day: None })
}

fn list() -> ReadKey {
    ReadKey::Leads(source(), Box::default(), None)
}

fn fresh(value: u32) -> Fresh<u32> {
    let life = Life { fresh: Duration::from_secs(10), stale: Duration::from_secs(60) };
    Fresh { value, weight: 1, life, rows: None }
}

/// A value at a vendor that says at the end of a call what it was at its beginning: as old as an answer can be.
#[derive(Clone, Default)]
struct Vendor {
    value: Arc<AtomicU32>,
    calls: Arc<AtomicU32>,
}

impl Vendor {
    async fn read(&self, cache: &Cache, key: ReadKey, takes: u64, fails: bool) -> Option<u32> {
        let vendor = self.clone();
        let load = move |_, _| async move {
            vendor.calls.fetch_add(1, Ordering::SeqCst);
            let value = vendor.value.load(Ordering::SeqCst);
            sleep(Duration::from_millis(takes)).await;
            if fails {
                return Err(SourceError::new(&source(), "read", SourceErrorKind::Unreachable));
            }
            Ok(fresh(value))
        };
        cache.read(&cx(), key, load).await.ok().map(|read| *read.value)
    }

    fn change(&self) -> u32 {
        self.value.fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_from_before_is_neither_joined_nor_kept() {
    let (cache, vendor) = (Cache::new(&Settings::default()), Vendor::default());
    let early = {
        let (cache, vendor) = (cache.clone(), vendor.clone());
        tokio::spawn(async move { vendor.read(&cache, lead("x"), 900, false).await })
    };
    sleep(Duration::from_millis(100)).await;
    vendor.change();
    cache.forget(Name::Record(&source(), &native("x")));
    assert_eq!(vendor.read(&cache, lead("x"), 100, false).await, Some(1), "it joined the read from before");
    assert_eq!(early.await.unwrap(), Some(0));
    assert_eq!(vendor.read(&cache, lead("x"), 100, false).await, Some(1), "the read from before was kept");
    assert_eq!(vendor.calls.load(Ordering::SeqCst), 2, "the newer value is still held");
}

#[tokio::test(start_paused = true)]
async fn a_read_of_a_source_that_ended_is_not_joined_by_its_namesake() {
    let settings = Settings::default();
    let (before, old, new) = (Cache::new(&settings), Vendor::default(), Vendor::default());
    new.change();
    let after = before.next(&settings, std::iter::once(source()));
    // A request that goes on as it began reads the old one even now.
    let late = tokio::spawn(async move { old.read(&before, lead("x"), 900, false).await });
    sleep(Duration::from_millis(100)).await;
    assert_eq!(new.read(&after, lead("x"), 100, false).await, Some(1));
    assert_eq!(late.await.unwrap(), Some(0));
    assert_eq!(new.read(&after, lead("x"), 100, false).await, Some(1), "nor is what it brings kept");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_from_before_does_not_resurrect_what_was_forgotten() {
    let (cache, vendor) = (Cache::new(&Settings::default()), Vendor::default());
    assert_eq!(vendor.read(&cache, lead("x"), 1, false).await, Some(0));
    advance(Duration::from_secs(11)).await;
    assert_eq!(vendor.read(&cache, lead("x"), 500, false).await, Some(0), "served while it is renewed");
    sleep(Duration::from_millis(100)).await;
    assert_eq!(vendor.calls.load(Ordering::SeqCst), 2, "the renewal is under way");
    vendor.change();
    cache.forget(Name::Record(&source(), &native("x")));
    assert_eq!(vendor.read(&cache, lead("x"), 1, false).await, Some(1));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(vendor.read(&cache, lead("x"), 1, false).await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn what_was_forgotten_does_not_stand_in_for_a_vendor_that_fails() {
    let (cache, vendor) = (Cache::new(&Settings::default()), Vendor::default());
    assert_eq!(vendor.read(&cache, lead("x"), 1, false).await, Some(0));
    cache.forget(Name::Record(&source(), &native("x")));
    assert_eq!(vendor.read(&cache, lead("x"), 1, true).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_came_along_with_a_list_from_before_is_void_too() {
    let cache = Cache::new(&Settings::default());
    let inner = cache.clone();
    let load = move |_, begun| async move {
        inner.forget(Name::Record(&source(), &native("x")));
        for id in ["x", "y"] {
            inner.hold(lead(id), fresh(0), cx().now, begun).await;
        }
        Ok(fresh(0))
    };
    assert!(cache.read(&cx(), list(), load).await.is_ok());
    assert!(cache.peek::<u32>(&lead("x")).await.is_none());
    assert!(cache.peek::<u32>(&lead("y")).await.is_some(), "nothing else is forgotten");
    assert!(cache.peek::<u32>(&list()).await.is_some(), "its record is, the list is not");
}

#[tokio::test(start_paused = true)]
async fn a_history_is_forgotten_with_its_lead_and_with_the_talks_of_its_source() {
    let (cache, key) = (Cache::new(&Settings::default()), ReadKey::History(source(), native("x")));
    for name in [Name::Record(&source(), &native("x")), Name::lists(&source(), EntityKind::Interaction)] {
        cache.hold(key.clone(), fresh(0), cx().now, cache.now()).await;
        assert!(cache.peek::<u32>(&key).await.is_some());
        cache.forget(name);
        assert!(cache.peek::<u32>(&key).await.is_none(), "{name:?}");
    }
}

/// Readers that come and go while a vendor's value changes: none gets a value older than the last forgetting before it asked.
async fn history(seed: u64) {
    let settings = Settings { source_timeout: Duration::from_secs(60), ..Settings::default() };
    let (cache, mut dice) = (Cache::new(&settings), fastrand::Rng::with_seed(seed));
    let keys = [lead("x"), lead("y"), list(), ReadKey::History(source(), native("x"))];
    let vendors = keys.clone().map(|_| Vendor::default());
    let mut floors = [0; 4];
    let mut readers = Vec::new();
    for _ in 0..120 {
        let at = dice.usize(..keys.len());
        match dice.u8(..10) {
            0..=1 => {
                floors[at] = vendors[at].change();
                let source = source();
                match at {
                    0 => cache.forget(Name::Record(&source, &native("x"))),
                    1 => cache.forget(Name::Record(&source, &native("y"))),
                    2 => cache.forget(Name::Leads(&source)),
                    _ => cache.forget(Name::Talks(&source)),
                }
            }
            2..=3 => sleep(Duration::from_millis(dice.u64(..9_000))).await,
            _ => {
                let (cache, vendor, key) = (cache.clone(), vendors[at].clone(), keys[at].clone());
                let (floor, takes, fails) = (floors[at], dice.u64(..3_000), dice.u8(..10) == 0);
                let lag = dice.u64(..20);
                readers.push(tokio::spawn(async move {
                    if let Some(value) = vendor.read(&cache, key.clone(), takes, fails).await {
                        assert!(value >= floor, "seed {seed}: {key:?} gave {value} after {floor} was known");
                    }
                }));
                sleep(Duration::from_millis(lag)).await;
            }
        }
    }
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn no_reader_gets_what_was_forgotten_before_it_asked() {
    for seed in 0..100 {
        history(seed).await;
    }
}

fn model(name: &str) -> Arc<Model> {
    let rows = rows(name, 60, 30, &mut fastrand::Rng::with_seed(5));
    Model::new(name, Nature::calm(Pages::Cursor), rows, 1)
}

async fn first(gather: &Gather) -> String {
    let answer = gather.leads(&cx(), &LeadFilter::default(), &Paging::default()).await.unwrap();
    answer.nodes[0].key.native.to_string()
}

#[tokio::test(start_paused = true)]
async fn lists_of_one_source_are_read_anew_once_for_all_and_others_stay() {
    let (a, b) = (model("a"), model("b"));
    let gather = gather(&[Arc::clone(&a), Arc::clone(&b)], Settings::default());
    first(&gather).await;
    a.insert("a-new", cx().now.as_millisecond());
    assert_ne!(first(&gather).await, "a-new", "the pages are fresh");
    gather.forget_lists(&SourceId::new("a").unwrap(), EntityKind::Conversation);
    assert_ne!(first(&gather).await, "a-new", "only talks were forgotten");
    gather.forget(EntityKind::Lead, &Key { source: source(), native: native("a-new"), day: None });
    let firsts = join_all((0..50).map(|_| first(&gather))).await;
    assert!(firsts.iter().all(|first| first == "a-new"));
    assert_eq!((a.calls(), b.calls()), (2, 1));
}
