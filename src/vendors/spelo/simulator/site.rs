//! The site's rows, and paging over them by keyset (SPELO-5, SPELO-7). Only places and ids are kept; the rest is told anew.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

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

/// Rows of one kind, findable by place and by id.
struct Rows<T> {
    by_place: BTreeMap<Place, T>,
    by_id: HashMap<String, Timestamp>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { by_place: BTreeMap::new(), by_id: HashMap::new() }
    }
}

impl<T> Rows<T> {
    fn insert(&mut self, place: Place, row: T) {
        self.by_id.insert(place.1.clone(), place.0);
        self.by_place.insert(place, row);
    }

    fn get(&self, id: &str) -> Option<&T> {
        self.by_place.get(&(*self.by_id.get(id)?, id.to_owned()))
    }

    fn remove(&mut self, id: &str) -> Option<T> {
        let at = self.by_id.remove(id)?;
        self.by_place.remove(&(at, id.to_owned()))
    }

    /// The rows of a page, and whether more follow.
    fn page(&self, ask: &Ask, keep: impl Fn(&T) -> bool) -> (Vec<(&Place, &T)>, bool) {
        let rows = self.by_place.iter().filter(|(place, _)| ask.since.is_none_or(|since| place.0 >= since));
        let mut rows: Vec<_> = rows.collect();
        match ask.order {
            Order::Oldest => {}
            Order::Newest => rows.reverse(),
            Order::Random => rows.sort_by_cached_key(|(place, _)| scattered(place)),
        }
        let passed = |place: &Place| match (&ask.after, ask.order) {
            (None, _) => true,
            (Some(after), Order::Newest) => place < after,
            (Some(after), Order::Oldest) => place > after,
            (Some(after), Order::Random) => scattered(place) > scattered(after),
        };
        let mut rows = rows.into_iter().filter(|(place, row)| passed(place) && keep(row));
        let page: Vec<_> = rows.by_ref().take(ask.limit).collect();
        let more = rows.next().is_some();
        (page, more)
    }
}

fn scattered(place: &Place) -> (u64, &str) {
    let hash = place.1.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash, &place.1)
}

/// The cursor of a place: base64url of `created_at|id`.
pub(super) fn cursor(place: &Place) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}|{}", written(place.0), place.1))
}

/// The place of a cursor, or `None` where it was not made here.
pub(super) fn place(cursor: &str) -> Option<Place> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (at, id) = text.split_once('|')?;
    Some((at.parse().ok()?, id.to_owned()))
}

/// What a lead's status and notes have become.
#[derive(Debug)]
struct Edit {
    status: String,
    notes: Option<String>,
    updated_at: String,
}

/// One site.
pub(super) struct Site {
    teller: Teller,
    leads: Rows<Capture>,
    talks: Rows<Talk>,
    edits: HashMap<String, Edit>,
    next: usize,
}

impl Site {
    /// All leads of the world's spec, each captured during a call, and two calls without a lead to three with one.
    pub(super) fn new(teller: Teller) -> Self {
        let count = teller.world.spec().leads;
        let idle: Vec<Talk> = (0..count * 2 / 3)
            .map(|number| teller.idle_talk(number, teller.moment("idle", number * 3 / 2)))
            .collect();
        let mut site = Self {
            leads: Rows::default(),
            talks: Rows::default(),
            edits: HashMap::new(),
            next: count,
            teller,
        };
        for number in 0..count {
            let created = site.teller.moment("site", number);
            site.insert(number, created);
        }
        for talk in idle {
            site.talks.insert((talk.started, talk.id.clone()), talk);
        }
        site
    }

    fn insert(&mut self, number: usize, created: Timestamp) -> String {
        let (capture, talk) = self.teller.capture(number, created);
        let id = capture.id.clone();
        self.talks.insert((talk.started, talk.id.clone()), talk);
        self.leads.insert((created, id.clone()), capture);
        id
    }

    pub(super) fn leads(&self) -> Vec<(String, Timestamp)> {
        self.leads.by_id.iter().map(|(id, at)| (id.clone(), *at)).collect()
    }

    pub(super) fn add_lead(&mut self, at: Timestamp) -> String {
        let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        self.next += 1;
        self.insert(self.next - 1, at)
    }

    pub(super) fn delete_lead(&mut self, id: &str) -> bool {
        self.edits.remove(id);
        self.leads.remove(id).is_some()
    }

    pub(super) fn lead(&self, id: &str) -> Option<Lead> {
        self.leads.get(id).map(|capture| self.told(capture))
    }

    /// Changes a lead; a part that is `None` stays as it is, and a note that is `Some(None)` is cleared.
    pub(super) fn edit(
        &mut self,
        id: &str,
        status: Option<String>,
        notes: Option<Option<String>>,
        now: Timestamp,
    ) -> Option<Lead> {
        let before = self.lead(id)?;
        let edit = Edit {
            status: status.unwrap_or(before.status),
            notes: notes.unwrap_or(before.notes),
            updated_at: written(now),
        };
        self.edits.insert(id.to_owned(), edit);
        self.lead(id)
    }

    /// A page of leads with the place of its last row, and whether more follow.
    pub(super) fn lead_page(&self, ask: &Ask, status: Option<&str>) -> (Vec<Lead>, Option<Place>, bool) {
        let (rows, more) =
            self.leads.page(ask, |capture| status.is_none_or(|word| self.status(capture) == word));
        let last = rows.last().map(|(place, _)| (*place).clone());
        (rows.into_iter().map(|(_, capture)| self.told(capture)).collect(), last, more)
    }

    pub(super) fn conversation(&self, id: &str, now: Timestamp) -> Option<Conversation> {
        self.talks.get(id).map(|talk| self.teller.conversation(talk, now))
    }

    /// A page of conversations, transcripts whole, with the place of its last row, and whether more follow.
    pub(super) fn conversation_page(
        &self,
        ask: &Ask,
        recorded: bool,
        now: Timestamp,
    ) -> (Vec<Conversation>, Option<Place>, bool) {
        let (rows, more) = self
            .talks
            .page(ask, |talk| !recorded || self.teller.conversation(talk, now).recording_path.is_some());
        let last = rows.last().map(|(place, _)| (*place).clone());
        (rows.into_iter().map(|(_, talk)| self.teller.conversation(talk, now)).collect(), last, more)
    }

    fn status(&self, capture: &Capture) -> &str {
        match self.edits.get(&capture.id) {
            Some(edit) => &edit.status,
            None => self.teller.status(capture.number),
        }
    }

    fn told(&self, capture: &Capture) -> Lead {
        let mut lead = self.teller.lead(capture);
        if let Some(edit) = self.edits.get(&capture.id) {
            lead.status.clone_from(&edit.status);
            lead.notes.clone_from(&edit.notes);
            lead.updated_at.clone_from(&edit.updated_at);
        }
        lead
    }
}
