//! Filters: what a vendor claims to run itself is sent to it and loses nothing; what it does not claim is not sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use leadgraph::model::caps::TimeFilter;
use leadgraph::model::conversation::{Channel, Conversation};
use leadgraph::model::id::NativeId;
use leadgraph::model::lead::{Lead, LeadStatus};
use leadgraph::source::{ConversationQuery, LeadQuery, Listed, Source, Span};

use super::bench::{Bench, Row, all, ids, page};
use super::check;

/// Those of `rows` that a filter should keep.
fn kept<T: Row>(rows: &[Arc<T>], keeps: impl Fn(&T) -> bool) -> BTreeSet<NativeId> {
    rows.iter().filter(|row| keeps(row)).map(|row| row.id().clone()).collect()
}

/// Checks the filters by time of a list, at the very moments of some of its rows.
async fn times<T: Row>(bench: &Bench, query_of: impl Fn(Span) -> T::Query) {
    let source = bench.source();
    let Some(list) = T::list(&*source) else { return };
    let caps = T::caps(list.caps_dyn());
    let rows = all::<T>(&*source, &query_of(Span::default())).await;
    let mut moments: Vec<Timestamp> = rows.iter().filter_map(|row| row.at()).collect();
    moments.sort();
    assert!(moments.len() > 100, "{}: enough to tell", bench.name());
    for place in [moments.len() / 4, moments.len() / 2, moments.len() * 5 / 8] {
        let moment = Some(moments[place]);
        for (by, span) in [
            (caps.since, Span { since: moment, until: None }),
            (caps.until, Span { since: None, until: moment }),
        ] {
            // A filter by days may keep some days more than it was asked for.
            let days = match by {
                TimeFilter::None => continue,
                TimeFilter::Day => 4,
                TimeFilter::Exact => 0,
            };
            let query = query_of(span);
            let found = ids(&all::<T>(&*source, &query).await);
            let lost: Vec<_> = within(&rows, span, 0).difference(&found).cloned().collect();
            assert!(lost.is_empty(), "{}: {query:?} loses {lost:?}", bench.name());
            let most = within(&rows, span, days);
            assert!(most.len() < rows.len() && found.is_subset(&most), "{}: {query:?} narrows", bench.name());
        }
    }
}

/// The rows of a span and of some days around it.
fn within<T: Row>(rows: &[Arc<T>], span: Span, days: i64) -> BTreeSet<NativeId> {
    let more = SignedDuration::from_hours(24 * days);
    let inside = |at: Timestamp| {
        span.since.is_none_or(|since| at >= since - more) && span.until.is_none_or(|until| at < until + more)
    };
    kept(rows, |row| row.at().is_some_and(inside))
}

#[tokio::test]
async fn spans_include_their_beginning_and_lose_nothing() {
    check(300, async |bench| {
        times::<Lead>(bench, |created| LeadQuery { created, ..LeadQuery::default() }).await;
        times::<Conversation>(bench, |started| ConversationQuery { started, ..ConversationQuery::default() })
            .await;
    })
    .await;
}

#[tokio::test]
async fn vendor_tells_the_creation_that_it_filters_by() {
    check(60, async |bench| {
        let leads = all::<Lead>(&*bench.source(), &LeadQuery::default()).await;
        let told: BTreeSet<_> = leads.iter().map(|lead| (lead.id().clone(), lead.at().unwrap())).collect();
        assert_eq!(told, bench.leads().into_iter().collect(), "{}", bench.name());
    })
    .await;
}

#[tokio::test]
async fn status_that_the_vendor_filters_keeps_exactly_its_leads() {
    check(300, async |bench| {
        let source = bench.source();
        let caps = source.leads().unwrap().caps_dyn();
        let leads = all::<Lead>(&*source, &LeadQuery::default()).await;
        assert_eq!(leads.iter().any(|lead| lead.status.is_some()), caps.has_status, "{}", bench.name());
        for status in caps.status {
            let query = LeadQuery { status: Some(*status), ..LeadQuery::default() };
            let found = ids(&all::<Lead>(&*source, &query).await);
            let wanted = kept(&leads, |lead| lead.status == Some(*status));
            assert!(!wanted.is_empty(), "{}: {status:?} occurs", bench.name());
            assert_eq!(found, wanted, "{}: {status:?}", bench.name());
        }
    })
    .await;
}

#[tokio::test]
async fn email_that_the_vendor_searches_finds_all_its_leads() {
    check(300, async |bench| {
        let source = bench.source();
        if !source.leads().unwrap().caps_dyn().email {
            return;
        }
        let leads = all::<Lead>(&*source, &LeadQuery::default()).await;
        let folded = |lead: &Lead| lead.email.as_deref().map(|email| email.trim().to_lowercase());
        for email in leads.iter().filter_map(|lead| folded(lead)).take(5) {
            let query = LeadQuery { email: Some(email.as_str().into()), ..LeadQuery::default() };
            let found = ids(&all::<Lead>(&*source, &query).await);
            let wanted = kept(&leads, |lead| folded(lead).as_ref() == Some(&email));
            assert!(wanted.is_subset(&found) && found.len() < 20, "{}: {email}", bench.name());
        }
    })
    .await;
}

#[tokio::test]
async fn channels_and_recordings_that_the_vendor_filters_lose_nothing() {
    check(120, async |bench| {
        let source = bench.source();
        let Some(list) = source.conversations() else { return };
        let caps = list.caps_dyn();
        let rows = all::<Conversation>(&*source, &ConversationQuery::default()).await;
        let closed = caps.channels.is_empty() || rows.iter().all(|row| caps.channels.contains(&row.channel));
        assert!(closed, "{}: a channel that the caps do not know", bench.name());
        for channel in caps.channel_filter {
            let query = ConversationQuery { channels: vec![*channel], ..ConversationQuery::default() };
            let found = ids(&all::<Conversation>(&*source, &query).await);
            let wanted = kept(&rows, |row| row.channel == *channel);
            assert!(wanted.is_subset(&found), "{}: {channel:?}", bench.name());
            assert!(found.len() < rows.len(), "{}: {channel:?} narrows the list", bench.name());
        }
        let recorded = kept(&rows, |row| row.recording.is_some());
        assert_eq!(!recorded.is_empty(), caps.recordings, "{}", bench.name());
        if caps.has_recording {
            let query = ConversationQuery { has_recording: true, ..ConversationQuery::default() };
            let found = ids(&all::<Conversation>(&*source, &query).await);
            assert_eq!(found, recorded, "{}", bench.name());
        }
    })
    .await;
}

/// The parameters that `query` adds to those of a plain list.
async fn added<T: Row>(bench: &Bench, source: &dyn Source, query: &T::Query) -> usize
where
    T::Query: Default,
{
    page::<T>(source, &<T as Listed>::Query::default(), None).await.unwrap();
    let plain = bench.asked();
    page::<T>(source, query, None).await.unwrap();
    bench.asked().difference(&plain).count()
}

#[tokio::test]
async fn filters_are_sent_if_and_only_if_they_are_claimed() {
    let since = Span { since: Some("2026-05-01T00:00:00Z".parse().unwrap()), until: None };
    let sent = |named: &[&str], name: &str| usize::from(named.contains(&name));
    check(3, async |bench| {
        let source = bench.source();
        let caps = source.leads().unwrap().caps_dyn();
        let named = caps.list.vendor_filters;
        let status = caps.status.first().copied().unwrap_or(LeadStatus::New);
        for (name, query) in [
            ("createdAt", LeadQuery { created: since, ..LeadQuery::default() }),
            ("status", LeadQuery { status: Some(status), ..LeadQuery::default() }),
            ("email", LeadQuery { email: Some("grace@example.org".into()), ..LeadQuery::default() }),
        ] {
            let added = added::<Lead>(bench, &*source, &query).await;
            assert_eq!(added, sent(named, name), "{}: leads by {name}", bench.name());
        }
        assert_eq!(caps.list.since != TimeFilter::None, named.contains(&"createdAt"), "{}", bench.name());
        assert_eq!(!caps.status.is_empty(), named.contains(&"status"), "{}", bench.name());
        assert_eq!(caps.email, named.contains(&"email"), "{}", bench.name());

        let Some(list) = source.conversations() else { return };
        let caps = list.caps_dyn();
        let named = caps.list.vendor_filters;
        let channel = caps.channel_filter.first().copied().unwrap_or(Channel::Voice);
        for (name, query) in [
            ("startedAt", ConversationQuery { started: since, ..ConversationQuery::default() }),
            ("channel", ConversationQuery { channels: vec![channel], ..ConversationQuery::default() }),
            ("hasRecording", ConversationQuery { has_recording: true, ..ConversationQuery::default() }),
        ] {
            let added = added::<Conversation>(bench, &*source, &query).await;
            assert_eq!(added, sent(named, name), "{}: conversations by {name}", bench.name());
        }
        assert_eq!(caps.list.since != TimeFilter::None, named.contains(&"startedAt"), "{}", bench.name());
        assert_eq!(!caps.channel_filter.is_empty(), named.contains(&"channel"), "{}", bench.name());
        assert_eq!(caps.has_recording, named.contains(&"hasRecording"), "{}", bench.name());
    })
    .await;
}
