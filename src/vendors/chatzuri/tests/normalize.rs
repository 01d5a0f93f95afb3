//! From documents to records.

use jiff::civil::date;

use crate::model::conversation::{Channel, Conversation, SpeakerRole};
use crate::model::id::{SourceId, Vendor};
use crate::model::interaction::{Direction, InteractionStatus};
use crate::model::lead::Lead;
use crate::model::page::Page;
use crate::upstream::failure::Kind;
use crate::vendors::chatzuri::{normalize, wire};
use crate::vendors::kit;

fn source() -> SourceId {
    SourceId::new("acme/agt_7c1").unwrap()
}

fn leads(body: &str) -> Page<Lead> {
    let rows = wire::rows("leads.list", body.as_bytes()).unwrap();
    kit::rows(&rows, |wire, text| normalize::lead(&source(), wire, text))
}

fn conversations(body: &str) -> Page<Conversation> {
    let rows = wire::rows("conversations.list", body.as_bytes()).unwrap();
    kit::rows(&rows, |wire, text| normalize::conversation(&source(), wire, text))
}

#[test]
fn documented_lead_is_read_whole() {
    let page = leads(include_str!("../testdata/leads.json"));
    assert_eq!((page.rows.len(), page.rejected, page.next.as_ref()), (1, 0, None));
    let lead = &page.rows[0];
    assert_eq!(lead.key.native.as_str(), "48213");
    assert_eq!(lead.key.day, Some(date(2026, 4, 26)));
    assert_eq!(lead.vendor, Vendor::Chatzuri);
    assert_eq!(lead.name.as_deref(), Some("Amina W."));
    assert_eq!((lead.first_name.as_ref(), lead.last_name.as_ref()), (None, None));
    assert_eq!(lead.email.as_deref(), Some("amina@example.org"));
    assert_eq!(lead.phone.as_deref(), Some("+254700000111"));
    assert_eq!(lead.phone_e164.as_deref(), Some("+254700000111"));
    assert_eq!(lead.created_at, Some("2026-04-26T08:30:14.551Z".parse().unwrap()));
    assert_eq!((lead.status, lead.vendor_status.as_ref(), lead.updated_at), (None, None, None));
    assert!(lead.notes.is_empty() && lead.custom_fields.is_empty() && !lead.sparse);
    assert!(lead.raw.as_ref().unwrap().as_str().contains("\"chatbot_owner_user_id\": \"usr_41\""));
}

#[test]
fn sample_of_the_vendors_own_page_has_one_row_without_a_moment() {
    let sample = include_str!("../testdata/leads-of-the-page.json");
    let page = leads(sample);
    assert_eq!((page.rows.len(), page.rejected), (0, 1));

    let page = leads(&sample.replacen("\"string\"", "\"2026-04-26\"", 1));
    assert_eq!((page.rows.len(), page.rejected), (1, 0));
    assert_eq!(page.rows[0].key.native.as_str(), "0");
}

#[test]
fn odd_leads_are_read_and_broken_ones_counted() {
    let page = leads(include_str!("../testdata/leads-odd.json"));
    let ids: Vec<&str> = page.rows.iter().map(|lead| lead.key.native.as_str()).collect();
    // The second id is too large for any number type: it is kept digit by digit.
    assert_eq!(ids, ["48213", "90071992547409931234", "48215"]);
    assert_eq!(page.rejected, 7);
    assert_eq!(page.sent(), 10);

    let [first, second, third] = &page.rows[..] else { panic!("three leads") };
    assert_eq!(first.name.as_deref(), Some("Amina W."));
    assert_eq!((first.email.as_ref(), first.phone.as_ref()), (None, None));
    assert_eq!(first.created_at, Some("2026-04-26T08:30:14Z".parse().unwrap()));
    assert_eq!(second.phone.as_deref(), Some("254700000111"));
    assert_eq!(second.phone_e164, None);
    assert_eq!(second.created_at, Some("2026-04-26T08:30:14.551Z".parse().unwrap()));
    assert_eq!(third.email, None);
    assert_eq!(third.created_at, Some("2026-04-26T00:00:00Z".parse().unwrap()));
    // A row that names another agent belongs to the source that was asked for it.
    assert!(page.rows.iter().all(|lead| lead.key.source == source()));
    assert!(page.rows.iter().all(|lead| lead.key.day == Some(date(2026, 4, 26))));
}

#[test]
fn words_that_cannot_be_read_cost_no_more_than_themselves() {
    let page = leads(
        r#"{"data":[{"id":1,"created_at":"2026-04-26","name":"\ud800","email":1e999,"phone":"\u002b1"}]}"#,
    );
    let lead = &page.rows[0];
    assert_eq!((lead.name.as_deref(), lead.email.as_deref()), (Some("\u{FFFD}"), Some("1e999")));
    assert_eq!(lead.phone.as_deref(), Some("+1"));
    let page = conversations(
        r#"{"data":[{"id":1,"created_at":1777190400,"messages":[{"role":"\ud800","content":"half \ud800"}]}]}"#,
    );
    let turn = &page.rows[0].transcript.as_ref().unwrap()[0];
    assert_eq!(
        (turn.vendor_role.as_deref(), &*turn.text),
        (Some("\u{FFFD}"), "half \u{FFFD}"),
        "no words are lost"
    );
}

#[test]
fn documented_conversation_is_read_whole() {
    let page = conversations(include_str!("../testdata/conversations.json"));
    assert_eq!((page.rows.len(), page.rejected, page.next.as_ref()), (1, 0, None));
    let talk = &page.rows[0];
    assert_eq!(talk.key.native.as_str(), "9a1e-77");
    assert_eq!(talk.key.day, Some(date(2026, 4, 26)));
    assert_eq!((talk.channel, talk.vendor_channel.as_deref()), (Channel::WhatsApp, Some("WhatsApp")));
    assert_eq!((talk.direction, talk.state), (Some(Direction::Inbound), InteractionStatus::Unknown));
    assert_eq!(talk.started_at, Some("2026-04-26T08:21:40Z".parse().unwrap()));
    assert_eq!((talk.ended_at, talk.duration_seconds), (None, None));
    assert_eq!(talk.turn_count, Some(2));
    assert_eq!(talk.preview.as_deref(), Some("Opening hours?"));
    assert_eq!(talk.customer.as_deref(), Some("amina@example.org"));
    assert!(!talk.partial);
    let turns: Vec<(SpeakerRole, &str)> =
        talk.transcript.iter().flatten().map(|turn| (turn.role, &*turn.text)).collect();
    assert_eq!(turns, [(SpeakerRole::Agent, "Karibu!"), (SpeakerRole::User, "Opening hours?")]);
}

#[test]
fn odd_conversations_lose_no_words() {
    let page = conversations(include_str!("../testdata/conversations-odd.json"));
    assert_eq!((page.rows.len(), page.rejected), (3, 2));
    let [empty, silent, odd] = &page.rows[..] else { panic!("three conversations") };

    assert_eq!(empty.key.native.as_str(), "77");
    assert_eq!((empty.channel, empty.vendor_channel.as_ref()), (Channel::Other, None));
    assert_eq!((empty.turn_count, empty.preview.as_ref(), empty.customer.as_ref()), (Some(0), None, None));

    assert_eq!((silent.channel, silent.vendor_channel.as_deref()), (Channel::Other, Some("Pager")));
    assert_eq!((silent.turn_count, silent.transcript.as_ref()), (None, None));

    assert_eq!(odd.channel, Channel::Telegram);
    assert_eq!(odd.turn_count, Some(6));
    let turns: Vec<(SpeakerRole, Option<&str>, &str)> = odd
        .transcript
        .iter()
        .flatten()
        .map(|turn| (turn.role, turn.vendor_role.as_deref(), &*turn.text))
        .collect();
    assert_eq!(
        turns,
        [
            (SpeakerRole::System, Some("system"), "Be kind."),
            (SpeakerRole::Other, Some("human_agent"), ""),
            (SpeakerRole::User, Some("user"), r#"[ {"type": "text", "text": "Hi"} ]"#),
            (SpeakerRole::Other, None, "Nobody said this"),
            (SpeakerRole::Other, None, "bare words"),
            (SpeakerRole::User, Some("user"), "Second"),
        ]
    );
}

#[test]
fn preview_is_cut_between_letters() {
    let long = "é".repeat(300);
    let body = format!(
        r#"{{"data":[{{"id":"1","created_at":"2026-04-26","messages":[{{"role":"user","content":" {long}"}}]}}]}}"#
    );
    let page = conversations(&body);
    let preview = page.rows[0].preview.as_deref().unwrap();
    assert_eq!(preview.chars().count(), 200);
    assert_eq!(page.rows[0].transcript.as_ref().unwrap()[0].text.chars().count(), 301);
}

#[test]
fn object_without_a_list_is_no_empty_page() {
    for body in ["{}", r#"{"data":null}"#, r#"{"data":{}}"#, r#"{"message":"soon"}"#, "[]", "<html>", ""] {
        let error = wire::rows("leads.list", body.as_bytes()).unwrap_err();
        assert_eq!(error.kind, Kind::Protocol, "{body}");
    }
    assert!(wire::rows("leads.list", br#"{"data":[]}"#).unwrap().is_empty());
}

#[test]
fn agents_are_found_under_every_name() {
    let row = r#"{"agent_id":"a1","chatbot_id":"x"},{"agentId":"a2"},{"chatbot_id":"a3","source_text":"secret"},{"id":4},{"name":"no id"},7"#;
    for list in ["agents", "chatbots", "data"] {
        let ids = wire::agents("agents.list", format!(r#"{{"{list}":[{row}]}}"#).as_bytes()).unwrap();
        let ids: Vec<Option<&str>> = ids.iter().map(Option::as_deref).collect();
        assert_eq!(ids, [Some("a1"), Some("a2"), Some("a3"), Some("4"), None, None], "{list}");
    }
    assert_eq!(wire::agents("agents.list", b"{}").unwrap_err().kind, Kind::Protocol);
}

#[test]
fn a_message_that_is_no_object_is_kept_as_it_is_written() {
    let messages = r#"[{"role":"user","content":"hi"},["user","hi"],7]"#;
    let page = conversations(&format!(
        r#"{{"data":[{{"id":"1","created_at":"2026-04-26","messages":{messages}}}]}}"#
    ));
    let turns = page.rows[0].transcript.as_ref().unwrap();
    let texts: Vec<_> = turns.iter().map(|turn| &*turn.text).collect();
    assert_eq!(texts, ["hi", r#"["user","hi"]"#, "7"]);
}
