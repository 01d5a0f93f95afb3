//! How sources took part in a list, and what a list does about those that failed.

use async_graphql::{Context, Enum, Object};

use super::failure::SourceError;
use super::source::Source;
use crate::gather::answer::{self, Report};
use crate::graphql::error::ClientError;
use crate::graphql::input::OnSourceFailure;
use crate::graphql::scalars::time::{DateTime, at};

/// The `SourceReport` of the schema.
pub(in crate::graphql) struct SourceReport(pub(in crate::graphql) Report);

/// How one source took part in one list.
#[Object]
impl SourceReport {
    /// Which source. A source that is no longer configured is still named by the cursors of older pages.
    async fn source(&self) -> Source {
        Source::named(&self.0.source, self.0.vendor)
    }

    /// How it took part, in one word.
    async fn status(&self) -> SourceReportStatus {
        self.0.status.into()
    }

    /// What went wrong; null where nothing did.
    async fn error(&self) -> Option<SourceError> {
        self.0.error.as_ref().map(SourceError::from)
    }

    /// A sentence for people, where there is more to say than `error` does; otherwise null. Never personal data.
    async fn note(&self) -> Option<&'static str> {
        self.0.note
    }

    /// When the oldest data used was received from the vendor; null where none was used.
    async fn fetched_at(&self) -> Option<DateTime> {
        at(self.0.fetched_at)
    }

    /// Calls made to the vendor for this answer; 0 where the gateway's cache had it all. What was read ahead for a walk
    /// is no answer's.
    async fn upstream_calls(&self) -> i32 {
        i32::try_from(self.0.upstream_calls).unwrap_or(i32::MAX)
    }

    /// Records that could not be read and so are not in the list.
    async fn rejected_records(&self) -> i32 {
        i32::try_from(self.0.rejected_records).unwrap_or(i32::MAX)
    }

    /// True: the source failed on an earlier page and now gives what was missing there, so its edges may be newer than
    /// edges of earlier pages. Nothing is lost or given twice.
    async fn catching_up(&self) -> bool {
        self.0.catching_up
    }
}

/// How a source took part in a list, in one word.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "answer::ReportStatus")]
pub(in crate::graphql) enum SourceReportStatus {
    /// With all that was asked.
    Ok,
    /// With older data than usual, since the vendor fails. `fetchedAt` tells how old.
    Stale,
    /// With some of what was asked; `error` or `note` says why not with all.
    Partial,
    /// Not at all, since it failed. Its place in the list is kept: later pages catch up.
    Failed,
    /// Not at all, since the vendor has no such list.
    Unsupported,
    /// Not at all, since nothing of it can match, or since it is no longer configured.
    Skipped,
}

/// Does about failed sources what the client chose.
///
/// # Errors
/// One for all of them where the client wants no data without them.
pub(in crate::graphql) fn check(
    ctx: &Context<'_>,
    choice: OnSourceFailure,
    reports: &[Report],
) -> Result<(), ClientError> {
    match choice {
        OnSourceFailure::Partial => Ok(()),
        OnSourceFailure::PartialWithErrors => {
            let errors =
                reports.iter().filter(|report| failed(report)).filter_map(|report| report.error.clone());
            errors.for_each(|error| ClientError::from(error).report(ctx));
            Ok(())
        }
        OnSourceFailure::Fail => all_answered(reports),
    }
}

fn all_answered(reports: &[Report]) -> Result<(), ClientError> {
    let failed: Vec<_> = reports.iter().filter(|report| failed(report)).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let waits = failed.iter().filter_map(|report| report.error.as_ref()?.retry_after);
    Err(ClientError::Sources {
        message: "Not all sources answered, and with onSourceFailure: FAIL there is no data without them.",
        retry_after: waits.max(),
        failures: failed.into_iter().map(|report| (report.source.clone(), report.error.clone())).collect(),
    })
}

/// A partial report without an error is partial by nature, not by failure: it is how the source lists such records.
fn failed(report: &Report) -> bool {
    match report.status {
        answer::ReportStatus::Failed => true,
        answer::ReportStatus::Partial => report.error.is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
