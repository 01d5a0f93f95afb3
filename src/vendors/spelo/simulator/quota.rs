//! The site's quota: a window that slides (SPELO-14).

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

const WIDTH: Duration = Duration::from_secs(60);

/// The calls of the last minute.
#[derive(Debug, Default)]
pub(super) struct Window(VecDeque<Instant>);

impl Window {
    /// Counts a call, or says how many seconds it must wait. Refused calls are not counted.
    pub(super) fn enter(&mut self, limit: usize) -> Result<(), u64> {
        let now = Instant::now();
        while self.0.front().is_some_and(|first| now.duration_since(*first) >= WIDTH) {
            self.0.pop_front();
        }
        if self.0.len() < limit {
            self.0.push_back(now);
            return Ok(());
        }
        let wait = self.0.front().map_or(WIDTH, |first| WIDTH.saturating_sub(now.duration_since(*first)));
        Err(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }
}
