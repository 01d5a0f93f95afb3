mod issuers;

use futures_util::FutureExt;

use super::*;
use crate::model::caller::Scope;

/// Asks at once: whose key it is is never waited for.
fn identify(callers: &Callers, token: Option<&str>) -> Result<Caller, Refused> {
    let issued = || callers.issued(token.unwrap()).now_or_never().unwrap();
    callers.at_once(token).unwrap_or_else(issued)
}

/// Where nobody issues tokens.
fn nobody(_: &Issuer) -> Fetch {
    panic!("nothing is fetched")
}

fn known(name: &str, key: &str, previous: Option<&str>) -> Known {
    Known {
        caller: Caller { scopes: [Scope::LeadsRead].into_iter().collect(), ..Caller::unrestricted(name) },
        key: Digest::of(key),
        previous_key: previous.map(Digest::of),
        rates: Rates::default(),
    }
}

fn two() -> Callers {
    let known = vec![known("a", "key of a", Some("old key of a")), known("b", "key of b", None)];
    Callers::new(Settings { known, issuers: Vec::new() }, nobody)
}

fn name(callers: &Callers, token: &str) -> Result<String, Refused> {
    identify(callers, Some(token)).map(|caller| caller.name.to_string())
}

#[test]
fn keys_find_their_callers_and_nothing_else_does() {
    let callers = two();
    assert_eq!(name(&callers, "key of a"), Ok("a".to_owned()));
    assert_eq!(name(&callers, "old key of a"), Ok("a".to_owned()));
    assert_eq!(name(&callers, "key of b"), Ok("b".to_owned()));
    assert!(!identify(&callers, Some("key of b")).unwrap().may(Scope::PiiRead));
    for token in ["", "key", "key of a ", "KEY OF A", "key of ab", &Digest::of("key of a").to_string()] {
        assert_eq!(name(&callers, token), Err(Refused::Unknown), "{token}");
    }
    assert_eq!(identify(&callers, None), Err(Refused::Missing));
    let settings = Settings { known: vec![known("c", "", None)], issuers: Vec::new() };
    let careless = Callers::new(settings, nobody);
    assert_eq!(name(&careless, ""), Err(Refused::Unknown), "what bears no token is nobody's");
}

#[test]
fn where_nobody_is_known_everyone_is_anonymous_and_uncounted() {
    let callers = Callers::new(Settings::default(), nobody);
    for _ in 0..1_000 {
        assert_eq!(identify(&callers, None), Ok(Caller::anonymous()));
        assert_eq!(identify(&callers, Some("whatever")), Ok(Caller::anonymous()));
    }
}

#[test]
fn made_keys_are_long_and_never_the_same() {
    let (one, other) = (key::make(), key::make());
    assert_ne!(one, other);
    assert!(one.starts_with("lgk_") && one.len() == 47, "{one}");
    let digest = Digest::of(&one).to_string();
    assert_eq!(Digest::parse(&digest), Some(Digest::of(&one)));
    assert_eq!(Digest::parse(&digest.to_uppercase()), Some(Digest::of(&one)));
}

#[test]
fn digests_are_read_strictly() {
    let good = "0123456789abcdef".repeat(4);
    assert_eq!(Digest::parse(&good).unwrap().to_string(), good);
    for bad in ["", "00", &good[1..], &format!("{good}0"), &good.replace('0', "g"), &good.replace("01", "é")]
    {
        assert_eq!(Digest::parse(bad), None, "{bad}");
    }
    assert_eq!(format!("{:?}", Digest::of("x")), "Digest");
}

/// Asks `times` as fast as can be; how many were let in, and what the last refusal said.
fn rush(callers: &Callers, token: &str, times: usize) -> (usize, Option<Duration>) {
    let answers: Vec<_> = (0..times).map(|_| identify(callers, Some(token))).collect();
    let wait = answers.iter().rev().find_map(|answer| match answer {
        Err(Refused::TooOften(wait)) => Some(*wait),
        _ => None,
    });
    (answers.iter().filter(|answer| answer.is_ok()).count(), wait)
}

#[tokio::test(start_paused = true)]
async fn caller_at_ten_times_its_rate_gets_its_rate_and_others_theirs() {
    let callers = two();
    let (first, wait) = rush(&callers, "key of a", 200);
    assert_eq!(first, 40, "a burst of twice the rate");
    assert_eq!(rush(&callers, "old key of a", 1).0, 0, "an old key is no second caller");
    let mut later = 0;
    for _ in 0..100 {
        tokio::time::advance(Duration::from_millis(100)).await;
        later += rush(&callers, "key of a", 20).0;
        assert_eq!(rush(&callers, "key of b", 2), (2, None), "b is not held to what a does");
    }
    assert_eq!(later, 200, "20 a second for ten seconds");

    tokio::time::advance(wait.unwrap()).await;
    assert!(identify(&callers, Some("key of a")).is_ok(), "the wait that was named is long enough");
}

#[tokio::test(start_paused = true)]
async fn other_settings_give_nobody_a_new_burst() {
    let callers = two();
    assert_eq!(rush(&callers, "key of a", 40).0, 40);
    let settings = Settings { known: vec![known("a", "new key of a", None)], issuers: Vec::new() };
    let next = callers.next(settings, nobody);
    assert_eq!(name(&next, "key of a"), Err(Refused::Unknown));
    assert_eq!(rush(&next, "new key of a", 1).0, 0);
}

#[tokio::test(start_paused = true)]
async fn waits_are_no_longer_than_need_be() {
    let callers = two();
    let (_, wait) = rush(&callers, "key of a", 41);
    assert_eq!(wait, Some(Duration::from_millis(50)));
}

/// Spends so often so much; how often it was let, and the wait that the last refusal named.
fn spend(callers: &Callers, caller: &Caller, cost: u32, times: usize) -> (usize, Option<Duration>) {
    let answers: Vec<_> = (0..times).map(|_| callers.spend(caller, cost)).collect();
    (answers.iter().filter(|answer| answer.is_ok()).count(), answers.into_iter().rev().find_map(Result::err))
}

#[tokio::test(start_paused = true)]
async fn caller_spends_so_much_in_a_second_and_twice_that_at_once() {
    let callers = two();
    let [a, b] = ["key of a", "key of b"].map(|key| identify(&callers, Some(key)).unwrap());
    let (let_in, wait) = spend(&callers, &a, 500, 100);
    assert_eq!((let_in, wait), (8, Some(Duration::from_micros(500))), "4,000 at once");
    assert_eq!(spend(&callers, &b, 500, 8), (8, None), "b has as much of its own");
    tokio::time::advance(wait.unwrap()).await;
    assert_eq!(spend(&callers, &a, 1, 1).0, 1, "the wait that was named is long enough");
    let mut later = 0;
    for _ in 0..100 {
        tokio::time::advance(Duration::from_millis(100)).await;
        later += spend(&callers, &a, 100, 10).0;
    }
    assert!((200..=201).contains(&later), "20,000 in ten seconds: {later}");
    assert_eq!(
        spend(&callers, &Caller::anonymous(), u32::MAX, 100),
        (100, None),
        "who is nobody is not held to it"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_dearer_than_all_there_may_be_is_waited_for_afterwards() {
    let callers = two();
    let a = identify(&callers, Some("key of a")).unwrap();
    assert_eq!(callers.spend(&a, 11_000), Ok(()));
    let wait = callers.spend(&a, 1).unwrap_err();
    assert_eq!(wait.as_millis(), 3_500, "until all but a full bucket's worth is paid");
    tokio::time::advance(wait).await;
    assert_eq!(callers.spend(&a, 1), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_needed_can_be_spent_again_and_nothing_beyond_it() {
    let callers = two();
    let a = identify(&callers, Some("key of a")).unwrap();
    assert_eq!(spend(&callers, &a, 1_000, 10).0, 4);
    callers.unspend(&a, 1_000);
    assert_eq!(spend(&callers, &a, 1_000, 10).0, 1);
    callers.unspend(&a, u32::MAX);
    assert_eq!(spend(&callers, &a, 1_000, 10).0, 4, "nobody has more than a full bucket");
}

#[tokio::test(start_paused = true)]
async fn memory_of_rates_is_bounded_and_those_beyond_it_share_a_bucket() {
    let meters = Meters::default();
    let bucket = Bucket::per_second(1);
    let take = |name: String| meters.take(&name.into(), bucket, 1);
    assert!((0..30_000).map(|number| take(format!("one {number}"))).filter(Result::is_ok).count() <= 10_002);
    assert!(meters.len() <= 10_001);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(take("late".to_owned()), Ok(()));
    assert!(meters.len() <= 2, "what has filled up again is forgotten: {}", meters.len());
}
