//! The site's rows, and paging over them by keyset (SPELO-5, SPELO-7). Only places and ids are kept; the rest is told anew.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use tokio::time::Instant;

use super::story::{Capture, Conversation, Lead, Talk, Teller, written};

/// Where a row stands: its moment, then its id.
pub(super) type Place = (Timestamp, String);

/// How a list goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Newest,
    Oldest,
    /// By no order that a reader could know, but always the same.
    Random,
}

/// What one page is asked for.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) order: Order,
    pub(super) since: Option<Timestamp>,
    pub(super) after: Option<Place>,
    pub(super) limit: usize,
}

/// Something that stands in a list.
pub(super) trait Row {
    /// Its moment and its id.
    fn place(&self) -> (Timestamp, &str);
}

/// Rows of one kind, oldest first.
struct Rows<T>(Vec<T>);

impl<T: Row> Rows<T> {
    fn new(mut rows: Vec<T>) -> Self {
        rows.sort_by(|one, other| one.place().cmp(&other.place()));
        Self(rows)
    }

    fn insert(&mut self, row: T) {
        let index = self.0.partition_point(|other| other.place() < row.place());
        self.0.insert(index, row);
    }

    fn get(&self, id: &str) -> Option<&T> {
        self.0.iter().find(|row| row.place().1 == id)
    }

    fn remove(&mut self, id: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|row| row.place().1 != id);
        self.0.len() < before
    }

    /// The rows of a page, and whether more follow.
    fn page(&self, ask: &Ask, keep: impl Fn(&T) -> bool) -> (Vec<&T>, bool) {
        let rows = self.0.iter().filter(|row| ask.since.is_none_or(|since| row.place().0 >= since));
        let mut rows: Vec<&T> = rows.collect();
        match ask.order {
            Order::Oldest => {}
            Order::Newest => rows.reverse(),
            Order::Random => rows.sort_by_key(|row| scattered(row.place().1)),
        }
        let after = ask.after.as_ref().map(|(at, id)| (*at, &**id));
        let passed = |row: &T| match (after, ask.order) {
            (None, _) => true,
            (Some(after), Order::Newest) => row.place() < after,
            (Some(after), Order::Oldest) => row.place() > after,
            (Some(after), Order::Random) => scattered(row.place().1) > scattered(after.1),
        };
        let mut rows = rows.into_iter().filter(|row| passed(row) && keep(row));
        let page: Vec<_> = rows.by_ref().take(ask.limit).collect();
        let more = rows.next().is_some();
        (page, more)
    }
}

fn scattered(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The cursor of a place: base64url of `created_at|id`.
fn cursor(row: &impl Row) -> String {
    let (at, id) = row.place();
    URL_SAFE_NO_PAD.encode(format!("{}|{id}", written(at)))
}

/// The place of a cursor, or `None` where it was not made here.
pub(super) fn place(cursor: &str) -> Option<Place> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (at, id) = text.split_once('|')?;
    Some((at.parse().ok()?, id.to_owned()))
}

/// What a lead's status and notes have become, and when.
#[derive(Debug)]
struct Edit {
    made: Instant,
    status: String,
    notes: Option<String>,
    updated_at: String,
}

/// One site.
pub(super) struct Site {
    teller: Teller,
    leads: Rows<Capture>,
    talks: Rows<Talk>,
    /// Of each lead, the newest last.
    edits: HashMap<String, Vec<Edit>>,
    next: usize,
    /// For how long reads do not yet show an edit.
    pub(super) lag: Duration,
}

impl Site {
    /// All leads of the world's spec, each captured during a call, and two calls without a lead to three with one.
    pub(super) fn new(teller: Teller) -> Self {
        let count = teller.world.spec().leads;
        let (leads, mut talks): (Vec<_>, Vec<_>) =
            (0..count).map(|number| teller.capture(number, teller.moment("site", number))).unzip();
        talks.extend(
            (0..count * 2 / 3).map(|number| teller.idle_talk(number, teller.moment("idle", number * 3 / 2))),
        );
        Self {
            leads: Rows::new(leads),
            talks: Rows::new(talks),
            edits: HashMap::new(),
            next: count,
            lag: Duration::ZERO,
            teller,
        }
    }

    pub(super) fn leads(&self) -> Vec<(String, Timestamp)> {
        self.leads.0.iter().map(|lead| (lead.id.clone(), lead.created)).collect()
    }

    pub(super) fn add_lead(&mut self, at: Timestamp) -> String {
        let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        let (lead, talk) = self.teller.capture(self.next, at);
        self.next += 1;
        let id = lead.id.clone();
        self.talks.insert(talk);
        self.leads.insert(lead);
        id
    }

    pub(super) fn delete_lead(&mut self, id: &str) -> bool {
        self.edits.remove(id);
        self.leads.remove(id)
    }

    pub(super) fn lead(&self, id: &str) -> Option<Lead> {
        self.leads.get(id).map(|capture| self.told(capture))
    }

    /// The conversation in which a lead was captured, also where the lead does not name it.
    pub(super) fn conversation_of(&self, lead: &str) -> Option<String> {
        let capture = self.leads.get(lead)?;
        Some(self.teller.capture(capture.number, capture.created).1.id)
    }

    /// Changes a lead; a part that is `None` stays as it is, and a note that is `Some(None)` is cleared.
    pub(super) fn edit(
        &mut self,
        id: &str,
        status: Option<String>,
        notes: Option<Option<String>>,
        now: Timestamp,
    ) -> Option<Lead> {
        let lag = std::mem::take(&mut self.lag);
        let before = self.lead(id)?;
        let edit = Edit {
            made: Instant::now(),
            status: status.unwrap_or(before.status),
            notes: notes.unwrap_or(before.notes),
            updated_at: written(now),
        };
        self.edits.entry(id.to_owned()).or_default().push(edit);
        let edited = self.lead(id);
        self.lag = lag;
        edited
    }

    /// A page of leads, the cursor of its last row, and whether more follow.
    pub(super) fn lead_page(&self, ask: &Ask, status: Option<&str>) -> (Vec<Lead>, Option<String>, bool) {
        let (rows, more) =
            self.leads.page(ask, |capture| status.is_none_or(|word| self.status(capture) == word));
        let last = rows.last().map(|row| cursor(*row));
        (rows.into_iter().map(|capture| self.told(capture)).collect(), last, more)
    }

    pub(super) fn conversation(&self, id: &str, now: Timestamp) -> Option<Conversation> {
        self.talks.get(id).map(|talk| self.teller.conversation(talk, now))
    }

    /// A page of conversations, transcripts whole, the cursor of its last row, and whether more follow.
    pub(super) fn conversation_page(
        &self,
        ask: &Ask,
        recorded: bool,
        now: Timestamp,
    ) -> (Vec<Conversation>, Option<String>, bool) {
        let (rows, more) = self
            .talks
            .page(ask, |talk| !recorded || self.teller.conversation(talk, now).recording_path.is_some());
        let last = rows.last().map(|row| cursor(*row));
        (rows.into_iter().map(|talk| self.teller.conversation(talk, now)).collect(), last, more)
    }

    /// The newest edit that reads show.
    fn edit_of(&self, lead: &str) -> Option<&Edit> {
        self.edits.get(lead)?.iter().rev().find(|edit| edit.made.elapsed() >= self.lag)
    }

    fn status(&self, capture: &Capture) -> &str {
        match self.edit_of(&capture.id) {
            Some(edit) => &edit.status,
            None => self.teller.status(capture.number),
        }
    }

    fn told(&self, capture: &Capture) -> Lead {
        let mut lead = self.teller.lead(capture);
        if let Some(edit) = self.edit_of(&capture.id) {
            lead.status.clone_from(&edit.status);
            lead.notes.clone_from(&edit.notes);
            lead.updated_at.clone_from(&edit.updated_at);
        }
        lead
    }
}
