//! What happened, when, and what was known of it?
//!
//! Every request of a run with the moments at which it was sent and answered, by one monotonic clock.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use gatepass::clock::instant;

/// Since the run began.
pub(super) type Moment = Duration;
/// One of the gateways.
pub(super) type Gateway = usize;
/// One of the tokens.
pub(super) type Token = usize;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The protected route, with this token.
    Enter(Token),
    /// The same, after everything else: does it still know?
    Remember(Token),
    /// The public route.
    Look,
    /// A login with the right password.
    SignIn,
    /// That this token be refused from now on: its revocation, or the end of its login.
    End(Token),
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) gateway: Gateway,
    pub(super) act: Act,
    pub(super) sent: Moment,
    pub(super) answered: Moment,
    /// `None` if the connection was refused, or ended without an answer.
    pub(super) status: Option<u16>,
}

/// Some revocations that some gateways need not know before a moment.
#[derive(Clone, Debug)]
pub(super) struct Excuse {
    /// Those that were acknowledged in this time…
    pub(super) acknowledged: Range<Moment>,
    /// …by one of these…
    pub(super) by: &'static [Gateway],
    /// …need not be known to these…
    pub(super) to: &'static [Gateway],
    /// …before this.
    pub(super) until: Moment,
}

/// What a fault must be noticed by, or there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Felt {
    /// By nobody, if all is well.
    Nowhere,
    /// Some who sign in, or end tokens, are put off.
    InWrites,
    /// Some with good tokens are, too.
    InEverything,
}

/// What the run did by itself, and what was promised.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// From the fault's beginning to its end.
    pub(super) fault: Range<Moment>,
    /// Which gateway was dead, and when.
    pub(super) dead: Vec<(Gateway, Range<Moment>)>,
    /// How old a gateway's knowledge may be.
    pub(super) max_staleness: Duration,
    /// How long an answer may take.
    pub(super) patience: Duration,
    /// How much longer to a login, whose password is hashed first.
    pub(super) hashing: Duration,
    /// How long all gateways may take to be as before.
    pub(super) recovery: Duration,
    pub(super) excuses: Vec<Excuse>,
    pub(super) felt: Felt,
    /// How many gateways there are.
    pub(super) gateways: usize,
}

/// A run's events, as they come.
pub(super) struct History {
    start: Instant,
    events: Mutex<Vec<Event>>,
}

impl History {
    pub(super) fn begin() -> Self {
        Self { start: instant(), events: Mutex::default() }
    }

    pub(super) fn now(&self) -> Moment {
        instant().saturating_duration_since(self.start)
    }

    pub(super) fn note(&self, event: Event) {
        self.events().push(event);
    }

    pub(super) fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap()
    }
}
