//! LeadSail's words, without a socket.

use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::value::RawValue;

use super::*;
use crate::model::conversation::SpeakerRole;
use crate::model::interaction::{Direction, Interaction, InteractionKind, InteractionStatus};
use crate::model::lead::LeadStatus;
use crate::upstream::dialect::{Dialect, Verdict};
use crate::upstream::failure::Kind;
use crate::vendors::kit;
use crate::vendors::leadsail::dialect::{self, LIST, Signed};
use crate::vendors::leadsail::leads::{Following, following};
use crate::vendors::leadsail::normalize;
use crate::vendors::leadsail::wire::{Envelope, InteractionList, LeadList};

fn lead(text: &str) -> Lead {
    let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
    normalize::lead(&source_id(), &raw).unwrap()
}

fn interactions(text: &str) -> Vec<Arc<Interaction>> {
    let list: Envelope<InteractionList> = kit::decode("test", text.as_bytes()).unwrap();
    let page =
        kit::rows(&list.data.interactions, |wire, raw| normalize::interaction(&source_id(), wire, raw));
    assert_eq!(page.rejected, 0);
    page.rows
}

fn interaction(fields: &str) -> Interaction {
    let text =
        format!(r#"{{"success":true,"data":{{"interactions":[{{"interactionId":"int_1",{fields}}}]}}}}"#);
    (*interactions(&text)[0]).clone()
}

#[test]
fn the_contracts_lead_is_read_whole() {
    let detail: Envelope<Box<RawValue>> = kit::decode("t", include_bytes!("../testdata/lead.json")).unwrap();
    let lead = lead(detail.data.get());
    assert_eq!(lead.key.native.as_str(), "lead_q7d2");
    assert_eq!(lead.name.as_deref(), Some("Tomas Berg"));
    assert_eq!((lead.phone.as_deref(), lead.phone_e164), (Some("(212) 555-0188"), None));
    assert_eq!(lead.status, Some(LeadStatus::InProgress));
    assert_eq!(lead.vendor_status.as_deref(), Some("scheduled_callback"));
    assert_eq!(lead.status_detail.as_deref(), Some("callback requested"));
    assert_eq!((lead.notes[0].id.as_str(), lead.notes[0].author.as_deref()), ("n_1", Some("user_3")));
    let fields: Vec<_> =
        lead.custom_fields.iter().map(|field| (field.key.as_str(), field.label.as_deref())).collect();
    assert_eq!(fields, [("homeowner", None), ("roof_age", Some("How old is the roof?"))]);
    assert_eq!(lead.custom_fields[1].value.as_ref().unwrap().as_str(), "12");
    assert_eq!(lead.page_url.as_deref(), Some("https://norte.example/q"));
    let campaign = lead.campaign.unwrap();
    assert_eq!((campaign.id.as_str(), campaign.client.as_deref()), ("U4D", Some("Norte Roofs")));
    assert_eq!(lead.approval.unwrap().status, "pending");
    assert_eq!((lead.is_test, lead.do_not_contact), (Some(false), Some(false)));
    assert_eq!(lead.created_at, Some("2026-03-02T16:59:08Z".parse().unwrap()));
    assert!(!lead.sparse);
}

#[test]
fn an_awkward_lead_loses_no_more_than_it_must() {
    let lead = lead(include_str!("../testdata/lead_awkward.json"));
    assert_eq!((lead.name.as_deref(), lead.last_name), (Some("Søren"), None));
    assert_eq!((lead.phone.as_deref(), lead.phone_e164), (Some("2125550188"), None), "country is no help");
    assert_eq!(
        (lead.status, lead.vendor_status.as_deref()),
        (Some(LeadStatus::Unknown), Some("parked_by_admin"))
    );
    assert_eq!(
        (lead.notes[0].id.as_str(), lead.notes[0].text.as_str()),
        ("notes", "Called in, wants a quote")
    );
    let fields: Vec<_> = lead
        .custom_fields
        .iter()
        .map(|field| {
            (field.key.as_str(), field.label.as_deref(), field.value.as_ref().map(|value| value.as_str()))
        })
        .collect();
    assert_eq!(
        fields,
        [
            ("zeta", None, Some("1")),
            ("alpha", None, None),
            ("größe_m²", None, Some(r#"{"b":1.50,"a":2}"#)),
            ("roof_age", None, Some("12")),
            ("leaks", Some("Where?"), Some(r#"["attic"]"#)),
            ("budget", None, None),
        ]
    );
    assert_eq!((lead.is_test, lead.do_not_contact), (Some(true), None));
    assert_eq!(lead.campaign.unwrap().name, None);
    assert_eq!(lead.created_at, Some("2026-03-02T16:59:10.123Z".parse().unwrap()), "the next best time");
    assert_eq!(lead.approval.unwrap().decided_by, None);
}

#[test]
fn secrets_and_addresses_are_dropped_and_the_rest_keeps_its_order() {
    let lead = lead(include_str!("../testdata/lead_awkward.json"));
    let shown = format!("{lead:?}");
    assert!(!shown.contains("canary") && !shown.contains("203.0.113.7"), "{shown}");
    assert_eq!(
        lead.attribution.unwrap().as_str(),
        r#"{"captureUrl":"https://norte.example/q","params":{"utm_source":"search"}}"#
    );
    let raw = lead.raw.unwrap();
    let parsed: serde_json::Value = serde_json::from_str(raw.as_str()).unwrap();
    assert_eq!(parsed["firstName"], "  Søren ", "raw is not trimmed");
    assert_eq!(parsed["submissions"][0], serde_json::json!({}));
    assert!(raw.as_str().find("zeta") < raw.as_str().find("alpha"));
}

#[test]
fn lists_in_the_place_of_objects_are_nothing() {
    // serde reads a list into a struct, field by field, if it is let.
    let fields = r#""campaign":["U4D","West"],"flags":[true],"notes":[["n_1","Ann"]],"attribution":["https://a.example"],
        "questionnaire":{"leaks":["attic","hall"]}"#;
    let lead = lead(&format!(r#"{{"leadId":"lead_1",{fields}}}"#));
    assert_eq!((lead.campaign, lead.is_test, lead.notes.len(), lead.page_url), (None, None, 0, None));
    assert_eq!(lead.custom_fields[0].value.as_ref().unwrap().as_str(), r#"["attic","hall"]"#);
    let rows: Vec<&RawValue> = serde_json::from_str(r#"[["lead_1"],["lead_2",null]]"#).unwrap();
    let page = kit::each(&rows, |raw| normalize::lead(&source_id(), raw));
    assert_eq!((page.rows.len(), page.rejected), (0, 2));
}

#[test]
fn raw_of_endless_depth_is_cut() {
    let text = format!(r#"{{"leadId":"lead_1","tags":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    let raw = lead(&text).raw.unwrap();
    assert!(raw.as_str().contains("null") && raw.as_str().len() < 100);
}

#[test]
fn every_documented_status_has_its_group() {
    let groups: [(LeadStatus, &str); 9] = [
        (LeadStatus::New, "new"),
        (
            LeadStatus::InProgress,
            "pending processing missing_data queued pending_action no_answer voicemail scheduled_callback",
        ),
        (LeadStatus::Contacted, "contacted"),
        (LeadStatus::Qualified, "qualified pending_signature document_sent signed"),
        (LeadStatus::Delivered, "delivered accepted"),
        (LeadStatus::Disqualified, "disqualified rejected duplicate"),
        (LeadStatus::Unreachable, "no_contact"),
        (LeadStatus::DoNotContact, "dnc"),
        (LeadStatus::Failed, "failed error"),
    ];
    let mut words = 0;
    for (group, list) in groups {
        for word in list.split(' ') {
            let lead = lead(&format!(r#"{{"leadId":"lead_1","status":"{word}"}}"#));
            assert_eq!((lead.status, lead.vendor_status.as_deref()), (Some(group), Some(word)));
            words += 1;
        }
        // Only a group of a single word may be asked for by that word.
        assert_eq!(normalize::status_word(group).is_some(), !list.contains(' '));
    }
    assert_eq!(words, 23);
    assert_eq!(lead(r#"{"leadId":"l","status":"Signed"}"#).status, Some(LeadStatus::Qualified));
}

#[test]
fn an_item_without_status_or_without_anyone_is_sparse() {
    let sparse = |fields: &str| {
        lead(&format!(r#"{{"leadId":"lead_1","createdAt":"2026-03-02T16:59:08Z"{fields}}}"#)).sparse
    };
    assert!(sparse(""));
    assert!(sparse(r#","status":"new""#));
    assert!(sparse(r#","firstName":"Ann""#));
    assert!(!sparse(r#","firstName":"","phone":null,"status":"new""#));
    assert!(!sparse(r#","firstName":"Ann","status":"new""#));
    assert!(!sparse(r#","phone":"2125550188","status":"never_seen""#));
}

#[test]
fn creation_falls_back_to_the_next_best_time() {
    let created =
        |fields: &str| lead(&format!(r#"{{"leadId":"lead_1"{fields}}}"#)).created_at.map(|at| at.to_string());
    let (own, sent, active) = (
        r#","createdAt":"2026-03-01T00:00:00Z""#,
        r#","latestSubmittedAt":"2026-03-02T00:00:00Z""#,
        r#","lastActivityAt":"2026-03-03T00:00:00Z""#,
    );
    assert_eq!(created(&[own, sent, active].concat()).unwrap(), "2026-03-01T00:00:00Z");
    assert_eq!(created(&[sent, active].concat()).unwrap(), "2026-03-02T00:00:00Z");
    assert_eq!(created(active).unwrap(), "2026-03-03T00:00:00Z");
    assert_eq!(created(r#","createdAt":null"#), None);
}

#[test]
fn a_field_that_cannot_be_read_costs_the_field_and_not_the_lead() {
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    for broken in ["1e999", r#"{"a":1e999}"#, &deep] {
        for field in
            ["email", "detail", "notes", "campaign", "createdAt", "latestSubmittedAt", "lastActivityAt"]
        {
            let lead = lead(&format!(r#"{{"leadId":"lead_1","phone":"2125550188","{field}":{broken}}}"#));
            assert_eq!(
                (lead.email, lead.status_detail, lead.campaign),
                (None, None, None),
                "{field} {broken}"
            );
            assert_eq!((lead.notes.len(), lead.created_at, lead.last_activity_at), (0, None, None));
            assert_eq!(lead.phone.as_deref(), Some("2125550188"));
        }
    }
}

#[test]
fn a_member_that_is_there_twice_costs_what_it_is_a_member_of() {
    let fields = r#""campaign":{"campaignId":"U4D","name":"a","name":"b"},"customFields":{"age":1,"age":2},"odd":1,"odd":2"#;
    let lead = lead(&format!(r#"{{"leadId":"lead_1",{fields}}}"#));
    assert_eq!(lead.campaign, None, "which of the two it is, nobody knows");
    let values: Vec<_> = lead.custom_fields.iter().filter_map(|field| field.value.clone()).collect();
    assert_eq!(values.iter().map(|value| value.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    let body = br#"{"data":{"leads":[{"leadId":"lead_1","email":"a@b.example","email":"c@d.example"},{"leadId":"lead_2"}]}}"#;
    let page = (ENTRY.leads_page)(&source_id(), body).unwrap();
    assert_eq!((ids(&page.rows), page.rejected), (vec!["lead_2".to_owned()], 1));
}

#[test]
fn custom_fields_show_nothing_that_must_not_be_seen() {
    // LEADSAIL-20
    let lead = lead(
        r#"{"leadId":"lead_1",
        "customFields":{"client_ip_address":"203.0.113.9","crm":{"headers":{"Authorization":"x"},"id":7},"none":null},
        "questionnaire":{"apiKey":"k","roof":{"question":"Old?","answer":{"token":1,"years":9}}}}"#,
    );
    let fields = lead.custom_fields.iter();
    let fields = fields.map(|field| (field.key.as_str(), field.value.as_ref().map(|value| value.as_str())));
    let expected = [("crm", Some(r#"{"id":7}"#)), ("none", None), ("roof", Some(r#"{"years":9}"#))];
    assert_eq!(fields.collect::<Vec<_>>(), expected);
}

#[test]
fn conversation_tells_whose_it_is_and_begins_with_the_first_that_was_said() {
    let said = |turns: &str| interaction(&format!(r#""phone":" +14155550124 ","transcript":[{turns}]"#));
    let talk = said(
        r#"{"role":"agent","message":"a"},{"role":"user","message":""},{"role":"user","message":"cut \ud83d"}"#,
    )
    .to_conversation();
    assert_eq!(talk.preview.as_deref(), Some("cut \u{FFFD}"), "an emoji cut in two costs no turn");
    assert_eq!((talk.customer.as_deref(), talk.turn_count), (Some("+14155550124"), Some(3)));
    assert_eq!(said(r#"{"role":"user","message":" "}"#).to_conversation().preview, None);
}

#[test]
fn the_vendors_own_sample_is_read() {
    let all = interactions(include_str!("../testdata/interactions_vendor_page.json"));
    let [one] = &all[..] else { panic!("one interaction") };
    assert_eq!(one.key.native.as_str(), "int_abc123");
    assert_eq!((one.kind, one.status), (InteractionKind::Call, InteractionStatus::InProgress));
    assert_eq!(one.direction, Some(Direction::Inbound));
    let call = one.call.as_ref().unwrap();
    assert_eq!((call.origin.as_deref(), call.duration_seconds), (Some("webrtc"), Some(0)));
    assert_eq!((call.spoken_to, call.recording.is_some()), (Some(true), true));
    assert_eq!(call.agent.as_ref().unwrap().provider.as_deref(), Some("elevenlabs"));
    assert_eq!(one.sms.as_ref().unwrap().agent_mode, Some(true));
    assert_eq!(one.telephony.as_ref().unwrap().provider.as_deref(), Some("vonage"));
    let turn = &one.transcript.as_ref().unwrap()[0];
    assert_eq!((turn.role, turn.text.as_str(), turn.at), (SpeakerRole::Agent, "string", None));
    assert_eq!(one.failure.as_ref().unwrap().code.as_deref(), Some("string"));
    assert_eq!(one.occurred_at, None, "\"string\" is no time");
    assert!(!one.raw.as_ref().unwrap().as_str().contains("recordingUrl"));
}

#[test]
fn the_contracts_interaction_is_read_without_its_link() {
    let all = interactions(include_str!("../testdata/interactions.json"));
    assert_eq!(all[0].status, InteractionStatus::FollowUp);
    assert_eq!(all[0].call.as_ref().unwrap().duration_seconds, Some(74));
    let turn = &all[0].transcript.as_ref().unwrap()[0];
    assert_eq!((turn.role, turn.at), (SpeakerRole::Agent, Some("2026-03-02T17:18:46Z".parse().unwrap())));
    assert_eq!((all[0].sms.as_ref(), all[0].failure.as_ref()), (None, None));
    assert!(!format!("{all:?}").contains("rec.example"));
}

#[test]
fn interaction_words_are_an_open_set() {
    for (word, kind) in [
        ("call", InteractionKind::Call),
        ("SMS", InteractionKind::Sms),
        ("email", InteractionKind::Email),
        ("e-mail", InteractionKind::Email),
        ("mail", InteractionKind::Email),
        ("fax", InteractionKind::Other),
    ] {
        let read = interaction(&format!(r#""type":"{word}""#));
        assert_eq!((read.kind, read.vendor_kind.as_deref()), (kind, Some(word)));
    }
    for (words, status) in [
        ("in_progress", InteractionStatus::InProgress),
        ("completed", InteractionStatus::Completed),
        ("incomplete", InteractionStatus::Incomplete),
        ("voicemail", InteractionStatus::Voicemail),
        ("no_answer busy", InteractionStatus::NoAnswer),
        ("no_contact", InteractionStatus::Unreachable),
        ("scheduled_callback follow_up", InteractionStatus::FollowUp),
        ("qualified", InteractionStatus::Qualified),
        ("disqualified", InteractionStatus::Disqualified),
        ("marked_dnc", InteractionStatus::Unknown),
    ] {
        for word in words.split(' ') {
            let read = interaction(&format!(r#""status":"{word}""#));
            assert_eq!((read.status, read.vendor_status.as_deref()), (status, Some(word)));
        }
    }
}

#[test]
fn speakers_are_told_apart_and_the_system_is_heard() {
    let transcript = r#""transcript":[
        {"role":"agent","message":"a","source":"system"}, {"role":"user","message":"b","timestamp":"00:07"},
        {"role":"event","message":"c","source":"system"}, {"role":"bot","message":"d"}, {"message":null}, 7]"#;
    let turns = interaction(transcript).transcript.unwrap();
    let roles: Vec<_> = turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [SpeakerRole::Agent, SpeakerRole::User, SpeakerRole::System, SpeakerRole::Other]);
    assert!(turns.iter().all(|turn| turn.at.is_none()));
}

fn verdict(op: &str, status: u16, body: &str) -> Result<(), Kind> {
    let status = StatusCode::from_u16(status).unwrap();
    match dialect::classify(op, status, &HeaderMap::new(), body.as_bytes()) {
        Verdict::Accept => Ok(()),
        Verdict::Reject { kind, .. } => Err(kind),
    }
}

#[test]
fn an_answer_is_judged_by_its_envelope_and_its_status() {
    let says =
        |code: &str| format!(r#"{{"success":false,"error":{{"code":"{code}","message":"m","details":[]}}}}"#);
    assert_eq!(verdict(LIST, 200, r#"{"success":true,"data":null}"#), Ok(()));
    for (status, code, kind) in [
        (200, "UNAUTHORIZED", Kind::Unauthorized),
        (200, "not_found", Kind::NotFound),
        (201, "VALIDATION_ERROR", Kind::Invalid),
        (200, "RATE_LIMIT_EXCEEDED", Kind::RateLimited),
        (200, "TOO_MANY_REQUESTS", Kind::RateLimited),
        (200, "MISSING_PHONE_NUMBER", Kind::VendorError),
        (401, "UNAUTHORIZED", Kind::Unauthorized),
        (400, "UNAUTHORIZED", Kind::Unauthorized),
        (422, "NOT_FOUND", Kind::NotFound),
        (400, "SOMETHING_ELSE", Kind::Invalid),
        (500, "UNAUTHORIZED", Kind::VendorError),
    ] {
        assert_eq!(verdict(LIST, status, &says(code)), Err(kind), "{status} {code}");
    }
    assert_eq!(
        verdict(LIST, 401, include_str!("../testdata/error_unauthorized.json")),
        Err(Kind::Unauthorized)
    );
    assert_eq!(verdict(LIST, 404, include_str!("../testdata/error_not_found.json")), Err(Kind::NotFound));
    assert_eq!(verdict(LIST, 200, r#"{"success":false}"#), Err(Kind::VendorError));
    assert_eq!(verdict(LIST, 200, r#"{"success":false,"error":"NOT_FOUND"}"#), Err(Kind::VendorError));
    assert_eq!(
        verdict(LIST, 400, r#"{"success":true,"data":{}}"#),
        Err(Kind::Invalid),
        "the status counts too"
    );
    assert_eq!(verdict(LIST, 200, "<!doctype html>"), Err(Kind::Protocol));
    assert_eq!(verdict(LIST, 200, r#"{"data":{}}"#), Err(Kind::Protocol));
    assert_eq!(verdict(LIST, 502, "<!doctype html>"), Err(Kind::VendorError));
    assert_eq!(verdict(LIST, 302, ""), Err(Kind::Protocol));
    assert_eq!(verdict(LIST, 403, ""), Err(Kind::Unauthorized));
    assert_eq!(verdict("leads.get", 403, ""), Err(Kind::Forbidden));
}

#[test]
fn a_rate_limit_in_a_2xx_keeps_its_retry_after() {
    let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, HeaderValue::from_static("12"))]);
    let body = br#"{"success":false,"error":{"code":"RATE_LIMITED"}}"#;
    let twelve = Some(Duration::from_secs(12));
    let expected = Verdict::Reject { kind: Kind::RateLimited, retry_after: twelve };
    assert_eq!(dialect::classify(LIST, StatusCode::OK, &headers, body), expected);
}

#[test]
fn the_key_goes_into_its_header_and_is_sensitive() {
    let mut headers = HeaderMap::new();
    Signed::new(" vf_canary ").unwrap().authorize(&mut headers);
    assert_eq!(headers["x-api-key"], "vf_canary");
    assert!(!format!("{headers:?}").contains("canary"));
    assert!(Signed::new("").is_none() && Signed::new("a\nb").is_none());
}

fn goes_on(data: &str, cursor: Option<&str>) -> Following {
    let list: LeadList = serde_json::from_str(data).unwrap();
    let page = kit::each(&list.leads, |raw| normalize::lead(&source_id(), raw));
    following(&list, &page, cursor)
}

#[test]
fn a_list_goes_on_at_the_last_lead_and_ends_honestly() {
    let at = |cursor: &str| Following::Cursor(cursor.into());
    let row = r#""leads":[{"leadId":"lead_1"},{"leadId":"lead_2"}]"#;
    let page = |rest: &str| format!("{{{row}{rest}}}");
    assert_eq!(goes_on(&page(r#","hasMore":true,"nextCursor":"lead_2""#), None), at("lead_2"));
    assert_eq!(
        goes_on(&page(r#","hasMore":true,"nextCursor":null"#), None),
        at("lead_2"),
        "the last row's id"
    );
    assert_eq!(goes_on(&page(r#","hasMore":"true""#), Some("lead_0")), at("lead_2"));
    assert_eq!(goes_on(&page(r#","hasMore":false,"nextCursor":"lead_2""#), None), Following::End);
    assert_eq!(goes_on(&page(r#","nextCursor":"lead_2""#), None), at("lead_2"), "hasMore is missing");
    assert_eq!(goes_on(&page(""), None), Following::End);
    assert_eq!(goes_on(&page(r#","hasMore":true,"nextCursor":"lead_2""#), Some("lead_2")), Following::Lost);
    assert_eq!(goes_on(r#"{"leads":[7],"hasMore":true}"#, None), Following::Lost, "nothing says where");
    assert_eq!(goes_on(r#"{"leads":[],"hasMore":true,"nextCursor":"x"}"#, None), Following::EmptyButMore);
    assert_eq!(goes_on(r#"{"leads":null,"hasMore":false}"#, None), Following::End);
}
