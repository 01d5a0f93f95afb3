//! What records hold, and what they never hold.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{CHATZURI, LEADSAIL, List, Page, Plan, Query, SPELO, World, elements};

/// The group of each vendor's word for a status (contract 8.2).
fn group(vendor: &str, word: Option<&str>) -> Option<&'static str> {
    let known = match (vendor, word?) {
        (_, "new") => "NEW",
        (_, "contacted") => "CONTACTED",
        ("SPELO", "qualified") => "QUALIFIED",
        ("SPELO" | "LEADSAIL", "disqualified") => "DISQUALIFIED",
        ("SPELO", _) => "UNKNOWN",
        (_, "pending" | "processing" | "missing_data" | "queued" | "pending_action") => "IN_PROGRESS",
        (_, "no_answer" | "voicemail" | "scheduled_callback") => "IN_PROGRESS",
        (_, "qualified" | "pending_signature" | "document_sent" | "signed") => "QUALIFIED",
        (_, "delivered" | "accepted") => "DELIVERED",
        (_, "rejected" | "duplicate") => "DISQUALIFIED",
        (_, "no_contact") => "UNREACHABLE",
        (_, "dnc") => "DO_NOT_CONTACT",
        (_, "failed" | "error") => "FAILED",
        _ => "UNKNOWN",
    };
    Some(known)
}

/// All leads, with these fields.
async fn leads(world: &World, fields: &str) -> Vec<Value> {
    let pages = List::leads().select(fields).walk(world, 100).await;
    pages.iter().flat_map(Page::nodes).cloned().collect()
}

#[tokio::test]
async fn every_vendors_status_is_grouped_and_kept() {
    let world = World::of(200, 30).await;
    let mut words = BTreeSet::new();
    for lead in leads(&world, "vendor status vendorStatus").await {
        let (vendor, word) = (lead["vendor"].as_str().unwrap(), lead["vendorStatus"].as_str());
        assert_eq!(lead["status"].as_str(), group(vendor, word), "{vendor} {word:?}");
        words.insert((vendor.to_owned(), word.map(str::to_owned)));
    }
    let of = |wanted: &str| words.iter().filter(|(vendor, _)| vendor == wanted).count();
    assert_eq!((of("CHATZURI"), of("LEADSAIL"), of("SPELO")), (1, 24, 5));
}

#[tokio::test]
async fn phone_is_e164_only_where_that_is_certain() {
    let world = World::of(200, 30).await;
    let (mut certain, mut uncertain) = (0, 0);
    for lead in leads(&world, "phone phoneE164").await {
        let Some(phone) = lead["phone"].as_str() else {
            assert!(lead["phoneE164"].is_null());
            continue;
        };
        let bare: String = phone.chars().filter(|c| !" .-()".contains(*c)).collect();
        let digits = bare.strip_prefix('+').unwrap_or_default();
        let sure = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        assert_eq!(lead["phoneE164"].as_str(), sure.then_some(&*bare), "{phone}");
        if sure { certain += 1 } else { uncertain += 1 }
    }
    assert!(certain > 100 && uncertain > 20, "{certain} {uncertain}");
}

#[tokio::test]
async fn empty_texts_are_null_and_others_are_trimmed() {
    let world = World::of(200, 30).await;
    let fields = "name email phone pageUrl statusDetail notes { text }";
    for lead in leads(&world, fields).await {
        let notes = elements(&lead["notes"]).iter().map(|note| &note["text"]);
        let texts = ["name", "email", "phone", "pageUrl", "statusDetail"].iter().map(|field| &lead[field]);
        for text in texts.chain(notes).filter_map(Value::as_str) {
            assert!(!text.is_empty() && text == text.trim(), "{text:?}");
        }
    }
}

#[tokio::test]
async fn custom_fields_and_notes_keep_what_the_vendor_said() {
    let world = World::of(200, 30).await;
    let fields = "vendor customFields { key label value } notes { id text author createdAt } \
                  city: customField(key: \"address\") { value } none: customField(key: \"no such key\") { key }";
    let all = leads(&world, fields).await;
    let of = |vendor: &'static str| all.iter().filter(move |lead| lead["vendor"] == vendor);
    let has = |lead: &Value, wanted: &Value| elements(&lead["customFields"]).contains(wanted);
    assert!(of("SPELO").any(|lead| lead["city"]["value"]["city"] == "Łódź"));
    assert!(of("SPELO").any(|lead| has(lead, &json!({ "key": "company", "label": null, "value": null }))));
    assert!(
        of("LEADSAIL").all(|lead| has(lead, &json!({ "key": "homeowner", "label": null, "value": "yes" })))
    );
    let asked = json!({ "key": "leaks", "label": "Where does it leak?", "value": ["attic", "hall"] });
    assert!(of("LEADSAIL").any(|lead| has(lead, &asked)));
    assert!(of("LEADSAIL").any(|lead| lead["notes"][0]["author"] == "user_3"));
    assert!(of("LEADSAIL").any(|lead| lead["notes"][0]["text"] == "Called in, wants a quote"));
    assert!(of("SPELO").any(|lead| lead["notes"][0]["text"] == "Called at 2pm, wants a follow-up demo"));
    assert!(of("CHATZURI").all(|lead| lead["customFields"] == json!([]) && lead["notes"] == json!([])));
    assert!(all.iter().all(|lead| lead["none"].is_null()));
    let notes = all.iter().flat_map(|lead| elements(&lead["notes"])).map(|note| note["id"].as_str().unwrap());
    let (count, distinct) = (notes.clone().count(), notes.collect::<BTreeSet<_>>().len());
    assert_eq!(count, distinct, "ids of notes are ids for caches");
}

#[tokio::test]
async fn leadsails_own_fields_arrive() {
    let world = Plan::new(60, 30).only(&[LEADSAIL]).start().await;
    let fields = "firstName lastName campaign { id name client offer } approval { status decidedAt } attribution \
                  isTest doNotContact lastActivityAt updatedAt status viewerCanUpdate";
    let all = leads(&world, fields).await;
    assert!(
        all.iter().all(|lead| lead["campaign"]["id"].is_string() && lead["campaign"]["offer"].is_string())
    );
    assert!(all.iter().any(|lead| lead["approval"]["status"] == "pending"));
    assert!(all.iter().any(|lead| lead["isTest"] == true) && all.iter().any(|lead| lead["isTest"] == false));
    assert!(all.iter().all(|lead| (lead["doNotContact"] == true) == (lead["status"] == "DO_NOT_CONTACT")));
    assert!(all.iter().all(|lead| lead["attribution"]["adPlatform"] == "google"));
    assert!(all.iter().all(|lead| lead["viewerCanUpdate"] == true), "the source is open to writes");
}

#[tokio::test]
async fn secrets_of_vendors_are_in_no_answer() {
    let world = World::of(100, 30).await;
    world.switch(LEADSAIL, "leaky", "on");
    let leads = List::leads()
        .select("raw attribution customFields { value } interactions(first: 5) { nodes { raw } }");
    let talks = List::conversations().select("raw recording { mimeType sizeBytes } toolCalls { name args }");
    let touches = List::interactions().select("raw call { recording { mimeType } agent { agentId } }");
    for (list, known) in [(leads, "utm_source"), (talks, "started_at"), (touches, "interactionId")] {
        let all: String = list.walk(&world, 50).await.iter().map(|page| page.0.to_string()).collect();
        assert!(all.contains(known), "raw objects are there");
        let keys = [SPELO, LEADSAIL, CHATZURI].map(|vendor| world.vendor(vendor).vendor.key());
        assert!(keys.iter().all(|key| !all.contains(key)));
        for secret in [
            "recording_path",
            "recordingUrl",
            "rec.example",
            "ipAddress",
            "203.0.113.7",
            "userAgent",
            "canary",
            "webhooks",
            "defaultPostingUrl",
            "sk_live_",
        ] {
            assert!(!all.contains(secret), "{secret}");
        }
    }
}

/// All texts in a value that look like moments, wherever they are but in vendors' own objects.
fn moments(value: &Value, found: &mut Vec<String>) {
    match value {
        // Cursors, too, may have dashes there, but they are longer.
        Value::String(text)
            if (10..=40).contains(&text.len())
                && text.as_bytes()[..4].iter().all(u8::is_ascii_digit)
                && text.as_bytes()[4] == b'-'
                && text.as_bytes()[7] == b'-' =>
        {
            found.push(text.clone());
        }
        Value::Array(all) => all.iter().for_each(|value| moments(value, found)),
        Value::Object(all) => all.values().for_each(|value| moments(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn moments_are_in_utc_with_milliseconds() {
    let world = World::of(60, 30).await;
    world.switch(CHATZURI, "date_only", "on");
    let mut found = Vec::new();
    for list in [
        List::leads().select("updatedAt lastActivityAt notes { createdAt } approval { decidedAt }"),
        List::conversations().select("endedAt expiresAt transcript { at }"),
        List::interactions().select("updatedAt transcript { at }"),
    ] {
        list.walk(&world, 100).await.iter().for_each(|page| moments(&page.0, &mut found));
    }
    let shaped = |text: &String| {
        let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        shape == "0000-00-00T00:00:00.000Z"
    };
    let wrong: Vec<_> = found.iter().filter(|text| !shaped(text)).collect();
    assert!(wrong.is_empty() && found.len() > 1_000, "{wrong:?}");
}

#[tokio::test]
async fn sparse_leads_are_filled_where_more_than_ids_is_selected() {
    let plan = Plan::new(60, 30).only(&[LEADSAIL]);
    let (whole, sparse) = (plan.clone().start().await, plan.start().await);
    sparse.switch(LEADSAIL, "ids_and_times", "on");
    let (ids, calls) =
        sparse.cost("{ leads { nodes { id vendor vendorId createdAt source { name } } } }").await;
    assert_eq!((elements(&ids.data()["leads"]["nodes"]).len(), calls.leadsail), (25, 1));
    let all = "{ leads { nodes { id name email phone status vendorStatus notes { text } createdAt raw } } }";
    let (filled, calls) = sparse.cost(all).await;
    assert_eq!(filled.data(), whole.ask(all).await.data());
    assert_eq!(calls.leadsail, 25, "the list was known; each lead is read once");
    assert_eq!(sparse.cost(all).await.1.leadsail, 0);
}

#[tokio::test]
async fn leads_without_any_time_are_in_the_list_too() {
    let world = Plan::new(60, 30).only(&[LEADSAIL, SPELO]).start().await;
    world.switch(LEADSAIL, "sparse", "on");
    let pages = List::leads().walk(&world, 25).await;
    let given: BTreeSet<_> = pages.iter().flat_map(Page::records).collect();
    assert_eq!(given, world.leads().into_iter().collect());
    let sources: Vec<_> = pages.iter().flat_map(Page::records).map(|(source, _)| source).collect();
    assert!(sources[..60].iter().all(|source| source == SPELO), "undated ones come last");
}

#[tokio::test]
async fn record_found_by_its_id_is_the_record_of_the_list() {
    let lead = "id vendorId name email phone phoneE164 status vendorStatus createdAt updatedAt pageUrl raw \
                customFields { key value } notes { id text }";
    let talk =
        "id vendorId channel vendorChannel startedAt preview customer transcript { id role text offsetMs }";
    for (list, kind, fields) in [(List::leads(), "Lead", lead), (List::conversations(), "Conversation", talk)]
    {
        let mut world = World::of(60, 30).await;
        let page = list.select(fields).page(&world, json!({ "first": 40 })).await;
        world.gateway().await;
        let query = format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {kind} {{ {fields} }} }} }}");
        let answer = world.ask(Query::new(query).with("ids", page.ids())).await;
        for (node, listed) in elements(&answer.data()["nodes"]).iter().zip(page.nodes()) {
            for (field, value) in node.as_object().unwrap() {
                assert_eq!(*value, listed[field], "{} {field}", listed["source"]["name"]);
            }
        }
    }
}

#[tokio::test]
async fn lead_that_is_deleted_is_null() {
    for vendor in [SPELO, LEADSAIL, CHATZURI] {
        let mut world = World::of(60, 30).await;
        let page = List::leads().of(vendor).page(&world, json!({ "first": 5 })).await;
        assert!(world.vendor(vendor).vendor.delete_lead(&page.records()[2].1));
        world.gateway().await;
        let query = Query::new("query($ids: [ID!]!) { nodes(ids: $ids) { id } }").with("ids", page.ids());
        let answer = world.ask(query).await;
        let found: Vec<_> = elements(&answer.data()["nodes"]).iter().map(Value::is_null).collect();
        assert_eq!(found, [false, false, true, false, false], "{vendor}");
    }
}

#[tokio::test]
async fn transcripts_that_lists_cut_short_are_read_whole() {
    let world = Plan::new(40, 30).only(&[SPELO]).start().await;
    let list =
        List::conversations().select("turnCount transcript { id text } tail: transcript(last: 2) { id }");
    for switch in ["truncated", "missing", "full"] {
        world.switch(SPELO, "list_transcripts", switch);
        let page = list.page(&world, json!({ "first": 20 })).await;
        for talk in page.nodes() {
            let turns = elements(&talk["transcript"]);
            assert_eq!(Some(turns.len() as u64), talk["turnCount"].as_u64(), "{switch}");
            let tail: Vec<_> =
                turns[turns.len().saturating_sub(2)..].iter().map(|turn| &turn["id"]).collect();
            assert_eq!(elements(&talk["tail"]).iter().map(|turn| &turn["id"]).collect::<Vec<_>>(), tail);
        }
    }
}
