//! The webhooks of accounts: an inbox behind each address, with its work in the background.

use std::sync::Arc;

use tracing::Instrument;

use super::circumstances;
use super::live::Lasting;
use crate::events::{Inbox, InboxSettings, SentAway};
use crate::gather::Gather;
use crate::http::{Postbox, Postboxes, Receipt};
use crate::source::{Delivery, Refusal};
use crate::vendors::Account;

/// What stands for a request id in logs of work that webhooks cause.
const OWN: &str = "webhook";

/// A postbox for each account that takes webhooks, by its name. What it takes is worked off even when another configuration
/// has taken its place.
pub(super) async fn open(
    accounts: impl Iterator<Item = &Account>,
    settings: InboxSettings,
    gather: &Gather,
    lasting: &Lasting,
) -> Postboxes {
    let mut postboxes = Postboxes::new();
    let mut inboxes = lasting.inboxes.lock().await;
    while inboxes.try_join_next().is_some() {}
    for account in accounts {
        let Some(webhook) = account.webhook.clone() else { continue };
        let circumstances = Arc::new(|| circumstances::in_the_background(OWN));
        let told = lasting.told.to(&account.name);
        let log = lasting.events.clone();
        let (inbox, work) = Inbox::open(webhook, told, settings, gather.clone(), log, circumstances);
        inboxes.spawn(work.instrument(tracing::error_span!("request", request_id = OWN)));
        postboxes.insert(account.name.to_string(), postbox(inbox));
    }
    postboxes
}

fn postbox(inbox: Inbox) -> Postbox {
    Arc::new(move |headers, body, now| match inbox.take(&Delivery { headers, body, now }) {
        Ok(()) => Receipt::Taken,
        Err(SentAway::Full) => Receipt::Full,
        Err(SentAway::Refused(Refusal::Unproven)) => Receipt::Unproven,
        Err(SentAway::Refused(Refusal::Unreadable)) => Receipt::Unreadable,
    })
}
