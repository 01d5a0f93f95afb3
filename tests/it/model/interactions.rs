//! Histories: of one lead, of some leads, of all.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{CHATZURI, LEADSAIL, List, Page, Plan, Query, SPELO, World, elements};

#[tokio::test]
async fn all_interactions_of_leadsail_are_of_its_newest_leads_and_said_to_be() {
    let world = World::of(60, 30).await;
    let pages = List::interactions().select("lead { vendorId }").walk(&world, 50).await;
    let report = pages[0].report(LEADSAIL);
    assert_eq!(report["status"], "PARTIAL");
    assert!(report["note"].as_str().unwrap().contains("newest leads") && pages[0].incomplete());
    assert_eq!(pages[0].report(SPELO)["status"], "OK");
    let newest: BTreeSet<_> =
        world.leads().into_iter().filter(|(source, _)| source == LEADSAIL).take(25).collect();
    for node in pages.iter().flat_map(Page::nodes).filter(|node| node["source"]["name"] == LEADSAIL) {
        let lead = (LEADSAIL.to_owned(), node["lead"]["vendorId"].as_str().unwrap().to_owned());
        assert!(newest.contains(&lead), "{lead:?}");
    }
}

#[tokio::test]
async fn interactions_of_given_leads_are_exactly_theirs() {
    let world = World::of(60, 30).await;
    let vendors = json!({ "vendors": ["LEADSAIL", "SPELO"] });
    let list = List::leads().filter(vendors).select("interactions(first: 100) { nodes { id } }");
    let page = list.page(&world, json!({ "first": 60 })).await;
    let own = |lead: &Value| -> Vec<String> {
        let nodes = elements(&lead["interactions"]["nodes"]).iter();
        nodes.map(|node| node["id"].as_str().unwrap().to_owned()).collect()
    };
    let chosen: Vec<_> = page.nodes().into_iter().step_by(7).collect();
    let wanted: BTreeSet<_> = chosen.iter().flat_map(|lead| own(lead)).collect();
    assert!(wanted.len() > 5);
    let leads: Vec<_> = chosen.iter().map(|lead| lead["id"].clone()).collect();
    let pages = List::interactions().filter(json!({ "leads": leads })).walk(&world, 4).await;
    let given: Vec<_> = pages.iter().flat_map(Page::ids).map(str::to_owned).collect();
    assert_eq!(given.iter().cloned().collect::<BTreeSet<_>>(), wanted);
    assert_eq!(given.len(), wanted.len());
    assert!(pages.iter().all(|page| !page.incomplete() && page.report(LEADSAIL)["status"] == "OK"));
    assert_eq!(pages[0].report(CHATZURI)["status"], "SKIPPED");
}

#[tokio::test]
async fn history_of_a_lead_pages_and_links_back() {
    let world = Plan::new(60, 30).only(&[LEADSAIL]).start().await;
    let fields =
        "interactions(first: 100) { nodes { id occurredAt lead { id } conversation { id channel } } }";
    let page = List::leads().select(fields).page(&world, json!({ "first": 20 })).await;
    let lead =
        page.nodes().into_iter().find(|lead| elements(&lead["interactions"]["nodes"]).len() >= 4).unwrap();
    let whole = elements(&lead["interactions"]["nodes"]);
    assert!(
        whole.iter().all(|node| node["lead"]["id"] == lead["id"] && node["conversation"]["id"].is_string())
    );
    assert!(whole.is_sorted_by(|a, b| a["occurredAt"].as_str() >= b["occurredAt"].as_str()));
    let text = "query($id: ID!, $after: String) { lead(id: $id) { \
                interactions(first: 1, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } } }";
    let (mut given, mut after) = (Vec::new(), Value::Null);
    loop {
        let query = Query::new(text).with("id", lead["id"].clone()).with("after", after);
        let answer = world.ask(query).await;
        let one = &answer.data()["lead"]["interactions"];
        given.extend(elements(&one["nodes"]).iter().map(|node| node["id"].clone()));
        after = one["pageInfo"]["endCursor"].clone();
        if one["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(given, whole.iter().map(|node| node["id"].clone()).collect::<Vec<_>>());
}

#[tokio::test]
async fn interactions_by_kind_and_direction() {
    let world = World::of(60, 30).await;
    let list = List::interactions().select("kind direction");
    let all = list.walk(&world, 100).await;
    for (member, word) in [
        ("kind", "CALL"),
        ("kind", "SMS"),
        ("kind", "CHAT"),
        ("direction", "OUTBOUND"),
        ("direction", "INBOUND"),
    ] {
        let wanted: BTreeSet<_> = all
            .iter()
            .flat_map(Page::nodes)
            .filter(|node| node[member] == word)
            .map(|node| node["id"].as_str())
            .collect();
        let pages = list.clone().filter(json!({ member: [word] })).walk(&world, 100).await;
        let given: BTreeSet<_> = pages.iter().flat_map(Page::nodes).map(|node| node["id"].as_str()).collect();
        assert!(!wanted.is_empty() && given == wanted, "{member} {word}: {} {}", given.len(), wanted.len());
    }
}

#[tokio::test]
async fn interactions_tell_kind_and_status_in_one_set_of_words() {
    let world = World::of(120, 30).await;
    let fields = "interactions(first: 100) { nodes { vendor kind vendorKind status vendorStatus failure { code } \
                  call { durationSeconds spokenTo agent { provider } } sms { agentMode } transcript { role text } } }";
    let pages = List::leads().select(fields).walk(&world, 60).await;
    let leads = pages.iter().flat_map(Page::nodes);
    let nodes: Vec<_> = leads.flat_map(|lead| elements(&lead["interactions"]["nodes"])).collect();
    let words: BTreeSet<_> =
        nodes.iter().map(|node| (node["vendorStatus"].as_str(), node["status"].as_str().unwrap())).collect();
    for known in [
        (Some("busy"), "NO_ANSWER"),
        (Some("no_contact"), "UNREACHABLE"),
        (Some("follow_up"), "FOLLOW_UP"),
        (Some("marked_dnc"), "UNKNOWN"),
        (Some("in_progress"), "IN_PROGRESS"),
        (Some("incomplete"), "INCOMPLETE"),
    ] {
        assert!(words.contains(&known), "{known:?} {words:?}");
    }
    let kinds: BTreeSet<_> =
        nodes.iter().map(|node| (node["vendorKind"].as_str(), node["kind"].as_str().unwrap())).collect();
    assert!(
        kinds.contains(&(Some("e-mail"), "EMAIL")) && kinds.contains(&(Some("voicemail_drop"), "OTHER")),
        "{kinds:?}"
    );
    assert!(nodes.iter().any(|node| node["failure"]["code"] == "CARRIER_DROPPED"));
    assert!(nodes.iter().all(|node| node["kind"] != "SMS" || node["sms"].is_object()));
    let unsupported = pages[0].nodes().into_iter().find(|lead| lead["source"]["name"] == "chatzuri/agt_1");
    assert_eq!(elements(&unsupported.unwrap()["interactions"]["nodes"]), &[] as &[Value]);
}
