//! Does the client keep pace with its own request, and does the answer begin in time?
//!
//! Who sends or takes a body has to move at least so many bytes a second, on average, and may fall behind for a while.
//! Only the time in which *we* wait for the client counts, not what an upstream takes. The engine has limits for one
//! read at most, and over h2 none.
//!
//! Nothing here has a timer: whoever moves bytes notes it in a counter, and the watchdog looks at the counters.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::Limits;

/// What one exchange notes of itself.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Bytes of the request's body that have gone on.
    heard: AtomicU64,
    /// Whether more of the request's body is to come.
    uploading: AtomicBool,
    /// Whether the answer is one that lasts: slowness is then bounded by `stream_idle`.
    lasts: AtomicBool,
    /// Milliseconds after its beginning by which the answer must have begun; none if 0.
    due: AtomicU64,
}

impl Meter {
    /// Forgets one exchange, for the next on the same connection.
    pub(super) fn reset(&self) {
        self.heard.store(0, Relaxed);
        self.uploading.store(false, Relaxed);
        self.lasts.store(false, Relaxed);
        self.due.store(0, Relaxed);
    }

    /// A body begins, or has come to its end.
    pub(crate) fn set_uploading(&self, uploading: bool) {
        self.uploading.store(uploading, Relaxed);
    }

    pub(super) fn is_uploading(&self) -> bool {
        self.uploading.load(Relaxed)
    }

    /// So much of the body has gone on, in all.
    pub(crate) fn set_heard(&self, bytes: u64) {
        self.heard.store(bytes, Relaxed);
    }

    /// The answer may be silent, or not be taken, for long.
    pub(crate) fn set_lasting(&self) {
        self.lasts.store(true, Relaxed);
    }

    /// The answer must have begun so long after the exchange did; with `None`, it has.
    pub(super) fn expect_head(&self, within: Option<Duration>) {
        let millis = within.map_or(0, |within| u64::try_from(within.as_millis()).unwrap_or(u64::MAX).max(1));
        self.due.store(millis, Relaxed);
    }

    /// When the answer to an exchange that began at `started` must have begun.
    pub(super) fn head_due(&self, started: Instant) -> Option<Instant> {
        match self.due.load(Relaxed) {
            0 => None,
            millis => started.checked_add(Duration::from_millis(millis)),
        }
    }

    /// How far behind the client may be.
    pub(super) fn grace(&self, limits: &Limits) -> Duration {
        if self.lasts.load(Relaxed) { limits.stream_idle.max(limits.body_grace) } else { limits.body_grace }
    }
}

/// What the wire notes of a connection.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Bytes the socket has taken.
    said: AtomicU64,
    /// Whether the socket takes no more for now.
    stuck: AtomicBool,
    /// Whether we wait for the client to send something.
    listening: AtomicBool,
    /// Whether what is being read has taken too long.
    late: AtomicBool,
    /// Milliseconds into the connection when an h2 header block began that has not ended; none if 0.
    block: AtomicU64,
}

impl Flow {
    pub(super) fn wrote(&self, bytes: usize) {
        // Only the connection's own task writes.
        self.said.store(self.said.load(Relaxed).wrapping_add(bytes as u64), Relaxed);
    }

    pub(super) fn said(&self) -> u64 {
        self.said.load(Relaxed)
    }

    pub(super) fn set_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Relaxed);
    }

    pub(super) fn set_listening(&self, listening: bool) {
        self.listening.store(listening, Relaxed);
    }

    pub(super) fn set_late(&self) {
        self.late.store(true, Relaxed);
    }

    /// Whether the client was too slow: what it still sends is not waited for.
    pub(super) fn is_late(&self) -> bool {
        self.late.load(Relaxed)
    }

    /// Notes when a header block began, so long after the connection; with `None`, that none is open.
    pub(super) fn set_block(&self, began: Option<Duration>) {
        let millis = began.map_or(0, |began| u64::try_from(began.as_millis()).unwrap_or(u64::MAX).max(1));
        self.block.store(millis, Relaxed);
    }

    /// When the header block that is open began.
    pub(super) fn block(&self) -> Option<Duration> {
        match self.block.load(Relaxed) {
            0 => None,
            millis => Some(Duration::from_millis(millis)),
        }
    }
}

/// How far somebody is behind: the time waited, less what the bytes moved are worth.
#[derive(Clone, Copy, Debug, Default)]
struct Debt {
    looked: Option<Instant>,
    seen: u64,
    owed: Duration,
}

impl Debt {
    /// Takes note of `moved` bytes in all, and of the time since the last look if it was spent waiting.
    fn look(&mut self, at: Instant, moved: u64, waiting: bool, rate: u64) -> Duration {
        let elapsed =
            self.looked.replace(at).map_or(Duration::ZERO, |then| at.saturating_duration_since(then));
        let new = moved.wrapping_sub(self.seen);
        self.seen = moved;
        if waiting {
            self.owed += elapsed;
        }
        self.owed = self.owed.saturating_sub(Duration::from_millis(new.saturating_mul(1000) / rate.max(1)));
        self.owed
    }
}

/// What is to be done about an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Fine,
    /// The client is to be told, if there is a way.
    Late,
    /// It was told, and is still here.
    TooLate,
}

/// The watchdog's memory of one upload.
#[derive(Debug, Default)]
pub(super) struct Upload {
    debt: Debt,
}

impl Upload {
    /// Looks at it. `flow` is that of a connection the exchange has for itself; over h2 it has none, and whether it is
    /// the client or the upstream that is waited for cannot be told apart: it gets as long as an upstream.
    pub(super) fn look(&mut self, at: Instant, meter: &Meter, flow: Option<&Flow>, limits: &Limits) -> Pace {
        if !meter.is_uploading() {
            return Pace::Fine;
        }
        let waiting = flow.is_none_or(|flow| flow.listening.load(Relaxed));
        let owed = self.debt.look(at, meter.heard.load(Relaxed), waiting, limits.body_rate);
        let grace = meter.grace(limits);
        match flow {
            Some(flow) if owed > grace => {
                if flow.is_late() {
                    Pace::TooLate
                } else {
                    Pace::Late
                }
            }
            None if owed > grace.max(limits.request_time) => Pace::TooLate,
            _ => Pace::Fine,
        }
    }
}

/// The watchdog's memory of how a connection takes what it is sent.
#[derive(Debug, Default)]
pub(super) struct Download {
    debt: Debt,
}

impl Download {
    /// Whether the client takes too little for too long.
    pub(super) fn is_too_slow(&mut self, at: Instant, flow: &Flow, grace: Duration, rate: u64) -> bool {
        let stuck = flow.stuck.load(Relaxed);
        let owed = self.debt.look(at, flow.said(), stuck, rate);
        if !stuck {
            // It has taken everything there was.
            self.debt.owed = Duration::ZERO;
        }
        stuck && owed > grace
    }
}

/// How long one piece of an answer may take over h2, where a single stream can be stuck: the engine reads an upstream
/// in pieces of at most 64 KiB.
pub(crate) fn piece_time(limits: &Limits) -> Duration {
    const PIECE: u64 = 64 * 1024;
    limits.body_grace + Duration::from_millis(PIECE * 1000 / limits.body_rate.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const SECOND: Duration = Duration::from_secs(1);

    fn limits() -> Limits {
        Limits { body_rate: 100, body_grace: 5 * SECOND, request_time: 20 * SECOND, ..Limits::default() }
    }

    /// Looks once a second while `bytes` come each second; says at which second it was too slow.
    fn upload(bytes: u64, flow: Option<&Flow>, seconds: u32) -> Option<u32> {
        let (meter, mut upload, start) = (Meter::default(), Upload::default(), clock::instant());
        meter.set_uploading(true);
        (0..seconds).find(|second| {
            meter.set_heard(bytes * u64::from(*second));
            upload.look(start + SECOND * *second, &meter, flow, &limits()) != Pace::Fine
        })
    }

    #[test]
    fn an_upload_has_a_rate_and_a_grace() {
        let flow = Flow::default();
        flow.set_listening(true);
        assert_eq!(upload(0, Some(&flow), 100), Some(6), "silence has the grace");
        assert_eq!(upload(50, Some(&flow), 100), Some(11), "half the rate has twice the grace");
        assert_eq!(upload(100, Some(&flow), 1000), None, "the rate is enough");
        assert_eq!(upload(0, None, 100), Some(21), "over h2 an upstream's time counts too");
        flow.set_listening(false);
        assert_eq!(upload(0, Some(&flow), 100), None, "the upstream is waited for");
    }

    #[test]
    fn what_was_sent_early_is_no_credit_for_later() {
        let (meter, flow, mut upload, start) =
            (Meter::default(), Flow::default(), Upload::default(), clock::instant());
        flow.set_listening(true);
        meter.set_uploading(true);
        meter.set_heard(1 << 30);
        let late = (0..100).find(|second| {
            upload.look(start + SECOND * *second, &meter, Some(&flow), &limits()) != Pace::Fine
        });
        assert_eq!(late, Some(6));
    }

    #[test]
    fn a_stuck_answer_has_the_same_and_one_that_is_taken_none() {
        let (flow, mut download, start) = (Flow::default(), Download::default(), clock::instant());
        let mut slow = |second: u32| download.is_too_slow(start + SECOND * second, &flow, 5 * SECOND, 100);
        flow.set_stuck(true);
        assert!((0..6).all(|second| !slow(second)));
        flow.set_stuck(false);
        assert!(!slow(6));
        flow.set_stuck(true);
        assert!((7..12).all(|second| !slow(second)), "it had taken everything");
        assert!(slow(12));
    }
}
