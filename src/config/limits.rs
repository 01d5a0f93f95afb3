//! Numbers: every bound of serving and gathering, each with the least and the most that makes sense.

use std::time::Duration;

use super::cursors;
use super::environment::Environment;
use super::raw::Section;
use crate::gather::settings::Settings;
use crate::http;

/// `[server]`, but for the address.
pub(super) fn http(server: &mut Section<'_>) -> http::Settings {
    let standard = http::Settings::default();
    http::Settings {
        request_timeout: server.millis("request_timeout_ms", standard.request_timeout, &(100..=30_000)),
        max_body_bytes: server.number("max_body_bytes", standard.max_body_bytes, &(1_024..=10_485_760)),
        max_connections: server.number("max_connections", standard.max_connections, &(1..=100_000)),
        shutdown_delay: server.millis("shutdown_delay_ms", standard.shutdown_delay, &(0..=60_000)),
    }
}

/// `[cache]`, `[paging]` and `[cursors]`.
pub(super) fn gather(
    root: &mut Section<'_>,
    http: &http::Settings,
    environment: Environment<'_>,
) -> Settings {
    const HOUR: u64 = 3_600;
    let standard = Settings::default();

    let mut cache = root.section("cache");
    let list_ttl = cache.secs("leads_secs", standard.list_ttl, &(1..=HOUR));
    let past_list_ttl = cache.secs("past_lists_secs", standard.past_list_ttl, &(1..=24 * HOUR));
    let record_ttl = cache.secs("conversations_secs", standard.record_ttl, &(1..=HOUR));
    let ended_conversation_ttl =
        cache.secs("ended_conversations_secs", standard.ended_conversation_ttl, &(1..=24 * HOUR));
    let history_ttl = cache.secs("interactions_secs", standard.history_ttl, &(1..=HOUR));
    let absent_ttl = cache.secs("absent_secs", standard.absent_ttl, &(1..=300));
    let cache_bytes = cache.number("max_bytes", standard.cache_bytes, &(1 << 20..=64 << 30));
    cache.refuse_others();

    let mut paging = root.section("paging");
    let scan_pages = paging.number("scan_pages", standard.scan_pages, &(1..=100));
    let backward_records = paging.number("backward_records", standard.backward_records, &(100..=100_000));
    let collect_records = paging.number("collect_records", standard.collect_records, &(100..=100_000));
    let horizon_days = paging.number("horizon_days", standard.horizon_days, &(1..=3_650));
    let interaction_leads = paging.number("interaction_leads", standard.interaction_leads, &(1..=200));
    let source_timeout = source_timeout(&mut paging, standard.source_timeout, http.request_timeout);
    paging.refuse_others();

    let mut cursors = root.section("cursors");
    let cursor_keys = cursors::keys(&mut cursors, environment);
    cursors.refuse_others();

    Settings {
        list_ttl,
        past_list_ttl,
        record_ttl,
        ended_conversation_ttl,
        history_ttl,
        absent_ttl,
        cache_bytes,
        source_timeout,
        scan_pages,
        backward_records,
        collect_records,
        horizon_days,
        interaction_leads,
        cursor_ttl: standard.cursor_ttl,
        cursor_keys,
    }
}

/// One source may not take longer than the whole request. A default gives way silently, a written number does not.
fn source_timeout(paging: &mut Section<'_>, standard: Duration, request: Duration) -> Duration {
    let most = u64::try_from(request.as_millis()).unwrap_or(u64::MAX);
    paging.millis("source_timeout_ms", standard.min(request), &(50..=most))
}
