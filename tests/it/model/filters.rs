//! Filters: whoever runs them, vendor or gateway, the answer is what the same test on an unfiltered walk leaves.

use serde_json::{Value, json};

use crate::harness::{CHATZURI, LEADSAIL, List, Page, SPELO, World};

type Test = Box<dyn Fn(&Value) -> bool>;

/// Compares a filtered walk with what `test` leaves of an unfiltered one. Answers how many match.
async fn check(world: &World, list: &List, all: &[Page], filter: Value, test: &Test) -> usize {
    let wanted: Vec<_> =
        all.iter().flat_map(Page::nodes).filter(|node| test(node)).map(|node| node["id"].as_str()).collect();
    let pages = list.clone().filter(filter.clone()).walk(world, 40).await;
    let given: Vec<_> = pages.iter().flat_map(Page::nodes).map(|node| node["id"].as_str()).collect();
    assert_eq!(given, wanted, "{filter}");
    wanted.len()
}

async fn check_each(world: &World, list: List, tests: Vec<(Value, Test)>) {
    let all = list.walk(world, 100).await;
    let count: usize = all.iter().map(|page| page.nodes().len()).sum();
    for (filter, test) in tests {
        let found = check(world, &list, &all, filter.clone(), &test).await;
        assert!(found > 0 && found < count, "{filter} tells nothing: {found} of {count}");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().trim().to_lowercase()
}

fn any_of(member: &'static str, words: &'static [&str]) -> Test {
    Box::new(move |node| words.iter().any(|word| node[member] == *word))
}

/// The middle of the world, as (from, to), written with an offset.
fn middle(world: &World) -> (String, String) {
    let at = |days: i64| (world.now() - jiff::SignedDuration::from_hours(24 * days)).to_string();
    (at(20), at(10).replace('Z', "+00:00"))
}

fn within(range: (String, String)) -> Test {
    let moment = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    Box::new(move |node| {
        let at = moment(node["at"].as_str().unwrap());
        at >= moment(&range.0) && at < moment(&range.1)
    })
}

fn leads() -> List {
    List::leads().select("vendor status name email phone phoneE164 notes { text } hasTalk: raw")
}

#[tokio::test]
async fn leads_by_status() {
    let world = World::of(150, 40).await;
    let no_status = |node: &Value| node["status"].is_null();
    check_each(
        &world,
        leads(),
        vec![
            (json!({ "status": ["NEW"] }), any_of("status", &["NEW"])),
            (json!({ "status": ["CONTACTED"] }), any_of("status", &["CONTACTED"])),
            (json!({ "status": ["QUALIFIED"] }), any_of("status", &["QUALIFIED"])),
            (
                json!({ "status": ["IN_PROGRESS", "DELIVERED"] }),
                any_of("status", &["IN_PROGRESS", "DELIVERED"]),
            ),
            (
                json!({ "status": ["UNKNOWN"] }),
                Box::new(move |node| no_status(node) || node["status"] == "UNKNOWN"),
            ),
            (
                json!({ "status": ["NEW", "UNKNOWN"] }),
                Box::new(move |node| {
                    no_status(node) || node["status"] == "UNKNOWN" || node["status"] == "NEW"
                }),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn leads_by_email_whatever_its_case() {
    let world = World::of(150, 40).await;
    let all = leads().walk(&world, 100).await;
    let emails: Vec<_> = all.iter().flat_map(Page::nodes).map(|node| text(&node["email"])).collect();
    for email in emails.iter().filter(|email| !email.is_empty()).step_by(15) {
        let wanted = email.clone();
        let test: Test = Box::new(move |node| text(&node["email"]) == wanted);
        for asked in [email.clone(), format!(" {} ", email.to_uppercase())] {
            assert!(check(&world, &leads(), &all, json!({ "email": asked }), &test).await > 0);
        }
    }
}

#[tokio::test]
async fn leads_by_phone_however_it_is_spelled() {
    let world = World::of(150, 40).await;
    let all = leads().walk(&world, 100).await;
    let phones: Vec<_> =
        all.iter().flat_map(Page::nodes).filter_map(|node| node["phoneE164"].as_str()).collect();
    for phone in phones.iter().step_by(20) {
        let wanted = (*phone).to_owned();
        let test: Test = Box::new(move |node| node["phoneE164"] == *wanted);
        let spelled = format!("{} ({}) {}", &phone[..3], &phone[3..6], &phone[6..]);
        for asked in [(*phone).to_owned(), spelled] {
            assert!(check(&world, &leads(), &all, json!({ "phone": asked }), &test).await > 0);
        }
    }
}

#[tokio::test]
async fn leads_by_text_range_and_conversation() {
    let world = World::of(150, 40).await;
    let contains = |wanted: &'static str| -> Test {
        Box::new(move |node| {
            let notes = node["notes"].as_array().unwrap().iter().map(|note| &note["text"]);
            let mut texts = [&node["name"], &node["email"], &node["phone"]].into_iter().chain(notes);
            texts.any(|one| text(one).contains(wanted))
        })
    };
    let named = |node: &Value| node["hasTalk"]["conversation_id"].is_string();
    let (from, to) = middle(&world);
    let new_within = within((from.clone(), to.clone()));
    check_each(
        &world,
        leads(),
        vec![
            (json!({ "text": "GARCÍA" }), contains("garcía")),
            (json!({ "text": " follow-up " }), contains("follow-up")),
            (json!({ "text": "example.org" }), contains("example.org")),
            (json!({ "text": "+2547" }), contains("+2547")),
            (json!({ "createdAt": { "from": from, "to": to } }), within((from.clone(), to.clone()))),
            (json!({ "createdAt": { "from": from } }), within((from.clone(), "2999-01-01T00:00:00Z".to_owned()))),
            (json!({ "createdAt": { "to": to } }), within(("1999-01-01T00:00:00Z".to_owned(), to.clone()))),
            (json!({ "hasConversation": true }), Box::new(named)),
            (json!({ "hasConversation": false }), Box::new(move |node| !named(node))),
            (
                json!({ "createdAt": { "from": from, "to": to }, "status": ["NEW"], "vendors": ["SPELO", "LEADSAIL"] }),
                Box::new(move |node| new_within(node) && node["status"] == "NEW"),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn range_is_sharp_to_the_millisecond() {
    for vendor in [SPELO, LEADSAIL, CHATZURI] {
        let world = World::of(60, 30).await;
        let all = List::leads().of(vendor).page(&world, json!({ "first": 30 })).await;
        let at = |index: usize| all.nodes()[index]["at"].clone();
        let range =
            json!({ "createdAt": { "from": at(20), "to": at(10) }, "vendors": [vendor.to_uppercase()] });
        let page = List::leads().filter(range).page(&world, json!({ "first": 50 })).await;
        assert_eq!(page.ids(), all.ids()[11..=20], "{vendor}");
    }
}

#[tokio::test]
async fn leads_by_source_and_vendor() {
    let world = World::of(100, 40).await;
    let answer = world.ask("{ sources { id name } }").await;
    let spelo =
        answer.data()["sources"].as_array().unwrap().iter().find(|source| source["name"] == SPELO).unwrap();
    let of = |name: &'static str| -> Test { Box::new(move |node| node["source"]["name"] == name) };
    check_each(
        &world,
        leads(),
        vec![
            (json!({ "sources": [spelo["id"]] }), of(SPELO)),
            (json!({ "vendors": ["CHATZURI"] }), of("chatzuri/agt_1")),
            (json!({ "vendors": ["SPELO", "LEADSAIL"] }), Box::new(|node| node["vendor"] != "CHATZURI")),
            (json!({ "vendors": ["SPELO", "LEADSAIL"], "sources": [spelo["id"]] }), of(SPELO)),
        ],
    )
    .await;
}

#[tokio::test]
async fn conversations_by_channel_recording_text_and_range() {
    let world = World::of(100, 40).await;
    let recorded = |node: &Value| node["recording"].is_object();
    let contains = |wanted: &'static str| -> Test {
        Box::new(move |node| {
            let turns = node["transcript"].as_array().unwrap().iter().map(|turn| &turn["text"]);
            let mut texts = [&node["preview"], &node["summary"], &node["customer"]].into_iter().chain(turns);
            texts.any(|one| text(one).contains(wanted))
        })
    };
    let (from, to) = middle(&world);
    world.switch(SPELO, "list_transcripts", "full");
    check_each(
        &world,
        List::conversations()
            .select("channel preview summary customer transcript { text } recording { mimeType }"),
        vec![
            (json!({ "channel": ["VOICE"] }), any_of("channel", &["VOICE"])),
            (json!({ "channel": ["WHATSAPP"] }), any_of("channel", &["WHATSAPP"])),
            (json!({ "channel": ["SLACK", "TELEGRAM"] }), any_of("channel", &["SLACK", "TELEGRAM"])),
            (json!({ "channel": ["OTHER"] }), any_of("channel", &["OTHER"])),
            (json!({ "channel": ["WEB_CHAT", "VOICE"] }), any_of("channel", &["WEB_CHAT", "VOICE"])),
            (json!({ "hasRecording": true }), Box::new(recorded)),
            (json!({ "hasRecording": false }), Box::new(move |node| !recorded(node))),
            (json!({ "text": "Middle Plan" }), contains("middle plan")),
            (json!({ "text": "citas" }), contains("citas")),
            (json!({ "startedAt": { "from": from, "to": to } }), within((from.clone(), to.clone()))),
        ],
    )
    .await;
}

#[tokio::test]
async fn filter_that_no_source_can_match_is_an_empty_list() {
    let world = World::of(30, 10).await;
    for (list, filter) in [
        (List::leads(), json!({ "vendors": ["CHATZURI"], "status": ["NEW"] })),
        (List::leads(), json!({ "vendors": ["LEADSAIL"], "hasConversation": true })),
        (List::conversations(), json!({ "vendors": ["SPELO"], "channel": ["EMAIL"] })),
    ] {
        let before = world.calls();
        let page = list.filter(filter).page(&world, json!({})).await;
        assert_eq!((page.ids().len(), page.has_next(), page.incomplete()), (0, false, false));
        assert!(page.0["sources"].as_array().unwrap().iter().all(|report| report["status"] == "SKIPPED"));
        assert_eq!((world.calls() - before).all(), 0);
    }
}

#[tokio::test]
async fn filters_that_ran_on_whole_records_leave_nothing_open() {
    let world = World::of(150, 40).await;
    for filter in
        [json!({ "status": ["QUALIFIED"] }), json!({ "text": "garcía" }), json!({ "email": "a@b.example" })]
    {
        let pages = List::leads().filter(filter.clone()).walk(&world, 50).await;
        let last = pages.last().unwrap();
        assert!(!last.incomplete(), "{filter}: {}", last.0["sources"]);
    }
}
