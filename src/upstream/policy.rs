//! How an account is to be treated: every bound has a finite default.
//!
//! What no operator should have to think about (the breaker's figures, the gates', the retry budget) stands as constants in the
//! file of its layer.

use std::time::Duration;

/// How one account is treated. Defaults are for a vendor that publishes nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// One attempt, body included. 2 s.
    pub attempt_timeout: Duration,
    /// Connection and TLS. 1 s.
    pub connect_timeout: Duration,
    /// The most bytes of a body, decompressed. 8 MiB.
    pub max_body_bytes: usize,
    /// Attempts for a read. 2.
    pub max_attempts: u32,
    /// Calls at the same time. 8.
    pub concurrency: u32,
    /// Calls that may wait for quota, and again for their turn. 64.
    pub queue: u32,
    /// Calls to a `quota_window`. 300.
    pub quota: u32,
    /// The window of `quota`. 60 s.
    pub quota_window: Duration,
    /// Calls that may go at once, before the pace of `quota` holds. 10.
    pub burst: u32,
    /// What calls that nobody waits for leave of `quota`, `burst` and `concurrency` to those that somebody waits for, in
    /// percent. 50.
    pub reserve: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(1),
            max_body_bytes: 8 * 1024 * 1024,
            max_attempts: 2,
            concurrency: 8,
            queue: 64,
            quota: 300,
            quota_window: Duration::from_secs(60),
            burst: 10,
            reserve: 50,
        }
    }
}

/// A key of the configuration, and what may stand there.
struct Key {
    name: &'static str,
    least: u32,
    most: u32,
    set: fn(&mut Policy, u32),
}

const KEYS: &[Key] = &[
    Key {
        name: "attempt_timeout_ms",
        least: 10,
        most: 30_000,
        set: |policy, value| policy.attempt_timeout = Duration::from_millis(value.into()),
    },
    Key {
        name: "connect_timeout_ms",
        least: 10,
        most: 30_000,
        set: |policy, value| policy.connect_timeout = Duration::from_millis(value.into()),
    },
    Key {
        name: "max_body_bytes",
        least: 1024,
        most: 256 * 1024 * 1024,
        set: |policy, value| policy.max_body_bytes = value as usize,
    },
    Key { name: "max_attempts", least: 1, most: 5, set: |policy, value| policy.max_attempts = value },
    Key { name: "concurrency", least: 1, most: 256, set: |policy, value| policy.concurrency = value },
    Key { name: "queue", least: 1, most: 10_000, set: |policy, value| policy.queue = value },
    Key { name: "quota", least: 1, most: 100_000, set: |policy, value| policy.quota = value },
    Key {
        name: "quota_window_secs",
        least: 1,
        most: 86_400,
        set: |policy, value| policy.quota_window = Duration::from_secs(value.into()),
    },
    Key { name: "burst", least: 1, most: 100_000, set: |policy, value| policy.burst = value },
    Key { name: "reserve_percent", least: 0, most: 99, set: |policy, value| policy.reserve = value },
];

impl Policy {
    /// What is left of a bound once the reserve is kept: never nothing.
    pub(super) fn spare(&self, whole: u32) -> u32 {
        let kept = u64::from(whole) * u64::from(self.reserve) / 100;
        whole.saturating_sub(u32::try_from(kept).unwrap_or(whole)).max(1)
    }

    /// How many calls one request may have under way at the same time: half of `concurrency`, so that where there is much, others
    /// find room, and no more than half of those that may wait, if all must; all of it up to 8.
    pub(super) fn side_by_side(&self) -> usize {
        self.concurrency.min(8).max(self.concurrency.min(self.queue) / 2).max(1) as usize
    }

    /// Lays a table of the configuration over this policy. Its keys bear the names of the fields with their units:
    /// `attempt_timeout_ms`, `connect_timeout_ms`, `max_body_bytes`, `max_attempts`, `concurrency`, `queue`, `quota`,
    /// `quota_window_secs`, `burst`, `reserve_percent`. Keys that are not there leave their field as it is.
    ///
    /// # Errors
    /// Every problem as (key, what is wrong): unknown keys, values that are no whole number, zero or absurd. The policy is
    /// then unchanged.
    pub fn overlay(&mut self, table: &toml::Table) -> Result<(), Vec<(String, String)>> {
        let mut overlaid = self.clone();
        let mut problems = Vec::new();
        for (name, value) in table {
            if let Err(what) = overlaid.set(name, value) {
                problems.push((name.clone(), what));
            }
        }
        if problems.is_empty() && table.contains_key("burst") && overlaid.burst > overlaid.quota {
            let what =
                format!("is {}, but no more than quota ({}) can go at once", overlaid.burst, overlaid.quota);
            problems.push(("burst".to_owned(), what));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        *self = overlaid;
        Ok(())
    }

    fn set(&mut self, name: &str, value: &toml::Value) -> Result<(), String> {
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            let known: Vec<_> = KEYS.iter().map(|key| key.name).collect();
            return Err(format!("is not a known key; known are {}", known.join(", ")));
        };
        let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
        match number.filter(|number| (key.least..=key.most).contains(number)) {
            Some(number) => {
                (key.set)(self, number);
                Ok(())
            }
            None => Err(format!("must be a whole number from {} to {}", key.least, key.most)),
        }
    }
}
