//! How the fields of records are written. What a record does not hold itself is resolved.

use super::plan::{
    Document, Plan, Selected, Shape, Write, flag, inner, instant, json, list, made, number, text,
};
use crate::graphql::types::conversation::Channel;
use crate::graphql::types::interaction::{Direction, InteractionKind, InteractionStatus};
use crate::graphql::types::lead::LeadStatus;
use crate::graphql::types::vendor::Vendor;
use crate::model::conversation::Conversation;
use crate::model::id::{self, EntityKind, SourceId};
use crate::model::interaction::{Interaction, InteractionFailure, SmsDetails, Telephony};
use crate::model::lead::{Approval, Campaign, CustomField, Lead};

/// A source, as far as a record or a report names it.
pub(super) struct Named(pub(super) SourceId, pub(super) id::Vendor);

impl Shape for Named {
    const NAME: &'static str = "Source";
    const INTERFACE: Option<&'static str> = Some("Node");

    fn field<'a>(selected: &Selected<'a>, _: Document<'a>) -> Option<Write<'a, Self>> {
        Some(match selected.name() {
            "id" => Box::new(|source, out| out.source_id(&source.0)),
            "name" => text(|source| Some(source.0.as_str())),
            "vendor" => Box::new(|source, out| out.word(Vendor::from(source.1))),
            _ => return None,
        })
    }
}

impl Shape for Lead {
    const NAME: &'static str = "Lead";
    const INTERFACE: Option<&'static str> = Some("Node");
    const PLAIN: &'static [&'static str] = &[
        "id",
        "vendor",
        "vendorId",
        "name",
        "firstName",
        "lastName",
        "email",
        "phone",
        "phoneE164",
        "status",
        "vendorStatus",
        "statusDetail",
        "pageUrl",
        "isTest",
        "doNotContact",
        "createdAt",
        "updatedAt",
        "lastActivityAt",
    ];

    fn is_sparse(&self) -> bool {
        self.sparse
    }

    fn field<'a>(selected: &Selected<'a>, document: Document<'a>) -> Option<Write<'a, Self>> {
        Some(match selected.name() {
            "id" => Box::new(|lead, out| out.id(EntityKind::Lead, &lead.key)),
            "vendor" => Box::new(|lead, out| out.word(Vendor::from(lead.vendor))),
            "vendorId" => text(|lead| Some(lead.key.native.as_str())),
            "source" => made(selected, document, |lead: &Self| Named(lead.key.source.clone(), lead.vendor))?,
            "name" => text(|lead| lead.name.as_deref()),
            "firstName" => text(|lead| lead.first_name.as_deref()),
            "lastName" => text(|lead| lead.last_name.as_deref()),
            "email" => text(|lead| lead.email.as_deref()),
            "phone" => text(|lead| lead.phone.as_deref()),
            "phoneE164" => text(|lead| lead.phone_e164.as_deref()),
            "status" => Box::new(|lead, out| {
                out.optional(lead.status, |out, status| out.word(LeadStatus::from(status)));
            }),
            "vendorStatus" => text(|lead| lead.vendor_status.as_deref()),
            "statusDetail" => text(|lead| lead.status_detail.as_deref()),
            "customFields" => list(selected, document, |lead: &Self| &lead.custom_fields)?,
            "customField" => {
                let key = selected.text("key", document)?;
                let plan = Plan::<CustomField>::written(selected, document)?;
                Box::new(move |lead, out| {
                    let found = lead.custom_fields.iter().find(|field| field.key == key);
                    out.optional(found, |out, field| plan.write_all(field, out));
                })
            }
            "pageUrl" => text(|lead| lead.page_url.as_deref()),
            "attribution" => json(|lead| lead.attribution.as_ref()),
            "raw" => json(|lead| lead.raw.as_ref()),
            "campaign" => inner(selected, document, |lead: &Self| lead.campaign.as_deref())?,
            "approval" => inner(selected, document, |lead: &Self| lead.approval.as_deref())?,
            "isTest" => flag(|lead| lead.is_test),
            "doNotContact" => flag(|lead| lead.do_not_contact),
            "createdAt" => instant(|lead| lead.created_at),
            "updatedAt" => instant(|lead| lead.updated_at),
            "lastActivityAt" => instant(|lead| lead.last_activity_at),
            _ => return None,
        })
    }
}

impl Shape for CustomField {
    const NAME: &'static str = "CustomField";

    fn field<'a>(selected: &Selected<'a>, _: Document<'a>) -> Option<Write<'a, Self>> {
        Some(match selected.name() {
            "key" => text(|field| Some(&field.key)),
            "label" => text(|field| field.label.as_deref()),
            "value" => json(|field| field.value.as_ref()),
            _ => return None,
        })
    }
}

impl Shape for Campaign {
    const NAME: &'static str = "Campaign";

    fn field<'a>(selected: &Selected<'a>, _: Document<'a>) -> Option<Write<'a, Self>> {
        Some(match selected.name() {
            "id" => text(|campaign| Some(&campaign.id)),
            "name" => text(|campaign| campaign.name.as_deref()),
            "client" => text(|campaign| campaign.client.as_deref()),
            "offer" => text(|campaign| campaign.offer.as_deref()),
            _ => return None,
        })
    }
}

impl Shape for Approval {
    const NAME: &'static str = "Approval";

    fn field<'a>(selected: &Selected<'a>, _: Document<'a>) -> Option<Write<'a, Self>> {
        Some(match selected.name() {
            "status" => text(|approval| Some(&approval.status)),
            "reason" => text(|approval| approval.reason.as_deref()),
            "decidedAt" => instant(|approval| approval.decided_at),
            "decidedBy" => text(|approval| approval.decided_by.as_deref()),
            _ => return None,
        })
    }
}

impl Shape for Conversation {
    const NAME: &'static str = "Conversation";
    const INTERFACE: Option<&'static str> = Some("Node");
    const PLAIN: &'static [&'static str] = &[
        "id",
        "vendor",
        "vendorId",
        "channel",
        "vendorChannel",
        "startedAt",
        "endedAt",
        "durationSeconds",
        "turnCount",
        "pageUrl",
        "preview",
        "summary",
        "customer",
        "expiresAt",
    ];

    fn field<'a>(selected: &Selected<'a>, document: Document<'a>) -> Option<Write<'a, Self>> {
        Some(match selected.name() {
            "id" => Box::new(|talk, out| out.id(EntityKind::Conversation, &talk.key)),
            "vendor" => Box::new(|talk, out| out.word(Vendor::from(talk.vendor))),
            "vendorId" => text(|talk| Some(talk.key.native.as_str())),
            "source" => made(selected, document, |talk: &Self| Named(talk.key.source.clone(), talk.vendor))?,
            "channel" => Box::new(|talk, out| out.word(Channel::from(talk.channel))),
            "vendorChannel" => text(|talk| talk.vendor_channel.as_deref()),
            "startedAt" => instant(|talk| talk.started_at),
            "endedAt" => instant(|talk| talk.ended_at),
            "durationSeconds" => number(|talk| talk.duration_seconds),
            "turnCount" => number(|talk| talk.turn_count),
            "pageUrl" => text(|talk| talk.page_url.as_deref()),
            "preview" => text(|talk| talk.preview.as_deref()),
            "summary" => text(|talk| talk.summary.as_deref()),
            "customer" => text(|talk| talk.customer.as_deref()),
            "expiresAt" => instant(|talk| talk.expires_at),
            _ => return None,
        })
    }
}

impl Shape for Interaction {
    const NAME: &'static str = "Interaction";
    const INTERFACE: Option<&'static str> = Some("Node");
    const PLAIN: &'static [&'static str] = &[
        "id",
        "vendor",
        "vendorId",
        "kind",
        "vendorKind",
        "status",
        "vendorStatus",
        "direction",
        "occurredAt",
        "updatedAt",
        "summary",
    ];

    fn field<'a>(selected: &Selected<'a>, document: Document<'a>) -> Option<Write<'a, Self>> {
        Some(match selected.name() {
            "id" => Box::new(|touch, out| out.id(EntityKind::Interaction, &touch.key)),
            "vendor" => Box::new(|touch, out| out.word(Vendor::from(touch.vendor))),
            "vendorId" => text(|touch| Some(touch.key.native.as_str())),
            "source" => {
                made(selected, document, |touch: &Self| Named(touch.key.source.clone(), touch.vendor))?
            }
            "kind" => Box::new(|touch, out| out.word(InteractionKind::from(touch.kind))),
            "vendorKind" => text(|touch| touch.vendor_kind.as_deref()),
            "status" => Box::new(|touch, out| out.word(InteractionStatus::from(touch.status))),
            "vendorStatus" => text(|touch| touch.vendor_status.as_deref()),
            "direction" => Box::new(|touch, out| {
                out.optional(touch.direction, |out, direction| out.word(Direction::from(direction)));
            }),
            "occurredAt" => instant(|touch| touch.occurred_at),
            "updatedAt" => instant(|touch| touch.updated_at),
            "summary" => text(|touch| touch.summary.as_deref()),
            "sms" => inner(selected, document, |touch: &Self| touch.sms.as_ref())?,
            "telephony" => inner(selected, document, |touch: &Self| touch.telephony.as_ref())?,
            "failure" => inner(selected, document, |touch: &Self| touch.failure.as_ref())?,
            _ => return None,
        })
    }
}

impl Shape for SmsDetails {
    const NAME: &'static str = "SmsDetails";

    fn field<'a>(selected: &Selected<'a>, _: Document<'a>) -> Option<Write<'a, Self>> {
        (selected.name() == "agentMode").then(|| flag(|sms: &Self| sms.agent_mode))
    }
}

impl Shape for Telephony {
    const NAME: &'static str = "Telephony";

    fn field<'a>(selected: &Selected<'a>, _: Document<'a>) -> Option<Write<'a, Self>> {
        Some(match selected.name() {
            "provider" => text(|line| line.provider.as_deref()),
            "messageId" => text(|line| line.message_id.as_deref()),
            "phoneNumber" => text(|line| line.phone_number.as_deref()),
            _ => return None,
        })
    }
}

impl Shape for InteractionFailure {
    const NAME: &'static str = "InteractionFailure";

    fn field<'a>(selected: &Selected<'a>, _: Document<'a>) -> Option<Write<'a, Self>> {
        Some(match selected.name() {
            "code" => text(|failure| failure.code.as_deref()),
            "message" => text(|failure| failure.message.as_deref()),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
