use super::*;
use crate::model::id::Vendor;

fn lead(source: &str, number: usize) -> Lead {
    let native = NativeId::new(&number.to_string()).unwrap();
    Lead::bare(Key { source: SourceId::new(source).unwrap(), native, day: None }, Vendor::Chatzuri)
}

fn talk(name: &str) -> NativeId {
    NativeId::new(name).unwrap()
}

fn key(source: &str, name: &str) -> Key {
    Key { source: SourceId::new(source).unwrap(), native: talk(name), day: None }
}

#[tokio::test(start_paused = true)]
async fn link_is_found_from_both_ends_at_its_own_source() {
    let links = Links::default();
    links.put(&lead("a", 1), talk("t"));
    links.put(&lead("b", 1), talk("u"));
    assert_eq!(links.of_lead(&key("a", "1")).unwrap().conversation, talk("t"));
    assert_eq!(links.of_lead(&key("b", "1")).unwrap().conversation, talk("u"));
    assert_eq!(links.of_conversation(&key("a", "t")).unwrap().lead, key("a", "1"));
    assert_eq!(links.of_conversation(&key("b", "t")), None);
    links.put(&lead("a", 1), talk("v"));
    assert_eq!(links.of_lead(&key("a", "1")).unwrap().conversation, talk("v"), "the last word holds");
    assert_eq!(links.of_conversation(&key("a", "t")), None);
}

#[tokio::test(start_paused = true)]
async fn links_are_bounded_in_number_and_time() {
    let links = Links::default();
    (0..=MOST).for_each(|number| links.put(&lead("a", number), talk(&format!("t{number}"))));
    assert_eq!(links.of_lead(&key("a", "0")), None, "the oldest went");
    assert_eq!(links.of_conversation(&key("a", "t0")), None);
    assert!(links.of_lead(&key("a", "1")).is_some());
    (0..3 * MOST).for_each(|_| links.put(&lead("a", MOST), talk("same")));
    assert!(links.known().order.len() <= 2 * MOST, "{}", links.known().order.len());
    tokio::time::advance(AGE).await;
    assert_eq!(links.of_lead(&key("a", "1")), None);
    let known = links.known();
    assert_eq!((known.by_lead.len(), known.by_conversation.len(), known.order.len()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn links_of_a_source_that_is_gone_are_forgotten_and_no_others() {
    let links = Links::default();
    links.put(&lead("a", 1), talk("t"));
    links.put(&lead("b", 1), talk("t"));
    links.forget(|source| source.as_str() == "a");
    assert_eq!((links.of_lead(&key("a", "1")), links.of_conversation(&key("a", "t"))), (None, None));
    assert_eq!(links.of_conversation(&key("b", "t")).unwrap().lead, key("b", "1"));
    assert_eq!(links.known().order.len(), 1);
}
