//! Equal requests at one time: who waits for whom, and for how long.

use futures_util::future::{join_all, ready};
use tokio::time::{Instant, sleep, timeout};

use crate::http::answers::{Answers, Given, Question};
use crate::http::failure::{self, Failure};
use crate::model::caller::Caller;
use crate::model::lease::{Basis, Ground};

use super::*;

struct Always;

impl Basis for Always {
    fn stands(&self) -> bool {
        true
    }
}

/// An answer, which may be given again for a minute, or not at all.
fn answered(lasts: bool) -> Answer {
    let (ground, always) = (Ground::default(), Arc::new(Always) as Arc<dyn Basis>);
    ground.rest(Instant::now() + Duration::from_secs(60), &always);
    let lease = ground.lease().filter(|_| lasts);
    Answer { body: Bytes::from_static(b"{}"), status: StatusCode::OK, fresh: None, lease, retry_after: None }
}

fn question(caller: &str) -> Question {
    let bytes = Bytes::from_static(b"{leads{nodes{id}}}");
    Question { caller: Caller::unrestricted(caller), safe: false, bytes }
}

/// Who asks for answers that take a while to make.
struct Asking {
    answers: Answers,
    begun: AtomicUsize,
    takes: Duration,
    lasts: bool,
}

impl Asking {
    /// Of a question that was asked before.
    fn new(takes: u64, lasts: bool) -> Self {
        let asking = Self::first(takes, lasts);
        let question = question("one");
        let before = asking.answers.make(&question, Instant::now(), ready(Err(failure::INTERNAL)));
        assert!(before.now_or_never().is_some_and(|refused| refused.is_err()));
        asking
    }

    fn first(takes: u64, lasts: bool) -> Self {
        let takes = Duration::from_millis(takes);
        Self { answers: Answers::new(1 << 20), begun: AtomicUsize::new(0), takes, lasts }
    }

    /// Whether a caller is given what was made for somebody else, and after how many milliseconds.
    async fn ask(&self, caller: &str) -> (bool, u128) {
        let start = Instant::now();
        let make = async {
            self.begun.fetch_add(1, Ordering::Relaxed);
            sleep(self.takes).await;
            Ok::<_, Failure>(answered(self.lasts))
        };
        let given = self.answers.make(&question(caller), start + Duration::from_secs(5), make).await;
        let again = matches!(given.unwrap_or_else(|_| panic!("refused")), Given::Again(_));
        (again, start.elapsed().as_millis())
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn what_many_ask_at_once_is_answered_once() {
    let asking = Asking::new(50, true);
    let given = join_all((0..10).map(|_| asking.ask("one"))).await;
    assert_eq!(asking.begun(), 1);
    assert_eq!(given.iter().filter(|(again, took)| *again && *took == 50).count(), 9);
    asking.ask("other").await;
    assert_eq!(asking.begun(), 2, "nobody is given what was made for another caller");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_once_is_neither_kept_nor_waited_for() {
    let asking = Asking::first(50, true);
    let given = join_all((0..10).map(|_| asking.ask("one"))).await;
    assert_eq!(asking.begun(), 2, "the first by itself, the second for all others");
    assert_eq!(given.iter().filter(|(again, _)| *again).count(), 8);
    let kept = |caller| asking.answers.get(&question(caller)).now_or_never().unwrap().is_some();
    assert!(kept("one") && !kept("other"));
    for is_kept in [false, true] {
        asking.ask("other").await;
        assert_eq!(kept("other"), is_kept);
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_given_again_is_made_by_each_side_by_side() {
    let asking = Asking::new(50, false);
    let given = join_all((0..10).map(|_| asking.ask("one"))).await;
    assert_eq!(asking.begun(), 10);
    assert!(given.iter().all(|(again, took)| !again && *took <= 100), "{given:?}");
}

#[tokio::test(start_paused = true)]
async fn who_leads_and_hangs_up_is_followed_by_the_next() {
    let asking = Asking::new(50, true);
    let first = timeout(Duration::from_millis(10), asking.ask("one"));
    let (first, second, third) = tokio::join!(first, asking.ask("one"), asking.ask("one"));
    assert!(first.is_err());
    assert_eq!(asking.begun(), 2);
    let mut given = [second, third];
    given.sort_unstable();
    assert_eq!(given, [(false, 60), (true, 60)]);
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_for_a_second_goes_on_alone() {
    let asking = Asking::new(3_000, true);
    let given = join_all((0..2).map(|_| asking.ask("one"))).await;
    assert_eq!((asking.begun(), &*given), (2, &[(false, 3_000), (false, 4_000)][..]));
}
