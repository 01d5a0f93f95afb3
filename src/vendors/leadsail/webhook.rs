//! What the tenant tells by webhook. Nothing is signed: a header that the customer chose holds a secret (LEADSAIL-34).

use http::HeaderName;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::signature::{self, Secrets};
use super::super::{Problem, WebhookSetup, kit, lenient, moment};
use super::text::Text;
use crate::model::id::{NativeId, SourceId};
use crate::model::text::present;
use crate::source::{Delivery, Hint, News, Refusal, Subject, Told, Webhook};

/// The header that is looked at if nothing is set.
const HEADER: &str = "x-webhook-secret";

/// What can be set about the webhook.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// The header that holds the secret, as it is set at the vendor. `X-Webhook-Secret`.
    header: Option<String>,
}

/// Reads a tenant's deliveries.
pub(super) struct Hook {
    source: SourceId,
    secrets: Secrets,
    header: HeaderName,
}

impl Hook {
    pub(super) fn new(source: &SourceId, setup: WebhookSetup) -> Result<Self, Vec<Problem>> {
        let (settings, secrets) = kit::webhook::<Settings>(setup)?;
        let header = settings.header.as_deref().unwrap_or(HEADER);
        let header = HeaderName::from_bytes(header.as_bytes()).map_err(|_| {
            vec![Problem {
                path: vec!["webhook".to_owned(), "header".to_owned()],
                what: "this cannot be the name of a header".to_owned(),
                hint: "write it as it is set at LeadSail, like \"X-Webhook-Secret\"".to_owned(),
            }]
        })?;
        Ok(Self { source: source.clone(), secrets, header })
    }
}

impl Webhook for Hook {
    fn read(&self, delivery: &Delivery<'_>) -> Result<Told, Refusal> {
        let shown = signature::header(delivery.headers, self.header.as_str()).ok_or(Refusal::Unproven)?;
        if !self.secrets.hold(shown.as_bytes()) {
            return Err(Refusal::Unproven);
        }
        let body = kit::delivered(delivery)?;
        let first = |name| lenient::first(&body, &[name]);
        let event =
            first("event").and_then(|event| lenient::string(event.get())).ok_or(Refusal::Unreadable)?;
        let (lead, timestamp) = (first("leadId"), first("timestamp"));
        // LEADSAIL-36: nothing names a delivery, so what it says tells repeats.
        let mark = match timestamp {
            None => signature::mark(&[b"body", delivery.body]),
            Some(timestamp) => {
                let parts = [lead, first("submissionId"), Some(timestamp)];
                let [lead, submission, time] = parts.map(|part| part.map_or("null", RawValue::get));
                signature::mark(&[&event, lead, submission, time].map(str::as_bytes))
            }
        };
        let id = lead.and_then(Text::of).and_then(|id| NativeId::new(present(id.as_str()?)?));
        let hint = is_news(&event).then(|| Hint {
            source: self.source.clone(),
            news: News::LeadUpdated,
            subject: id.map_or(Subject::Unnamed, Subject::Lead),
            at: timestamp.and_then(|at| moment::at(at.get())),
        });
        Ok(Told { mark, hint })
    }
}

/// Whether an event is one of a lead. LEADSAIL-35: none tells that a lead was created, so all mean that one has changed.
fn is_news(event: &str) -> bool {
    matches!(
        event,
        "lead.delivered"
            | "lead.disqualified"
            | "lead.failed"
            | "lead.queued"
            | "lead.first_submission_action"
            | "lead.processed"
    )
}
