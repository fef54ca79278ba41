//! What did clients ask for, and what were they told?

use super::{Tick, USER};
use crate::clock::UnixTime;
use crate::revocation::log::Mark;
use crate::revocation::register::{Register, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Deed {
    Write(usize, State),
    /// The user signs in: a version is drawn.
    Login,
}

impl Deed {
    pub(super) const fn subject(self) -> usize {
        match self {
            Self::Write(subject, _) => subject,
            Self::Login => USER,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    Sent,
    Taken,
    Acknowledged,
    /// The client was told 503. If the log has not taken it yet, it still may.
    GivenUp,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Order {
    pub(super) by: usize,
    pub(super) deed: Deed,
    pub(super) floor: u64,
    pub(super) expires: UnixTime,
    pub(super) mark: Mark,
    pub(super) stage: Stage,
    pub(super) register: Option<Register>,
    pub(super) version: u64,
    /// Of every earlier order: whether it was acknowledged before this one was made.
    before: Vec<bool>,
    pub(super) acknowledged: Tick,
    /// Since when somebody has held it who could tell the log, or the log itself.
    pub(super) held_since: Tick,
    /// How often connections had been broken when the log took it.
    pub(super) epoch: u8,
}

impl Order {
    pub(super) fn new(
        (by, deed): (usize, Deed),
        (floor, expires, mark): (u64, UnixTime, Mark),
        before: Vec<bool>,
        epoch: u8,
    ) -> Self {
        let (stage, register, version, acknowledged, held_since) = (Stage::Sent, None, 0, 0, 0);
        Self {
            by,
            deed,
            floor,
            expires,
            mark,
            stage,
            register,
            version,
            before,
            acknowledged,
            held_since,
            epoch,
        }
    }

    pub(super) fn give_up(&mut self) {
        if matches!(self.stage, Stage::Sent | Stage::Taken) {
            self.stage = Stage::GivenUp;
        }
    }

    pub(super) fn is_acknowledged(&self) -> bool {
        self.stage == Stage::Acknowledged
    }

    /// Whether it, or something later, is what is known.
    pub(super) fn is_in(&self, known: Option<Register>) -> bool {
        self.deed == Deed::Login || known.is_some_and(|known| known.version() >= self.version)
    }

    /// Whether the order numbered `earlier` was acknowledged before this one was made.
    pub(super) fn comes_after(&self, earlier: usize) -> bool {
        self.before.get(earlier).copied().unwrap_or(false)
    }
}
