//! How long ago was the last good answer?

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock;

/// When what was last good was asked. By the monotonic clock: setting the time makes nothing fresh.
pub(super) struct Freshness {
    start: Instant,
    micros: AtomicU64,
}

impl Freshness {
    /// Counts from now, until something is good.
    pub(super) fn new() -> Self {
        Self { start: clock::instant(), micros: AtomicU64::new(0) }
    }

    /// What was asked at `asked` was answered.
    pub(super) fn proven(&self, asked: Instant) {
        let micros = asked.saturating_duration_since(self.start).as_micros();
        self.micros.fetch_max(u64::try_from(micros).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// How long ago that was.
    pub(super) fn age(&self) -> Duration {
        let proven = Duration::from_micros(self.micros.load(Ordering::Acquire));
        clock::instant().saturating_duration_since(self.start).saturating_sub(proven)
    }
}
