//! What time is it? The only place that asks the system.
//!
//! Everything that depends on time takes a [`Clock`], so that a test can hold it still or move it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment of wall-clock time: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The moment `seconds` after the epoch (a `NumericDate` of RFC 7519 §2).
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The moment `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Whole seconds since the epoch.
    pub const fn secs(self) -> u64 {
        self.0 / 1000
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// This moment and `duration` more.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long it is from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Tells the time; cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<Hand>),
}

#[derive(Debug)]
struct Hand {
    millis: AtomicU64,
    broken: AtomicBool,
}

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Self { source: Source::System }
    }

    /// A clock that stands at `start` until its [`ManualClock`] moves it.
    pub fn manual(start: UnixTime) -> (Self, ManualClock) {
        let hand = Hand { millis: AtomicU64::new(start.millis()), broken: AtomicBool::new(false) };
        let hand = Arc::new(hand);
        (Self { source: Source::Manual(Arc::clone(&hand)) }, ManualClock { hand })
    }

    /// The moment, if this is a manual clock: with the system's, a store that several machines share goes by its own.
    pub fn held(&self) -> Option<UnixTime> {
        match self.source {
            Source::System => None,
            Source::Manual(_) => Some(self.now()),
        }
    }

    /// The present moment.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    pub fn now(&self) -> UnixTime {
        match &self.source {
            Source::System => {
                let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                UnixTime(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
            }
            Source::Manual(hand) => {
                assert!(!hand.broken.swap(false, Ordering::SeqCst), "the clock was broken by its hand");
                UnixTime(hand.millis.load(Ordering::SeqCst))
            }
        }
    }
}

/// A reading of the monotonic clock, to measure how long something took.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
pub fn instant() -> Instant {
    Instant::now()
}

/// The hand of a manual [`Clock`].
#[derive(Clone, Debug)]
pub struct ManualClock {
    hand: Arc<Hand>,
}

impl ManualClock {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.hand.millis.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Whoever asks for the time next panics: so a test sees what becomes of a panic anywhere.
    pub fn break_once(&self) {
        self.hand.broken.store(true, Ordering::SeqCst);
    }

    /// Whether nobody has asked since it was broken.
    pub fn is_broken(&self) -> bool {
        self.hand.broken.load(Ordering::SeqCst)
    }
}
