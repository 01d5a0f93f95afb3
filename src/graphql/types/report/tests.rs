use std::time::Duration;

use super::*;
use crate::gather::answer::ReportStatus;
use crate::graphql::types::vendor;
use crate::model::failure::{self, SourceErrorKind};
use crate::model::id::SourceId;

fn report(name: &str, status: ReportStatus, error: Option<(SourceErrorKind, u64)>) -> Report {
    let source = SourceId::new(name).unwrap();
    let error = error.map(|(kind, wait)| {
        failure::SourceError::new(&source, "leads.list", kind).retry_after(Some(Duration::from_secs(wait)))
    });
    Report {
        source,
        vendor: vendor::ANY,
        status,
        error,
        note: None,
        fetched_at: None,
        upstream_calls: 0,
        rejected_records: 0,
        catching_up: false,
    }
}

#[test]
fn all_sources_have_answered_where_none_failed() {
    let reports = [
        report("ok", ReportStatus::Ok, None),
        report("old", ReportStatus::Stale, Some((SourceErrorKind::Timeout, 1))),
        report("by-nature", ReportStatus::Partial, None),
        report("no-list", ReportStatus::Unsupported, None),
        report("no-match", ReportStatus::Skipped, None),
    ];
    assert!(all_answered(&reports).is_ok());
}

#[test]
fn failed_sources_are_told_in_one_error_with_the_longest_wait() {
    let reports = [
        report("ok", ReportStatus::Ok, None),
        report("half", ReportStatus::Partial, Some((SourceErrorKind::Timeout, 2))),
        report("none", ReportStatus::Failed, Some((SourceErrorKind::BreakerOpen, 5))),
        report("mute", ReportStatus::Failed, None),
    ];
    let Err(ClientError::Sources { failures, retry_after, .. }) = all_answered(&reports) else {
        panic!("no error about sources");
    };
    let names: Vec<_> = failures.iter().map(|(source, _)| source.as_str()).collect();
    assert_eq!(names, ["half", "none", "mute"]);
    assert_eq!(retry_after, Some(Duration::from_secs(5)));
}
