//! The one world: people, moments and dice, all from one seed.

use jiff::{SignedDuration, Timestamp};

use crate::model::id::Vendor;

/// What a world is made from. The same spec makes the same world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldSpec {
    /// All chance comes from here.
    pub seed: u64,
    /// Leads of each vendor account (of each Chatzuri agent).
    pub leads: usize,
    /// Leads of one account spread over this many days before `now`.
    pub days: u32,
    /// Chatzuri agents.
    pub agents: usize,
    /// Groups of up to this many neighbouring leads share one creation time; 1: none do on purpose.
    pub ties: usize,
    /// The newest moment of the world. The simulated vendors' clock stands here at the start and then goes on.
    pub now: Timestamp,
}

impl WorldSpec {
    /// A world as the demo shows it: thousands of leads per vendor over some months.
    #[must_use]
    pub fn demo(now: Timestamp) -> Self {
        Self { seed: 7, leads: 2_000, days: 200, agents: 2, ties: 1, now }
    }
}

/// Someone who may buy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Given name.
    pub first: String,
    /// Family name; may hold any letters people have.
    pub last: String,
    /// Address, if they gave one.
    pub email: Option<String>,
    /// Number in E.164, if they gave one.
    pub phone: Option<String>,
}

/// The one world.
#[derive(Debug)]
pub struct World {
    spec: WorldSpec,
    people: Vec<Person>,
}

const FIRST: &[&str] = &[
    "Amina", "Tomas", "Priya", "Jonas", "Mei", "Zoë", "Omar", "Siobhán", "Luca", "Nadia", "Kwame", "Yuki",
    "Élise", "Diego", "Fatima", "Søren", "Ingrid", "Rahul", "Chloe", "Mateo", "Aisha", "Björn", "Leila",
    "Hugo", "Grace", "Ivan", "Noor", "Pedro", "Sofia", "Wei", "Anna", "Bram",
];
const LAST: &[&str] = &[
    "Okafor",
    "Berg",
    "Raman",
    "O'Neill",
    "Chen",
    "García",
    "Haddad",
    "Murphy",
    "Rossi",
    "Novák",
    "Mensah",
    "Tanaka",
    "Dubois",
    "Fernández",
    "Al-Sayed",
    "Lindqvist",
    "Iyer",
    "Smith",
    "Wanjiru",
    "Kowalski",
    "Nguyen",
    "Müller",
    "Silva",
    "Petrov",
    "Johansson",
    "Brown",
    "Abebe",
    "van Dijk",
    "Costa",
    "Kim",
    "Ali",
    "Jones",
];

impl World {
    /// Makes the world.
    #[must_use]
    pub fn new(spec: WorldSpec) -> Self {
        let mut dice = fastrand::Rng::with_seed(spec.seed);
        // Fewer people than leads over all vendors: so many of them appear at several vendors.
        let people = (0..spec.leads.max(1) * 2).map(|number| person(number, &mut dice)).collect();
        Self { spec, people }
    }

    /// What it was made from.
    #[must_use]
    pub fn spec(&self) -> &WorldSpec {
        &self.spec
    }

    /// Dice for one thing of one vendor: the same for the same vendor, matter and number.
    #[must_use]
    pub fn dice(&self, vendor: Vendor, matter: &str, number: usize) -> fastrand::Rng {
        let mut hash = self.spec.seed ^ 0x9e37_79b9_7f4a_7c15;
        for byte in format!("{vendor:?}/{matter}/{number}").bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        fastrand::Rng::with_seed(hash)
    }

    /// Who is behind lead `number` of an account (`matter` tells accounts of one vendor apart). A third of a vendor's
    /// people appear at the other vendors too.
    #[must_use]
    pub fn person(&self, vendor: Vendor, matter: &str, number: usize) -> &Person {
        let mut dice = self.dice(vendor, matter, number);
        let shared = self.people.len() / 6;
        let own = self.people.len() - shared;
        let index = if shared > 0 && number.is_multiple_of(3) {
            (number / 3) % shared
        } else {
            shared + dice.usize(..own)
        };
        &self.people[index]
    }

    /// When lead `number` of an account was created: 0 is the newest, later ones are older, in whole milliseconds,
    /// spread over the spec's days with chance, tied in groups as the spec says.
    #[must_use]
    pub fn moment(&self, vendor: Vendor, matter: &str, number: usize) -> Timestamp {
        let head = number - number % self.spec.ties.max(1);
        let span_ms = i64::from(self.spec.days.max(1)) * 86_400_000;
        let step = (span_ms / i64::try_from(self.spec.leads.max(1)).unwrap_or(i64::MAX)).max(4);
        let jitter = self.dice(vendor, matter, head).i64(0..step / 2);
        let back = step * i64::try_from(head).unwrap_or(0) + jitter;
        let now = Timestamp::from_millisecond(self.spec.now.as_millisecond()).unwrap_or(self.spec.now);
        now.checked_sub(SignedDuration::from_millis(back + 60_000)).unwrap_or(now)
    }
}

fn person(number: usize, dice: &mut fastrand::Rng) -> Person {
    let first = FIRST[dice.usize(..FIRST.len())].to_owned();
    let last = LAST[dice.usize(..LAST.len())].to_owned();
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
    };
    let email = (dice.u8(0..10) > 0).then(|| {
        format!(
            "{}.{}{}@example.{}",
            plain(&first),
            plain(&last),
            number,
            dice.choice(["com", "net", "org"]).unwrap_or("com")
        )
    });
    let country =
        dice.choice(["+1415555", "+4420794", "+2547000", "+4915155", "+9198765"]).unwrap_or("+1415555");
    let phone = (dice.u8(0..10) > 1).then(|| format!("{country}{:05}", dice.u32(0..100_000)));
    Person { first, last, email, phone }
}
