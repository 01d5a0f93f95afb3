//! What reading costs in upstream calls while no cache holds anything: figures to reckon with before anything is read.
//!
//! An estimate of the usual worst. Not in it: attempts after failures, pages that are scanned because the gateway filters
//! by itself (`scan_pages` bounds those), and leads of which a list tells only the id.

use super::lookup::WORTH_A_LIST;
use super::registry::Seen;
use super::request::SourceFilter;
use super::settings::Settings;
use crate::model::caps::{ListCaps, Paging};
use crate::source::{DynList, Source};

/// Calls for a page of a list that is paged by number, as it is read in windows of days. The figure of the design; rows that
/// are spread thin over many days take about twice as many.
const WINDOW: u32 = 3;
/// Calls for a write: a look before it, the write, a look after it.
const WRITE: u32 = 3;
/// The rows of a vendor's page, where no source is known.
const ROWS: usize = 100;

/// What reading costs at the sources that a filter allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    /// At each of them.
    pub each: Vec<Price>,
    /// What it takes, at all of them together, to walk a list as far as `last` may walk where nothing says where it ends.
    pub backward: u32,
}

/// What reading costs at one source. Sources of one kind have equal prices.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is its own fact, read by name only")]
pub struct Price {
    /// Calls for a page of its leads; 0 where it lists none. So for the next two.
    pub leads: u32,
    /// Calls for a page of its conversations.
    pub conversations: u32,
    /// Calls for a page of its interactions without regard to leads.
    pub interactions: u32,
    /// How one lead is found.
    pub lead: Lookup,
    /// How one conversation is found.
    pub conversation: Lookup,
    /// How one interaction is found.
    pub interaction: Lookup,
    /// How the interactions of one lead are found.
    pub history: History,
    /// Whether its leads name their conversation, or webhooks tell it.
    pub links: bool,
    /// Whether webhooks alone tell it: then both are found in lists, which are read by days for all of them together.
    pub told: bool,
    /// Whether many conversations are looked for in its list before they are read by id.
    pub scouts: bool,
    /// Whether its lists may cut transcripts short, so that whole ones are read by id.
    pub cuts: bool,
    /// Whether it has recordings.
    pub recordings: bool,
    /// Calls to change a lead; 0 where it has no such write. So for the next.
    pub update: u32,
    /// Calls to decide about a lead.
    pub review: u32,
}

/// How one record is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Not at all.
    None,
    /// By one read.
    Id,
    /// In the list of its day, which only ids of records that were listed know.
    Day,
}

impl Lookup {
    /// Calls for a record whose id a client gives.
    #[must_use]
    pub fn given(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Id => 1,
            Self::Day => WINDOW,
        }
    }

    /// Calls for a record that another record names, without its day.
    #[must_use]
    pub fn named(self) -> u32 {
        u32::from(self == Self::Id)
    }
}

/// How the interactions of one lead are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Not at all.
    None,
    /// By one call for each lead.
    PerLead,
    /// The conversation that the lead names is all there is.
    Linked,
}

/// Calls to find the `count` leads that conversations or interactions name.
#[must_use]
pub fn named_leads(price: &Price, count: u32) -> u32 {
    if price.told {
        WINDOW.min(count.saturating_mul(WINDOW))
    } else {
        count.saturating_mul(price.lead.named())
    }
}

/// Calls to look for `count` conversations in a list before they are read by id, or to read them.
#[must_use]
pub fn scout(price: &Price, count: u32) -> u32 {
    if price.told {
        return WINDOW.min(count.saturating_mul(WINDOW));
    }
    let reads = count.saturating_mul(price.conversation.named());
    // The most pages that a look through the list may take (`lookup`). What it misses is read by id, within the same order.
    let scouts = price.scouts && usize::try_from(count).is_ok_and(|count| count >= WORTH_A_LIST);
    if scouts { reads.min(1 + count / 10) } else { reads }
}

pub(super) fn prices(seen: Seen<'_>, settings: &Settings, of: &SourceFilter) -> Prices {
    // A filter that cannot be is refused before any call.
    let sources = seen.select(of).unwrap_or_default();
    let rows = sources.iter().flat_map(|source| lists(&**source)).flatten();
    let rows = rows.map(|list| usize::from(list.page_size.get())).min().unwrap_or(ROWS);
    // Sources that page by cursor share the records that are walked over; windows are read whole, whoever comes first.
    let numbered =
        |source: &dyn Source| lists(source).iter().flatten().any(|list| list.paging == Paging::Offset);
    let windows = sources.iter().filter(|source| numbered(&***source)).count();
    let walks = windows + usize::from(windows < sources.len());
    let backward = settings.backward_records.div_ceil(rows).saturating_mul(walks);
    Prices {
        each: sources.iter().map(|source| price(&**source, settings)).collect(),
        backward: u32::try_from(backward).unwrap_or(u32::MAX),
    }
}

fn lists(source: &dyn Source) -> [Option<ListCaps>; 2] {
    let leads = source.leads().map(|list| list.caps_dyn().list);
    [leads, source.conversations().map(DynList::caps_dyn).map(|caps| caps.list)]
}

fn price(source: &dyn Source, settings: &Settings) -> Price {
    let [leads, talks] = lists(source);
    let by_day = |list: &Option<ListCaps>| match list {
        Some(list) if list.paging == Paging::Offset => Lookup::Day,
        _ => Lookup::None,
    };
    let by_id = |has: bool, otherwise: Lookup| if has { Lookup::Id } else { otherwise };
    let page = |list: &Option<ListCaps>| match list.as_ref().map(|list| list.paging) {
        None => 0,
        Some(Paging::Cursor) => 1,
        Some(Paging::Offset) => WINDOW,
    };
    let names = source.leads().is_some_and(|list| list.caps_dyn().has_conversation);
    let told = !names && source.webhooks() && by_day(&talks) == Lookup::Day;
    let whole = source.conversation_by_id().is_some();
    let interaction = source.interaction_by_id().is_some();
    let conversation = by_id(whole || interaction, by_day(&talks));
    let history = match (source.histories(), told || (names && whole)) {
        (Some(_), _) => History::PerLead,
        (None, true) => History::Linked,
        (None, false) => History::None,
    };
    let newest =
        || page(&leads).saturating_add(u32::try_from(settings.interaction_leads).unwrap_or(u32::MAX));
    Price {
        leads: page(&leads),
        conversations: page(&talks),
        interactions: match (&talks, &leads, history) {
            (Some(_), ..) => page(&talks),
            (None, Some(_), History::PerLead) => newest(),
            _ => 0,
        },
        lead: by_id(source.lead_by_id().is_some(), by_day(&leads)),
        conversation,
        interaction: by_id(interaction, conversation),
        history,
        links: names || told,
        told,
        scouts: talks.as_ref().is_some_and(|list| list.paging == Paging::Cursor),
        // A source that can read one conversation does so where its list item says that it is not whole.
        cuts: whole && talks.is_some(),
        recordings: source.recordings().is_some(),
        update: source.lead_update().map_or(0, |_| WRITE),
        review: source.lead_review().map_or(0, |_| WRITE),
    }
}
