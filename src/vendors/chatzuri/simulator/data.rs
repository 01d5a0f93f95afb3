//! What the simulated vendor knows: rows of ids and moments. What they say is told on demand (`tell.rs`).

use std::ops::Range;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::params::Params;
use crate::model::id::Vendor;
use crate::vendors::simulation::World;

/// Words for where a conversation took place: all that are documented, and some that are not (CHATZURI-18).
const SOURCES: &[&str] = &[
    "Widget or Iframe",
    "Widget or Iframe",
    "Widget or Iframe",
    "Chatzuri site",
    "WhatsApp",
    "WhatsApp",
    "WhatsApp",
    "Instagram",
    "Messenger",
    "Slack",
    "API",
    "Unspecified",
    "Telegram",
    "Email",
    "Twilio SMS",
];

/// In what order rows are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Newest,
    Oldest,
    Random,
}

/// Something that is listed.
pub(super) trait Row {
    fn at(&self) -> Timestamp;
    /// Its place in the vendor's tables, which breaks ties.
    fn serial(&self) -> u64;
    /// Its place in a random order, fixed at birth.
    fn shuffle(&self) -> u64;
}

/// A lead.
pub(super) struct Lead {
    pub(super) id: String,
    pub(super) at: Timestamp,
    pub(super) number: usize,
    serial: u64,
    shuffle: u64,
}

/// A conversation.
pub(super) struct Talk {
    pub(super) id: String,
    pub(super) at: Timestamp,
    /// The lead's number, or the visit's where no lead came of it.
    pub(super) number: usize,
    /// Whether a lead was born in it.
    pub(super) fruitful: bool,
    pub(super) source: &'static str,
    serial: u64,
    shuffle: u64,
}

macro_rules! listed {
    ($($row:ident)*) => {$(
        impl Row for $row {
            fn at(&self) -> Timestamp {
                self.at
            }
            fn serial(&self) -> u64 {
                self.serial
            }
            fn shuffle(&self) -> u64 {
                self.shuffle
            }
        }
    )*};
}
listed!(Lead Talk);

/// An agent with its rows, in no order.
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) leads: Vec<Lead>,
    pub(super) talks: Vec<Talk>,
    /// Leads there have ever been.
    born: usize,
    /// The serial of the next row; also the next lead's id.
    next_serial: u64,
}

impl Agent {
    /// The conversations that a filter by source lets through (CHATZURI-17).
    pub(super) fn talks_of<'a>(&'a self, params: &Params) -> Vec<&'a Talk> {
        let wanted = |talk: &&Talk| params.sources.is_empty() || params.sources.contains(talk.source);
        self.talks.iter().filter(wanted).collect()
    }

    fn serial(&mut self) -> u64 {
        self.next_serial += 1;
        self.next_serial
    }

    /// Adds a conversation that began so many minutes before `at`.
    fn talk(
        &mut self,
        dice: &mut fastrand::Rng,
        number: usize,
        fruitful: bool,
        at: Timestamp,
        minutes: Range<i64>,
    ) {
        let serial = self.serial();
        let before = SignedDuration::from_millis(dice.i64(minutes.start * 60_000..minutes.end * 60_000));
        self.talks.push(Talk {
            id: format!("{:04x}-{serial}", dice.u16(..)),
            at: at.checked_sub(before).unwrap_or(at),
            number,
            fruitful,
            source: dice.choice(SOURCES).copied().unwrap_or("API"),
            serial,
            shuffle: dice.u64(..),
        });
    }
}

/// All the vendor knows.
pub(super) struct Data {
    pub(super) world: Arc<World>,
    agents: Vec<Agent>,
    started: Instant,
    dice: fastrand::Rng,
}

impl Data {
    pub(super) fn new(world: Arc<World>) -> Self {
        let spec = world.spec().clone();
        let mut data = Self {
            world,
            agents: Vec::new(),
            started: Instant::now(),
            dice: fastrand::Rng::with_seed(spec.seed),
        };
        for number in 1..=spec.agents.max(1) {
            let id = format!("agt_{number}");
            let first_serial = 10_000_000 * number as u64;
            data.agents.push(Agent {
                id,
                leads: Vec::new(),
                talks: Vec::new(),
                born: 0,
                next_serial: first_serial,
            });
            // Oldest first, so that serials rise with time as they do at a real vendor.
            for lead in (0..spec.leads).rev() {
                let at = data.world.moment(Vendor::Chatzuri, &data.agents[number - 1].id, lead);
                data.bear(number - 1, lead, at);
            }
            data.agents[number - 1].born = spec.leads;
        }
        data
    }

    pub(super) fn agents(&self) -> &[Agent] {
        &self.agents
    }

    /// The vendor's clock: it stood at the world's `now` when the simulator started.
    pub(super) fn now(&self) -> Timestamp {
        let start = self.world.spec().now;
        let now = SignedDuration::try_from(self.started.elapsed())
            .ok()
            .and_then(|gone| start.checked_add(gone).ok());
        let now = now.unwrap_or(start);
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    pub(super) fn add_lead(&mut self, agent: usize, at: Timestamp) -> String {
        let number = self.agents[agent].born;
        self.agents[agent].born += 1;
        self.bear(agent, number, at)
    }

    /// The conversation it was born in stays.
    pub(super) fn delete_lead(&mut self, agent: usize, id: &str) -> bool {
        let leads = &mut self.agents[agent].leads;
        let found = leads.iter().position(|lead| lead.id == id);
        if let Some(at) = found {
            leads.swap_remove(at);
        }
        found.is_some()
    }

    pub(super) fn delete_some_lead(&mut self, agent: usize) {
        let leads = &mut self.agents[agent].leads;
        if !leads.is_empty() {
            leads.swap_remove(self.dice.usize(..leads.len()));
        }
    }

    pub(super) fn delete_some_talk(&mut self, agent: usize) {
        let talks = &mut self.agents[agent].talks;
        if !talks.is_empty() {
            talks.swap_remove(self.dice.usize(..talks.len()));
        }
    }

    /// A lead comes out of a conversation that began some minutes before. Six of ten leads are followed by a visit of
    /// which nothing came, so there are about 1.6 conversations to a lead.
    fn bear(&mut self, agent: usize, number: usize, at: Timestamp) -> String {
        let agent = &mut self.agents[agent];
        let mut dice = self.world.dice(Vendor::Chatzuri, &agent.id, number);
        if dice.u8(0..10) < 6 {
            agent.talk(&mut dice, number, false, at, 20..120);
        }
        agent.talk(&mut dice, number, true, at, 1..10);
        let serial = agent.serial();
        let id = serial.to_string();
        agent.leads.push(Lead { id: id.clone(), at, number, serial, shuffle: dice.u64(..) });
        id
    }
}
