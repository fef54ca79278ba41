//! Do the rules of [`Replica`](super::replica::Replica) keep the room's promises, whatever happens in whatever order?
//!
//! Every course of events within the bounds below is tried. Gateways run the real rules and the real set; the log is
//! what its scripts do, written anew (`model/log.rs`); time is counted in seconds. What may happen is in
//! `model/actions.rs`, what must hold in `model/promises.rs`. Bugs planted on purpose show that the promises can fail.

mod actions;
mod gateway;
mod log;
mod orders;
mod promises;
mod set;
mod world;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use stateright::{Checker, Model as _};

use self::actions::Budget;
use self::orders::Deed;

use super::log::{Age, Mark};
use super::register::State;
use crate::clock::{self, UnixTime};
use crate::identity::Digest;

/// Seconds since a course of events began.
type Tick = u8;

/// The log's clock counts this many to a second.
const TICK: u64 = 32;
const SUBJECTS: usize = 2;
const USER: usize = 0;
const TOKEN: usize = 1;

/// What may happen how often, and by which rules.
#[derive(Clone)]
struct Rules {
    gateways: usize,
    /// When a course of events ends.
    last: Tick,
    max_staleness: Duration,
    deeds: Vec<Deed>,
    budget: Budget,
    expires: UnixTime,
    plant: Option<Plant>,
    /// What must come about in one course of events at least.
    sights: &'static [&'static str],
}

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plant {
    /// What was written from here is not missed.
    OwnMarksForgotten,
    /// What was read last counts, whatever its version.
    Replaced,
    /// An answer proves what is so when it arrives.
    FreshFromArrival,
    /// A log proves something however young it is.
    YoungIsGood,
    /// A log is not given back what it lost.
    NothingGivenBack,
    /// A version need not be greater than those known to the gateway.
    NoFloor,
    /// A log is as old as its name, also when its server has only just started or taken over.
    AgeByBirth,
    /// Nor does a gateway that follows notice that its server has started again.
    RestartUnnoticed,
    /// After a load, reading does not go on.
    LoadNeverEnds,
    /// What was loaded counts as having been as old as the log was when all was read.
    AgeAtTheEnd,
    /// A load goes on over a new connection when the server broke the first.
    AnyConnection,
    /// What was given back is not missed when the log loses it again.
    GivenBackForgotten,
    /// A write that is sent again has the mark it had.
    SameMark,
}

impl Rules {
    fn planted(&self, plant: Plant) -> bool {
        self.plant == Some(plant)
    }

    fn age(&self, age: Age) -> Age {
        if self.planted(Plant::YoungIsGood) { Age::NO_MATTER } else { age }
    }

    /// What clocks on walls show; a register is over more than a minute after it expires.
    #[expect(clippy::unused_self, reason = "reads like the rest")]
    fn wall(&self, now: Tick) -> UnixTime {
        UnixTime::from_secs(1_000 + u64::from(now))
    }

    /// Whether what was revoked has not expired.
    fn matters(&self, now: Tick) -> bool {
        self.wall(now) <= self.expires.plus(Duration::from_secs(60))
    }
}

static START: LazyLock<Instant> = LazyLock::new(clock::instant);

fn at(now: Tick) -> Instant {
    *START + Duration::from_secs(u64::from(now))
}

fn digest(subject: usize) -> Digest {
    Digest::from_bytes([u8::try_from(subject).unwrap(); 16])
}

fn mark(number: u64) -> Mark {
    Mark::from_bytes(number.to_be_bytes())
}

mod tests;
