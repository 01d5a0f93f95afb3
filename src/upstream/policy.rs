//! How an account is to be treated: every bound has a finite default.

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
    /// Calls that may wait for their turn. 64.
    pub queue: u32,
    /// Calls to a `quota_window`. 300.
    pub quota: u32,
    /// The window of `quota`. 60 s.
    pub quota_window: Duration,
    /// Calls that may go at once, before the pace of `quota` holds. 10.
    pub burst: u32,
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
        }
    }
}
