//! Who asks the log, and puts its answers where requests look?
//!
//! One task that does what [`Replica`](super::replica::Replica) says next, for as long as the gateway runs.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::Unavailable;
use super::index::{Index, SHARDS};
use super::journal::Journal;
use super::log::{Position, RevocationLog};
use super::replica::{Next, Replica};
use super::returning::give_back;
use crate::clock::{self, Clock};

/// The pauses between attempts to reach a log that does not answer.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Tables swept after each step: all of them within half a minute or so.
const SWEPT_PER_STEP: usize = 4;

/// What the follower and the room's handle share.
pub(crate) struct Shared {
    pub(crate) index: Arc<Index>,
    pub(crate) log: Box<dyn RevocationLog>,
    pub(crate) journal: Option<Journal>,
    pub(crate) freshness: Freshness,
    /// Whether everything has been read once.
    pub(crate) ready: AtomicBool,
    pub(crate) became_ready: Notify,
    pub(crate) up: AtomicBool,
    replica: Mutex<Replica>,
    /// Told whenever registers have been merged.
    pub(crate) changed: watch::Sender<()>,
}

/// When the set was last known to be everything there was, on the monotonic clock.
pub(crate) struct Freshness {
    start: Instant,
    micros: AtomicU64,
}

impl Freshness {
    /// Counts from now, until the first proof.
    fn new() -> Self {
        Self { start: clock::instant(), micros: AtomicU64::new(0) }
    }

    /// The set was complete at `asked`.
    fn proven(&self, asked: Instant) {
        let micros = asked.saturating_duration_since(self.start).as_micros();
        self.micros.fetch_max(u64::try_from(micros).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// How long ago that was.
    pub(crate) fn age(&self) -> Duration {
        let proven = Duration::from_micros(self.micros.load(Ordering::Acquire));
        clock::instant().saturating_duration_since(self.start).saturating_sub(proven)
    }
}

impl Shared {
    /// A set that has read nothing but what `journal` remembered.
    pub(crate) fn new(
        index: Arc<Index>,
        log: Box<dyn RevocationLog>,
        journal: Option<Journal>,
        remembered: Option<Position>,
    ) -> Self {
        Self {
            index,
            log,
            journal,
            freshness: Freshness::new(),
            ready: AtomicBool::new(false),
            became_ready: Notify::new(),
            up: AtomicBool::new(true),
            changed: watch::Sender::new(()),
            replica: Mutex::new(Replica::new(remembered)),
        }
    }

    /// How this set stands towards the log; held for moments only.
    pub(crate) fn replica(&self) -> MutexGuard<'_, Replica> {
        self.replica.lock().unwrap_or_else(PoisonError::into_inner)
    }

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

    /// Puts where requests look what the last answer proved.
    fn publish(&self) {
        let (ready, proven) = {
            let replica = self.replica();
            (replica.is_ready(), replica.proven())
        };
        if let Some(asked) = proven {
            self.freshness.proven(asked);
        }
        if ready && !self.ready.swap(true, Ordering::Release) {
            self.became_ready.notify_one();
        }
    }
}

/// The task's own state.
pub(crate) struct Follower {
    shared: Arc<Shared>,
    clock: Clock,
    /// How long to wait for news before asking whether there is none.
    wait: Duration,
    swept: usize,
    /// Whether the last answer was a load.
    has_loaded: bool,
    /// Gives the log back what it lacked when it was loaded, while it is followed.
    giving: JoinSet<Result<usize, Unavailable>>,
}

impl Follower {
    pub(crate) fn new(shared: Arc<Shared>, clock: Clock, wait: Duration) -> Self {
        Self { shared, clock, wait, swept: 0, has_loaded: false, giving: JoinSet::new() }
    }

    /// Follows for ever.
    pub(crate) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match AssertUnwindSafe(self.step_and_sweep()).catch_unwind().await {
                Ok(Ok(())) => {
                    pause = FIRST_PAUSE;
                    continue;
                }
                Ok(Err(error)) => error.to_string(),
                // Whatever it left half done is read anew. Without this task every answer would soon be a 503.
                Err(_) => {
                    self.shared.replica().start_over();
                    tracing::error!("a step in following the revocation log failed; reading all of it again");
                    "it failed".to_owned()
                }
            };
            tracing::debug!("{error}; next attempt in {} ms", pause.as_millis());
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn step_and_sweep(&mut self) -> Result<(), Unavailable> {
        let result = self.step().await;
        let now = self.clock.now();
        for shard in 0..SWEPT_PER_STEP {
            self.shared.index.sweep(self.swept + shard, now);
        }
        self.swept = (self.swept + SWEPT_PER_STEP) % SHARDS;
        result
    }

    /// One reply of the log, taken in.
    pub(crate) async fn step(&mut self) -> Result<(), Unavailable> {
        self.see_what_was_given_back();
        let next = self.shared.replica().next();
        let result = match next {
            Next::Follow(known) => self.follow(known).await,
            Next::Load => self.load().await,
        };
        self.shared.answered(result.as_ref().err());
        self.shared.publish();
        result
    }

    /// A log that was not given everything back is loaded again.
    fn see_what_was_given_back(&mut self) {
        let name = self.shared.log.name();
        match self.giving.try_join_next() {
            None | Some(Ok(Ok(0))) => {}
            Some(Ok(Ok(returned))) => {
                tracing::warn!("revocation log ({name}): gave back {returned} entries it had lost");
            }
            Some(failed) => {
                self.shared.replica().start_over();
                if let Ok(Err(error)) = failed {
                    tracing::warn!(
                        "revocation log ({name}): not all of what it lost was given back: {error}"
                    );
                }
            }
        }
    }

    async fn follow(&mut self, known: Position) -> Result<(), Unavailable> {
        // A load may take longer than what it proves is good for: then the next answer is not waited for.
        let wait = if std::mem::take(&mut self.has_loaded) { Duration::from_millis(1) } else { self.wait };
        let batch = self.shared.log.follow(known, wait).await?;
        let read = self.shared.replica().read(&batch, &self.shared.index);
        if !batch.entries.is_empty() {
            self.shared.changed.send_replace(());
        }
        let position = self.shared.replica().position();
        if let Some(journal) = &self.shared.journal {
            // Also what came with a reply that broke: it is in the set by now, and no news to the load that follows.
            journal.note(&batch.entries.iter().map(|entry| entry.register).collect::<Vec<_>>());
            if let Some(position) = position.filter(|position| *position != known) {
                journal.note_position(position);
            }
        }
        if let Err(why) = read {
            tracing::warn!("revocation log ({}): {why}; reading all of it again", self.shared.log.name());
            return self.load().await;
        }
        Ok(())
    }

    async fn load(&mut self) -> Result<(), Unavailable> {
        // What an earlier load found lacking, this one finds again.
        self.giving = JoinSet::new();
        let shared = &self.shared;
        shared.replica().load_begins();
        for shard in 0..SHARDS {
            shared.index.doubt(shard);
            tokio::task::yield_now().await;
        }
        let mut take = |page: &[_]| {
            let news = Replica::page(&shared.index, page);
            if let Some(journal) = &shared.journal {
                journal.note(&news);
            }
        };
        let loaded = shared.log.load(&mut take).await?;
        shared.replica().loaded(&loaded, clock::instant());
        shared.changed.send_replace(());
        if let Some(journal) = &shared.journal {
            journal.note_position(loaded.position);
        }
        self.giving.spawn(give_back(Arc::clone(shared), self.clock.now()));
        self.has_loaded = true;
        Ok(())
    }
}
