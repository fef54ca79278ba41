//! What does the machine itself do to those who wait, so that no gateway is blamed for it?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use gatepass::clock::instant;

/// Between two measurements.
const BEAT: Duration = Duration::from_millis(10);
const HASH_BEAT: Duration = Duration::from_millis(400);

/// Measures until it is dropped.
pub(super) struct Yardstick(Arc<Worst>);

#[derive(Default)]
struct Worst {
    late: AtomicU64,
    hash: AtomicU64,
    stop: AtomicBool,
}

impl Yardstick {
    pub(super) fn start() -> Self {
        let worst = Arc::<Worst>::default();
        let (beats, hashes) = (Arc::clone(&worst), Arc::clone(&worst));
        std::thread::spawn(move || beats.measure(BEAT, &beats.late, || {}));
        std::thread::spawn(move || {
            // As the gateways' own hashers do.
            let _ = rustix::process::nice(10);
            hashes.measure(HASH_BEAT, &hashes.hash, || drop(bcrypt::hash("a password", 10)));
        });
        Self(worst)
    }

    /// By how much somebody who slept was woken too late.
    pub(super) fn lateness(&self) -> Duration {
        Duration::from_micros(self.0.late.load(Ordering::Relaxed))
    }

    /// How long a password took to hash, at low priority.
    pub(super) fn hashing(&self) -> Duration {
        Duration::from_micros(self.0.hash.load(Ordering::Relaxed))
    }
}

impl Worst {
    fn measure(&self, beat: Duration, worst: &AtomicU64, work: impl Fn()) {
        while !self.stop.load(Ordering::Relaxed) {
            let start = instant();
            std::thread::park_timeout(beat);
            work();
            let late = start.elapsed().saturating_sub(beat).as_micros();
            worst.fetch_max(u64::try_from(late).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

impl Drop for Yardstick {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}
