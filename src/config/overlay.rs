//! Joins `[defaults.upstream]` and `[sources.upstream]` to the policy. To go when `Policy::overlay` stands.

use std::time::Duration;

use crate::upstream::policy::Policy;

/// Puts what is written over a policy; answers each key that cannot be, and what is wrong with it.
pub(super) fn policy_overlay(policy: &mut Policy, table: &toml::Table) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for (key, value) in table {
        let number = value.as_integer().and_then(|number| u32::try_from(number).ok()).filter(|n| *n > 0);
        let Some(number) = number else {
            problems.push((key.clone(), "write a whole number above 0".to_owned()));
            continue;
        };
        let time = Duration::from_millis(u64::from(number));
        match key.as_str() {
            "attempt_timeout_ms" => policy.attempt_timeout = time,
            "connect_timeout_ms" => policy.connect_timeout = time,
            "max_body_bytes" => policy.max_body_bytes = number as usize,
            "max_attempts" => policy.max_attempts = number,
            "concurrency" => policy.concurrency = number,
            "queue" => policy.queue = number,
            "quota" => policy.quota = number,
            "quota_window_ms" => policy.quota_window = time,
            "burst" => policy.burst = number,
            _ => problems.push((key.clone(), "unknown key".to_owned())),
        }
    }
    problems
}
