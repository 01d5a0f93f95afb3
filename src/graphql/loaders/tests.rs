use futures_util::future::join_all;

use super::*;
use crate::graphql::types::vendor;
use crate::model::id::NativeId;

type Batches = Arc<Mutex<Vec<Vec<u32>>>>;

/// Answers even numbers, knows nothing of odd ones, and fails on 13. Remembers its batches.
#[derive(Clone, Default)]
struct Numbers {
    batches: Batches,
    slow: bool,
}

impl Fetch for Numbers {
    type Key = u32;
    type Value = u32;

    async fn fetch(&self, keys: &[u32]) -> HashMap<u32, Outcome<u32>> {
        let mut batch = keys.to_vec();
        batch.sort_unstable();
        self.batches.lock().unwrap().push(batch);
        if self.slow {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        let answer = |key: &u32| match key {
            13 => Some((13, Err(ClientError::bad_input("unlucky")))),
            key => (key % 2 == 0).then_some((*key, Ok(key * 10))),
        };
        keys.iter().filter_map(answer).collect()
    }
}

fn shelf(slow: bool) -> (Shelf<Numbers>, Batches) {
    let numbers = Numbers { slow, ..Numbers::default() };
    let batches = Arc::clone(&numbers.batches);
    (Shelf::new(numbers), batches)
}

fn source(name: &str) -> SourceId {
    SourceId::new(name).unwrap()
}

#[tokio::test]
async fn a_page_of_look_ups_is_one_batch_per_source() {
    let (shelf, batches) = shelf(false);
    let (acme, other) = (source("acme"), source("other"));
    let all = (0..200).map(|n| shelf.load(if n < 100 { &acme } else { &other }, n));
    join_all(all).await;
    let mut batches = batches.lock().unwrap().clone();
    batches.sort();
    assert_eq!(batches, [(0..100).collect::<Vec<_>>(), (100..200).collect()]);
}

#[tokio::test]
async fn every_key_has_its_own_result_and_keeps_it_for_the_request() {
    let (shelf, batches) = shelf(false);
    let acme = source("acme");
    for _ in 0..2 {
        let (found, failed, unanswered) =
            tokio::join!(shelf.load(&acme, 2), shelf.load(&acme, 13), shelf.load(&acme, 3));
        assert_eq!(found.unwrap(), 20);
        assert!(matches!(failed, Err(ClientError::Input(_))));
        assert!(matches!(unanswered, Err(ClientError::Internal)));
    }
    assert_eq!(*batches.lock().unwrap(), [[2, 3, 13]]);
}

#[tokio::test(start_paused = true)]
async fn followers_of_a_dropped_leader_still_get_their_answer() {
    let (shelf, batches) = shelf(true);
    let acme = source("acme");
    let mut leader = Box::pin(shelf.load(&acme, 2));
    // The leader yields a few times for others to join, then reads.
    while batches.lock().unwrap().is_empty() {
        assert!(futures_util::poll!(&mut leader).is_pending());
        tokio::task::yield_now().await;
    }
    let mut follower = Box::pin(shelf.load(&acme, 2));
    assert!(futures_util::poll!(&mut follower).is_pending());
    drop(leader);
    assert_eq!(follower.await.unwrap(), 20);
}

#[test]
fn histories_are_told_apart_by_lead_filter_and_page_and_show_no_personal_data() {
    let key = |native: &str, first| {
        let id = Key { source: source("acme"), native: NativeId::new(native).unwrap(), day: None };
        let lead = Lead { name: Some("Ada".to_owned()), ..Lead::bare(id, vendor::ANY) };
        let paging = Paging { first, ..Paging::default() };
        HistoryKey { lead: Arc::new(lead), filter: InteractionFilter::default(), paging }
    };
    assert_eq!(key("1", Some(5)), key("1", Some(5)));
    assert_ne!(key("1", Some(5)), key("1", Some(6)));
    assert_ne!(key("1", Some(5)), key("2", Some(5)));
    assert!(!format!("{:?}", key("1", None)).contains("Ada"));
}
