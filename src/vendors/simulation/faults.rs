//! Faults that can be dialled at run time: what goes wrong between a vendor and us.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Fault {
    /// The connection is cut before any answer.
    Reset,
    /// No answer ever comes.
    Hang,
    /// The answer comes after `ms`.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The answer comes after a random time between the two.
    Jitter {
        /// Milliseconds, at least.
        from_ms: u64,
        /// Milliseconds, at most.
        to_ms: u64,
    },
    /// A status instead of an answer, with an HTML body.
    Status {
        /// The status.
        status: u16,
        /// `Retry-After`, in either form.
        retry_after: Option<String>,
    },
    /// Half of the body, then the connection is cut.
    Truncate,
    /// A page of HTML with status 200.
    Html,
    /// Status 200 and JSON of the wrong shape.
    WrongJson,
    /// The body trickles, a byte at a time.
    Drip {
        /// Milliseconds between bytes.
        ms: u64,
    },
    /// A body of this many bytes.
    Huge {
        /// Bytes.
        bytes: u64,
    },
    /// A small gzip body that becomes this many bytes.
    GzipBomb {
        /// Bytes.
        bytes: u64,
    },
    /// A redirect to another origin.
    Redirect {
        /// Where to.
        location: String,
    },
}

/// A fault, and when it strikes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What goes wrong.
    pub fault: Fault,
    /// Only calls whose path contains this text; empty: all.
    #[serde(default)]
    pub path: String,
    /// Only calls of this method; empty: all.
    #[serde(default)]
    pub method: String,
    /// The vendor does what it is asked before anything goes wrong.
    #[serde(default)]
    pub after: bool,
    /// Strikes this many times, then never again; `None`: always.
    #[serde(default)]
    pub times: Option<u32>,
    /// Strikes this many of a hundred calls, by the simulator's own seeded dice. 100 if nothing is said.
    #[serde(default = "always")]
    pub percent: u8,
}

const fn always() -> u8 {
    100
}

impl Rule {
    /// A fault that strikes every call.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self {
            fault,
            path: String::new(),
            method: String::new(),
            after: false,
            times: None,
            percent: always(),
        }
    }

    /// Only for calls whose path contains `path`.
    #[must_use]
    pub fn on(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Only for calls of a method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    /// Only once the vendor has done what it was asked.
    #[must_use]
    pub fn after(mut self) -> Self {
        self.after = true;
        self
    }

    /// Only for the next `times` calls.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Only for some of a hundred calls.
    #[must_use]
    pub fn percent(mut self, percent: u8) -> Self {
        self.percent = percent;
        self
    }
}

/// The rules of one simulated vendor. The first that strikes wins.
#[derive(Debug)]
pub struct Faults {
    rules: Mutex<(Vec<Rule>, fastrand::Rng)>,
}

impl Faults {
    /// No faults, and dice of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rules: Mutex::new((Vec::new(), fastrand::Rng::with_seed(seed))) }
    }

    /// Replaces all rules.
    pub fn set(&self, rules: impl IntoIterator<Item = Rule>) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).0 = rules.into_iter().collect();
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        self.set([]);
    }

    /// The fault that strikes a call, if any, whether the call is answered first, and the dice's next roll.
    pub(super) fn strike(&self, method: &str, path: &str) -> Option<(Fault, bool, u64)> {
        let mut guard = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let (rules, dice) = &mut *guard;
        let concerns = |rule: &&mut Rule| {
            path.contains(&*rule.path) && (rule.method.is_empty() || rule.method == method)
        };
        for rule in rules.iter_mut().filter(concerns) {
            if rule.times == Some(0) || dice.u8(0..100) >= rule.percent {
                continue;
            }
            rule.times = rule.times.map(|left| left - 1);
            return Some((rule.fault.clone(), rule.after, dice.u64(..)));
        }
        None
    }
}
