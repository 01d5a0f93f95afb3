//! Numbers: every bound of serving and gathering, each with the least and the most that makes sense.

use std::time::Duration;

use super::cursors;
use super::documents;
use super::environment::Environment;
use super::raw::Section;
use crate::events::{self, InboxSettings, PollSettings};
use crate::gather::settings::Settings;
use crate::graphql::{self, Audience};
use crate::http;

/// `[server]`, but for the address.
pub(super) fn http(server: &mut Section<'_>) -> http::Settings {
    let standard = http::Settings::default();
    http::Settings {
        request_timeout: server.millis("request_timeout_ms", standard.request_timeout, &(100..=30_000)),
        max_body_bytes: server.number("max_body_bytes", standard.max_body_bytes, &(1_024..=10_485_760)),
        max_connections: server.number("max_connections", standard.max_connections, &(1..=100_000)),
        max_requests: server.number("max_requests", standard.max_requests, &(1..=100_000)),
        max_wait: server.millis("max_wait_ms", standard.max_wait, &(1..=60_000)),
        max_lines_per_caller: server.number(
            "max_lines_per_caller",
            standard.max_lines_per_caller,
            &(1..=100_000),
        ),
        shutdown_delay: server.millis("shutdown_delay_ms", standard.shutdown_delay, &(0..=60_000)),
        answers_max_bytes: server.number("answers_max_bytes", standard.answers_max_bytes, &(0..=16 << 30)),
        max_batch: server.number("max_batch", standard.max_batch, &(0..=10)),
        cors_origins: server.all_parsed("cors_origins", "https://app.example.com"),
        graphiql: server.flag("graphiql", standard.graphiql),
        hosts: {
            let hosts = server.all_parsed("hosts", "leadgraph.example.com");
            server.has("hosts").then_some(hosts)
        },
        webhooks_per_second: server.number(
            "webhooks_per_second",
            standard.webhooks_per_second,
            &(1..=10_000),
        ),
    }
}

/// `[graphql]` and `[documents]`. `file` is the configuration's, beside which a manifest lies.
pub(super) fn graphql(root: &mut Section<'_>, file: &str) -> graphql::Settings {
    let standard = graphql::Settings::default();
    let mut section = root.section("graphql");
    let max_upstream_calls = section.number("max_upstream_calls", standard.max_upstream_calls, &(1..=10_000));
    let max_nodes = section.number("max_nodes", standard.max_nodes, &(100..=1_000_000));
    let mut audience = |key, standard| {
        section.graded(key, standard, Audience::Everyone, ("admin", Audience::Admins), Audience::Nobody)
    };
    let introspection = audience("introspection", standard.introspection);
    let suggestions = audience("suggestions", standard.suggestions);
    let limits = document(&mut section, standard.limits);
    section.refuse_others();
    let documents = documents::read(root, file);
    graphql::Settings { max_upstream_calls, max_nodes, limits, introspection, suggestions, documents }
}

/// `[graphql.document]`.
fn document(graphql: &mut Section<'_>, standard: graphql::Limits) -> graphql::Limits {
    let mut section = graphql.section("document");
    let mut most = |key, standard, bounds| section.number(key, standard, &bounds);
    let limits = graphql::Limits {
        bytes: most("max_bytes", standard.bytes, 1_024..=1 << 20),
        tokens: most("max_tokens", standard.tokens, 100..=20_000),
        token_bytes: most("max_token_bytes", standard.token_bytes, 64..=65_536),
        nesting: most("max_nesting", standard.nesting, 4..=60),
        depth: most("max_depth", standard.depth, 4..=32),
        aliases: most("max_aliases", standard.aliases, 0..=1_000),
        directives: most("max_directives", standard.directives, 0..=500),
        variables: most("max_variables", standard.variables, 0..=500),
        operations: most("max_operations", standard.operations, 1..=100),
        fragments: most("max_fragments", standard.fragments, 0..=500),
        root_fields: most("max_root_fields", standard.root_fields, 1..=200),
        selections: most("max_selections", standard.selections, 100..=20_000),
    };
    section.refuse_others();
    limits
}

/// `[events]`.
pub(super) fn events(root: &mut Section<'_>) -> events::Settings {
    let standard = events::Settings::default();
    let mut section = root.section("events");
    let settings = events::Settings {
        max_events: section.number("max_events", standard.max_events, &(256..=1_000_000)),
        max_bytes: section.number("max_bytes", standard.max_bytes, &(1 << 20..=1 << 30)),
        max_age: section.secs("max_age_secs", standard.max_age, &(60..=86_400)),
        max_waiting: section.number("max_waiting", standard.max_waiting, &(1..=10_000)),
        inbox: inbox(root, standard.inbox),
        poll: poll(root, standard.poll),
    };
    section.refuse_others();
    settings
}

/// `[polling]`.
fn poll(root: &mut Section<'_>, standard: PollSettings) -> PollSettings {
    let mut section = root.section("polling");
    let settings = PollSettings {
        every: section.secs("every_secs", standard.every, &(0..=3_600)),
        reconcile: section.secs("reconcile_secs", standard.reconcile, &(0..=3_600)),
    };
    section.refuse_others();
    settings
}

/// `[webhooks]`, but for their rate.
fn inbox(root: &mut Section<'_>, standard: InboxSettings) -> InboxSettings {
    let mut section = root.section("webhooks");
    let settings = InboxSettings {
        queue: section.number("queue", standard.queue, &(1..=100_000)),
        linger: section.millis("linger_ms", standard.linger, &(0..=10_000)),
    };
    section.refuse_others();
    settings
}

/// `[cache]`, `[paging]`, `[recordings]` and `[cursors]`.
pub(super) fn gather(
    root: &mut Section<'_>,
    http: &http::Settings,
    environment: Environment<'_>,
) -> Settings {
    const HOUR: u64 = 3_600;
    let standard = Settings::default();

    // Nothing that a vendor has deleted is shown for longer than an hour, whatever is set.
    let mut cache = root.section("cache");
    let list_ttl = cache.secs("lists_secs", standard.list_ttl, &(0..=HOUR));
    let past_list_ttl = cache.secs("past_lists_secs", standard.past_list_ttl, &(0..=HOUR));
    let lead_ttl = cache.secs("leads_secs", standard.lead_ttl, &(0..=HOUR));
    let conversation_ttl = cache.secs("conversations_secs", standard.conversation_ttl, &(0..=HOUR));
    let ended_conversation_ttl =
        cache.secs("ended_conversations_secs", standard.ended_conversation_ttl, &(0..=HOUR));
    let interaction_ttl = cache.secs("interactions_secs", standard.interaction_ttl, &(0..=HOUR));
    let absent_ttl = cache.secs("absent_secs", standard.absent_ttl, &(0..=300));
    let stale_while_revalidate =
        cache.secs("stale_while_revalidate_secs", standard.stale_while_revalidate, &(0..=HOUR));
    let list_stale_if_error =
        cache.secs("lists_stale_if_error_secs", standard.list_stale_if_error, &(0..=HOUR));
    let record_stale_if_error =
        cache.secs("records_stale_if_error_secs", standard.record_stale_if_error, &(0..=HOUR));
    let cache_bytes = cache.number("max_bytes", standard.cache_bytes, &(1 << 20..=64 << 30));
    cache.refuse_others();

    let mut paging = root.section("paging");
    let scan_pages = paging.number("scan_pages", standard.scan_pages, &(1..=100));
    let read_ahead = paging.flag("read_ahead", standard.read_ahead);
    let backward_records = paging.number("backward_records", standard.backward_records, &(100..=100_000));
    let collect_records = paging.number("collect_records", standard.collect_records, &(100..=100_000));
    let interaction_leads = paging.number("interaction_leads", standard.interaction_leads, &(1..=200));
    let straggler_timeout = paging.millis("straggler_timeout_ms", standard.straggler_timeout, &(50..=30_000));
    let source_timeout = source_timeout(&mut paging, standard.source_timeout, http.request_timeout);
    paging.refuse_others();

    let mut recordings = root.section("recordings");
    let links_per_second = recordings.number("links_per_second", standard.links_per_second, &(1..=1_000));
    recordings.refuse_others();

    let mut cursors = root.section("cursors");
    let cursor_keys = cursors::keys(&mut cursors, environment);
    cursors.refuse_others();

    Settings {
        list_ttl,
        past_list_ttl,
        lead_ttl,
        conversation_ttl,
        ended_conversation_ttl,
        interaction_ttl,
        absent_ttl,
        stale_while_revalidate,
        list_stale_if_error,
        record_stale_if_error,
        cache_bytes,
        source_timeout,
        straggler_timeout,
        scan_pages,
        read_ahead,
        backward_records,
        collect_records,
        interaction_leads,
        links_per_second,
        cursor_ttl: standard.cursor_ttl,
        writable: standard.writable,
        cursor_keys,
    }
}

/// One source may not take longer than the whole request. A default gives way silently, a written number does not.
fn source_timeout(paging: &mut Section<'_>, standard: Duration, request: Duration) -> Duration {
    let most = u64::try_from(request.as_millis()).unwrap_or(u64::MAX);
    paging.millis("source_timeout_ms", standard.min(request), &(50..=most))
}
