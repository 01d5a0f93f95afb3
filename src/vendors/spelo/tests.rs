//! Pure tests of decoding, normalization and classification on recorded bodies; `tests/` is about the wire.

#[cfg(feature = "simulator")]
mod failures;
#[cfg(feature = "simulator")]
mod lists;
#[cfg(feature = "simulator")]
mod records;
#[cfg(feature = "simulator")]
mod stage;
#[cfg(feature = "simulator")]
mod vendor;

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;

use super::super::{Problem, Setup, kit};
use super::dialect::SiteKey;
use super::normalize::Reading;
use super::wire::{self, ErrorBody, Listing, One};
use super::{ENTRY, calls, normalize};
use crate::model::conversation::{Conversation, SpeakerRole};
use crate::model::id::SourceId;
use crate::model::interaction::InteractionStatus;
use crate::model::lead::{Lead, LeadStatus};
use crate::model::page::Page;
use crate::model::text::Json;
use crate::secret::Secret;
use crate::upstream::call::{Call, CallMeter, Path};
use crate::upstream::dialect::{Dialect, Verdict};
use crate::upstream::failure::Kind;
use crate::upstream::policy::Policy;

fn source() -> SourceId {
    SourceId::new("linden").unwrap()
}

fn leads(body: &str) -> Page<Lead> {
    let listing: Listing = kit::decode("leads.list", body.as_bytes()).unwrap();
    kit::rows(&listing.data, |wire: wire::Lead, raw| normalize::lead(&source(), wire, raw))
}

fn conversations(body: &str, reading: Reading) -> Page<Conversation> {
    let listing: Listing = kit::decode("conversations.list", body.as_bytes()).unwrap();
    kit::rows(&listing.data, |wire: wire::Conversation, raw| {
        normalize::conversation(&source(), wire, raw, reading)
    })
}

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

fn named<'a>(page: &'a Page<Conversation>, id: &str) -> &'a Conversation {
    page.rows.iter().find(|row| row.key.native.as_str() == id).unwrap()
}

#[test]
fn sample_of_the_leads_page_is_understood() {
    let page = leads(include_str!("testdata/page_leads.json"));
    let [lead] = &*page.rows else { panic!("one lead") };
    assert_eq!(page.rejected, 0);
    assert_eq!(lead.key.native.as_str(), "01J...");
    assert_eq!(lead.key.day, None);
    assert_eq!(lead.name.as_deref(), Some("Sarah Patel"));
    assert_eq!(lead.phone_e164.as_deref(), Some("+15555550199"));
    assert_eq!(lead.email.as_deref(), Some("sarah@example.com"));
    assert_eq!((lead.status, lead.vendor_status.as_deref()), (Some(LeadStatus::New), Some("new")));
    assert_eq!(lead.notes, []);
    assert_eq!(lead.page_url.as_deref(), Some("https://example.com/contact"));
    assert_eq!(lead.conversation.as_ref().unwrap().as_str(), "conv_abc");
    assert_eq!(lead.created_at, at("2026-05-07T12:00:00Z"));
    assert_eq!(lead.updated_at, lead.created_at);
    let fields: Vec<_> =
        lead.custom_fields.iter().map(|it| (&*it.key, it.value.as_ref().unwrap().as_str())).collect();
    assert_eq!(fields, [("company", r#""Acme""#), ("use_case", r#""consult""#)]);
    assert!(lead.raw.as_ref().unwrap().as_str().contains(r#""visitor_id": "v-123""#));
}

#[test]
fn sample_of_the_conversations_page_is_understood() {
    let page = conversations(include_str!("testdata/page_conversations.json"), Reading::List);
    let [it] = &*page.rows else { panic!("one conversation") };
    assert_eq!(it.key.native.as_str(), "conv_abc");
    assert_eq!((it.started_at, it.ended_at), (at("2026-05-07T11:00:00Z"), at("2026-05-07T11:03:42Z")));
    assert_eq!(it.state, InteractionStatus::Completed);
    assert_eq!((it.duration_seconds, it.turn_count), (Some(222), Some(12)));
    assert_eq!(it.preview.as_deref(), Some("Hi, I'd like to book a consultation"));
    let turns = it.transcript.as_ref().unwrap();
    assert_eq!(
        turns.iter().map(|turn| turn.role).collect::<Vec<_>>(),
        [SpeakerRole::Agent, SpeakerRole::User]
    );
    assert_eq!(turns[1].at, at("2026-05-07T11:00:01.8Z"));
    assert_eq!(turns[1].offset_ms, Some(1800));
    assert!(it.partial, "two of twelve turns");
    assert_eq!(it.tool_calls[0].name, "submit_lead");
    let recording = it.recording.as_ref().unwrap();
    assert_eq!((recording.mime_type.as_deref(), recording.size_bytes), (Some("audio/webm"), Some(184_320)));
    assert_eq!(it.expires_at, None, "C-S5: the sample has no expires_at");
    let One { data } = kit::decode("", include_bytes!("testdata/page_recording.json")).unwrap();
    let link: wire::Link = serde_json::from_str(data.get()).unwrap();
    assert!(super::super::kit::is_web_address(link.url.0.as_deref().unwrap()));
}

#[test]
fn samples_of_the_contract_are_understood() {
    let page = leads(include_str!("testdata/contract_leads.json"));
    assert_eq!(page.rows[0].custom_fields[1].value, Some(Json::from_valid("4000")));
    let body = include_str!("testdata/contract_conversation.json");
    let One { data } = kit::decode::<One>("", body.as_bytes()).unwrap();
    let wire = serde_json::from_str(data.get()).unwrap();
    let it = normalize::conversation(&source(), wire, &data, Reading::Single).unwrap();
    assert!(!it.partial);
    assert_eq!(it.recording, None, "C-S9: null is normal");
}

#[test]
fn awkward_leads_lose_no_more_than_what_cannot_be_read() {
    let page = leads(include_str!("testdata/awkward_leads.json"));
    assert_eq!((page.rows.len(), page.rejected), (3, 3));
    let [first, second, third] = &*page.rows else { panic!("three leads") };
    assert_eq!(first.name.as_deref(), Some("Siobhán\u{a0}🦊"));
    assert_eq!((&first.page_url, &first.conversation), (&None, &None));
    assert_eq!((first.phone.as_deref(), &first.phone_e164), (Some("(415) 555-0142"), &None));
    assert_eq!(first.email.as_deref(), Some("Mixed@Example.com"));
    assert_eq!((first.status, first.vendor_status.as_deref()), (Some(LeadStatus::Unknown), Some("Archived")));
    assert_eq!(first.notes, []);
    assert_eq!((first.created_at, first.updated_at), (at("2026-05-07T12:00:00.125Z"), None));
    assert_eq!(second.key.native.as_str(), "48213");
    assert_eq!(second.phone_e164.as_deref(), Some("+14155550142"));
    assert_eq!((second.status, &second.vendor_status), (Some(LeadStatus::Unknown), &None));
    assert_eq!((&*second.notes[0].id, &*second.notes[0].text), ("notes", "Call back"));
    assert_eq!(second.created_at, None);
    assert_eq!((&third.name, third.custom_fields.len()), (&None, 0));
    assert_eq!(third.status, Some(LeadStatus::Contacted));
}

#[test]
fn custom_fields_keep_their_order_and_their_json() {
    let page = leads(include_str!("testdata/awkward_leads.json"));
    let fields: Vec<_> = page.rows[0]
        .custom_fields
        .iter()
        .map(|field| (&*field.key, field.value.as_ref().map(Json::as_str)))
        .collect();
    let expected = [
        ("zeta", Some("12345678901234567890.5")),
        ("alpha", Some(r#"[1, null, {"b": 1, "a": 2}]"#)),
        ("none", None),
        ("text", Some(r#""""#)),
    ];
    assert_eq!(fields, expected);
}

#[test]
fn awkward_conversations_lose_no_more_than_what_cannot_be_read() {
    let page = conversations(include_str!("testdata/awkward_conversations.json"), Reading::List);
    assert_eq!((page.rows.len(), page.rejected), (5, 1));
    let it = named(&page, "conv_goes_on");
    assert_eq!((it.state, it.ended_at), (InteractionStatus::InProgress, None));
    assert_eq!((it.duration_seconds, &it.preview, &it.recording), (Some(12), &None, &None));
    let turns = it.transcript.as_ref().unwrap();
    let said: Vec<_> = turns
        .iter()
        .map(|turn| (turn.role, turn.vendor_role.as_deref(), &*turn.text, turn.offset_ms))
        .collect();
    let expected = [
        (SpeakerRole::System, Some("system"), "Hello", Some(0)),
        (SpeakerRole::Other, Some("Supervisor"), "listening in", Some(1500)),
        (SpeakerRole::Other, None, "", None),
        (SpeakerRole::User, Some("user"), "", None),
    ];
    assert_eq!(said, expected);
    assert_eq!(turns[3].at, None);
    let [tool] = &*it.tool_calls else { panic!("one tool call has a name") };
    assert_eq!(tool.args, Some(Json::from_valid(r#"{ "z": 1, "a": 2.50 }"#)));
    assert_eq!(it.expires_at, at("2027-05-07T11:00:00Z"), "C-S5: expires_at is read where it is there");
    assert_eq!(named(&page, "conv_null").recording.as_ref().unwrap().size_bytes, None);
}

#[test]
fn list_item_is_partial_unless_its_transcript_is_whole() {
    let body = include_str!("testdata/awkward_conversations.json");
    let partial =
        |reading| -> Vec<bool> { conversations(body, reading).rows.iter().map(|row| row.partial).collect() };
    // C-S4; and C-S6: an emptied transcript looks like one that was cut.
    assert_eq!(partial(Reading::List), [false, true, true, true, false]);
    assert_eq!(partial(Reading::Single), [false; 5]);
}

#[test]
fn records_belong_to_the_configured_account_whatever_site_they_name() {
    // C-S3: a UUID on one page, a short public id on another.
    for body in [include_str!("testdata/page_leads.json"), include_str!("testdata/awkward_leads.json")] {
        assert!(leads(body).rows.iter().all(|lead| lead.key.source == source()));
    }
}

#[test]
fn storage_path_of_a_recording_is_not_shown() {
    let page = conversations(include_str!("testdata/page_conversations.json"), Reading::List);
    let raw = page.rows[0].raw.as_ref().unwrap().as_str();
    let object: serde_json::Value = serde_json::from_str(raw).unwrap();
    assert_eq!(object["id"], "conv_abc");
    assert_eq!(object["recording_mime"], "audio/webm");
    assert!(object.get("recording_path").is_none(), "{raw}");
    assert!(raw.starts_with(r#"{"id":"conv_abc","site_id":"#), "the vendor's order: {raw}");
}

#[test]
fn field_that_is_no_text_costs_the_field_and_not_the_row() {
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    let body = format!(
        r#"{{"data":[{{"id":"01J","name":"\ud800","email":{deep},"data":{{"deep":{deep}}}}}],"has_more":false}}"#
    );
    let page = leads(&body);
    assert_eq!((page.rows.len(), page.rejected), (1, 0));
    assert_eq!((page.rows[0].name.as_deref(), &page.rows[0].email), (Some("\u{FFFD}"), &None));
    assert_eq!(page.rows[0].custom_fields[0].value.as_ref().unwrap().as_str(), deep);
}

#[test]
fn list_that_does_not_say_whether_it_goes_on_is_not_understood() {
    for body in [r#"{"data":[]}"#, r#"{"has_more":false}"#, r#"{"data":{},"has_more":false}"#, "[]", ""] {
        let error = kit::decode::<Listing>("leads.list", body.as_bytes()).err().unwrap();
        assert_eq!(error.kind, Kind::Protocol, "{body}");
    }
}

#[test]
fn body_that_is_not_understood_is_not_repeated_in_the_error() {
    let body = br#"{"data":"sarah@example.com","has_more":false}"#;
    let error = kit::decode::<Listing>("leads.list", body).err().unwrap();
    let cause = error.cause.as_ref().unwrap();
    assert!(cause.to_string().contains("line 1, column 27"), "{cause}");
    assert!(!format!("{error} {error:?} {cause}").contains("sarah"));
}

#[test]
fn error_code_is_found_in_every_shape_it_may_have() {
    for (body, code) in [
        (r#"{"success":false,"error":{"code":"LEAD_NOT_FOUND","message":"…"}}"#, Some("LEAD_NOT_FOUND")),
        (r#"{"error":"unauthenticated","message":"…"}"#, Some("unauthenticated")),
        (r#"{"code":"RATE_LIMITED","message":"…"}"#, Some("RATE_LIMITED")),
        (r#"{"error":{"code":7}}"#, None),
        (&*format!(r#"{{"code":"RATE_LIMITED","message":"{}"}}"#, "x".repeat(16 * 1024)), None),
        ("<html>", None),
        ("", None),
    ] {
        assert_eq!(ErrorBody::read(body.as_bytes()).code.as_deref(), code, "{body}");
    }
}

fn verdict(path: Path, status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Verdict {
    let call = Call {
        op: "test",
        method: http::Method::GET,
        path,
        query: Vec::new(),
        body: None,
        idempotent: true,
        background: false,
        deadline: tokio::time::Instant::now(),
        meter: CallMeter::default(),
    };
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, HeaderValue::from_static(value));
    }
    let key = SiteKey::new(&Secret::new("sk_live_x")).ok().unwrap();
    key.classify(&call, StatusCode::from_u16(status).unwrap(), &map, body.as_bytes())
}

fn rejected(path: Path, status: u16, body: &str) -> Kind {
    match verdict(path, status, &[], body) {
        Verdict::Reject { kind, .. } => kind,
        Verdict::Accept => panic!("accepted"),
    }
}

#[test]
fn forbidden_record_is_absent_and_forbidden_list_is_a_refused_key() {
    let list = || calls::path("leads");
    let record = || calls::path("leads").id("test", "01J").unwrap();
    let body = r#"{"error":{"code":"FORBIDDEN"}}"#;
    assert_eq!(rejected(list(), 403, body), Kind::Unauthorized); // C-S1
    assert_eq!(rejected(record(), 403, body), Kind::Forbidden); // C-S1
    assert_eq!(rejected(record().then(&["recording"]), 403, ""), Kind::Forbidden);
    assert_eq!(rejected(record(), 403, r#"{"error":{"code":"UNAUTHENTICATED"}}"#), Kind::Unauthorized);
    assert_eq!(rejected(record(), 401, ""), Kind::Unauthorized);
}

#[test]
fn error_codes_mean_the_same_in_either_case() {
    let record = || calls::path("leads").id("test", "01J").unwrap();
    // C-S10
    assert_eq!(rejected(record(), 400, r#"{"code":"lead_not_found"}"#), Kind::NotFound);
    assert_eq!(rejected(record(), 400, r#"{"code":"CONVERSATION_NOT_FOUND"}"#), Kind::NotFound);
    assert_eq!(rejected(record(), 403, r#"{"error":"rate_limited"}"#), Kind::RateLimited);
    assert_eq!(rejected(record(), 400, r#"{"error":"bad"}"#), Kind::Invalid);
    assert_eq!(
        rejected(record(), 503, r#"{"error":"rate_limited"}"#),
        Kind::VendorError,
        "5xx keep their status"
    );
}

#[test]
fn reset_of_a_limited_call_is_seconds_to_wait() {
    let limited = |headers| match verdict(calls::path("leads"), 429, headers, "") {
        Verdict::Reject { kind: Kind::RateLimited, retry_after } => retry_after,
        other => panic!("{other:?}"),
    };
    assert_eq!(limited(&[("x-ratelimit-reset", "12")]), Some(Duration::from_secs(12)));
    assert_eq!(limited(&[("x-ratelimit-reset", "12"), ("retry-after", "7")]), Some(Duration::from_secs(7)));
    assert_eq!(limited(&[("x-ratelimit-reset", "1778152222")]), None, "an epoch is not believed");
    assert_eq!(limited(&[]), None);
}

fn opened(key: &str, settings: &str) -> Result<Vec<String>, Vec<Problem>> {
    let setup = Setup {
        name: source(),
        base_url: ENTRY.base_url.parse().unwrap(),
        key: Secret::new(key),
        policy: (ENTRY.policy)(),
        settings: settings.parse().unwrap(),
        webhook: None,
    };
    (ENTRY.open)(setup)
        .map(|account| account.sources.iter().map(|source| source.id().as_str().to_owned()).collect())
}

#[test]
fn account_is_one_source_of_its_own_name() {
    assert_eq!(opened("sk_live_abc", ""), Ok(vec!["linden".to_owned()]));
}

#[test]
fn wrong_settings_are_all_told_at_once_and_never_repeat_the_key() {
    // C-S2
    for key in ["vk_live_secret", "VK_test_secret", "", "sk_live_\u{1}secret"] {
        let problems = opened(key, "site = 'x'\nlimit = 3").unwrap_err();
        let paths: Vec<String> = problems.iter().map(|problem| problem.path.join(".")).collect();
        assert_eq!(paths, ["settings.limit", "settings.site", "api_key_env"], "{key}");
        assert!(!format!("{problems:?}").contains("secret"), "{problems:?}");
    }
}

#[test]
fn default_pace_leaves_a_quarter_of_the_sites_quota_to_others() {
    let policy: Policy = (ENTRY.policy)();
    assert!(policy.quota * 4 <= 60 * 3 && policy.quota_window == Duration::from_secs(60));
    assert!(policy.quota + policy.burst < 60, "a burst and a minute at full pace stay below the vendor's 60");
}
