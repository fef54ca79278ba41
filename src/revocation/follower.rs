//! How is the set in memory kept up with the log?
//!
//! One task reads on from where it was. As soon as a reply does not follow on from what was read before, everything is
//! loaded anew and joined with what is held, which goes on serving; then the log is given back what it lacks. A log
//! that has only just come into being may be waiting for exactly that from other gateways, so a set is not called
//! loaded before the log is [`RECONCILIATION`] old.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::Unavailable;
use super::index::{Index, SHARDS};
use super::log::{Position, RevocationLog, Verdict, follows_on};
use super::unseen::Unseen;
use crate::clock::{self, Clock};

/// How long others have to write back what an emptied log has lost.
pub(crate) const RECONCILIATION: Duration = Duration::from_secs(2);

/// The pauses between attempts to reach a log that does not answer.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Registers joined before others on this thread have their turn.
const PAGE: usize = 5_000;

/// Tables swept after each step: all of them within half a minute or so.
const SWEPT_PER_STEP: usize = 4;

/// What the follower and the room's handle share.
pub(crate) struct Shared {
    pub(crate) index: Index,
    pub(crate) log: Box<dyn RevocationLog>,
    pub(crate) unseen: Unseen,
    pub(crate) freshness: Freshness,
    /// Whether everything has been read once.
    pub(crate) ready: AtomicBool,
    pub(crate) became_ready: Notify,
    pub(crate) up: AtomicBool,
}

/// When the set was last known to be everything there was, on the monotonic clock.
pub(crate) struct Freshness {
    start: Instant,
    micros: AtomicU64,
}

impl Freshness {
    /// Counts from now, until the first proof.
    pub(crate) fn new() -> Self {
        Self { start: clock::instant(), micros: AtomicU64::new(0) }
    }

    /// The set was complete at `asked`.
    pub(crate) fn proven(&self, asked: Instant) {
        let micros = asked.saturating_duration_since(self.start).as_micros();
        self.micros.fetch_max(u64::try_from(micros).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// How long ago that was.
    pub(crate) fn age(&self) -> Duration {
        let proven = Duration::from_micros(self.micros.load(Ordering::Acquire));
        clock::instant().saturating_duration_since(self.start).saturating_sub(proven)
    }
}

/// The task's own state.
pub(crate) struct Follower {
    shared: Arc<Shared>,
    clock: Clock,
    /// How long to wait for news before asking whether there is none.
    wait: Duration,
    position: Option<Position>,
    /// Since when this log has been known here.
    met: Instant,
    swept: usize,
}

impl Follower {
    pub(crate) fn new(shared: Arc<Shared>, clock: Clock, wait: Duration) -> Self {
        Self { shared, clock, wait, position: None, met: clock::instant(), swept: 0 }
    }

    /// Follows for ever.
    pub(crate) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.step().await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    tracing::debug!("{error}; next attempt in {} ms", pause.as_millis());
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            let now = self.clock.now();
            for shard in 0..SWEPT_PER_STEP {
                self.shared.index.sweep(self.swept + shard, now);
            }
            self.swept = (self.swept + SWEPT_PER_STEP) % SHARDS;
        }
    }

    /// One reply of the log, taken in.
    pub(crate) async fn step(&mut self) -> Result<(), Unavailable> {
        let result = match self.position {
            Some(known) => self.read_on(known).await,
            None => self.reload().await,
        };
        self.shared.answered(result.as_ref().err());
        result
    }

    async fn read_on(&mut self, known: Position) -> Result<(), Unavailable> {
        let batch = self.shared.log.follow(known, self.wait).await?;
        match follows_on(known, &batch) {
            Verdict::Follows { to, caught_up } => {
                for entry in &batch.entries {
                    self.shared.index.merge(entry.register);
                    self.shared.unseen.saw(entry.mark);
                }
                if caught_up && self.shared.unseen.is_missing_any(batch.asked) {
                    return self.start_over("the log has lost what was written from here").await;
                }
                self.position = Some(to);
                if caught_up {
                    self.shared.freshness.proven(batch.asked);
                    self.settle(batch.age);
                }
                Ok(())
            }
            Verdict::Broken(why) => self.start_over(why).await,
        }
    }

    async fn start_over(&mut self, why: &str) -> Result<(), Unavailable> {
        tracing::warn!("revocation log ({}): {why}; reading all of it again", self.shared.log.name());
        self.position = None;
        self.reload().await
    }

    async fn reload(&mut self) -> Result<(), Unavailable> {
        self.shared.unseen.leave_to_reload();
        let snapshot = self.shared.log.load().await?;
        let theirs = Index::new();
        for page in snapshot.registers.chunks(PAGE) {
            for register in page {
                theirs.merge(*register);
                self.shared.index.merge(*register);
            }
            tokio::task::yield_now().await;
        }
        self.shared.freshness.proven(snapshot.asked);
        self.met = clock::instant();
        self.settle(snapshot.age);
        let now = self.clock.now();
        let mut returned = 0;
        // What the log holds beyond where reading goes on: it must come up there.
        let mut last = (snapshot.end != snapshot.position).then_some(snapshot.end.mark);
        for shard in 0..SHARDS {
            let lacking = self.shared.index.lacking_in(&theirs, shard, now);
            if !lacking.is_empty() {
                last = self.shared.log.write_back(&lacking).await?.or(last);
                returned += lacking.len();
            }
            tokio::task::yield_now().await;
        }
        if returned > 0 {
            tracing::warn!(
                "revocation log ({}): gave back {returned} entries it had lost",
                self.shared.log.name()
            );
        }
        if let Some(mark) = last {
            self.shared.unseen.expect(mark, clock::instant());
        }
        // Only now: a log that was not given everything back is loaded again.
        self.position = Some(snapshot.position);
        Ok(())
    }

    /// Calls the set loaded, unless the log is so young that others may still be giving it back what it lost.
    fn settle(&self, age: Duration) {
        let known_for = clock::instant().saturating_duration_since(self.met);
        if age.max(known_for) >= RECONCILIATION && !self.shared.ready.swap(true, Ordering::Release) {
            self.shared.became_ready.notify_one();
        }
    }
}

impl Shared {
    /// Takes note of whether the log answered.
    pub(crate) fn answered(&self, error: Option<&Unavailable>) {
        let up = error.is_none();
        if self.up.swap(up, Ordering::Relaxed) != up {
            match error {
                None => tracing::info!("revocation log ({}): answers", self.log.name()),
                Some(error) => tracing::warn!("{error}"),
            }
        }
    }
}
