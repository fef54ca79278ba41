//! What is known of a user, and what does it say of a token of theirs?

use crate::clock::UnixTime;
use crate::identity::UserId;
use crate::token::PasswordVersion;

/// What speaks against the user of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// They are kept from signing in.
    Disabled,
    /// There is no such user any more, or not under the login that the token names.
    Deleted,
    /// Their password is not the one they signed in with.
    PasswordChanged,
    /// The store could not be asked, and `on_down` says what that means.
    Unavailable,
    /// Too many users are being asked about.
    Overloaded,
}

/// How the user of a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing speaks against them.
    Clear,
    /// Memory cannot tell: the store has to be asked.
    Unsettled,
    /// Something does.
    Refused(Objection),
}

/// Whether a user may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Active,
    Disabled,
    Gone,
}

/// A user as the store had them.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// None if there was nobody whose id that could be.
    pub(super) id: Option<UserId>,
    pub(super) state: State,
    /// The versions of the stored hash, one by each key; behind them, those of hashes it has replaced.
    pub(super) versions: Box<[PasswordVersion]>,
    /// How many of them are of the stored hash.
    pub(super) current: u8,
    /// Whether it has been read which hashes were replaced.
    pub(super) linked: bool,
    /// When the store was asked.
    pub(super) asked: UnixTime,
}

impl Known {
    /// Nobody, or nobody any more.
    pub(super) fn gone(id: Option<UserId>, asked: UnixTime) -> Self {
        Self { id, state: State::Gone, versions: Box::default(), current: 0, linked: true, asked }
    }

    /// The versions of the stored hash.
    pub(super) fn of_stored(&self) -> &[PasswordVersion] {
        &self.versions[..usize::from(self.current)]
    }

    /// Whether it is known whether this is, or was, a version of the present password.
    pub(super) fn can_tell(&self, password: Option<PasswordVersion>) -> bool {
        self.linked || password.is_none_or(|password| self.versions.contains(&password))
    }

    /// Adds what is known of replaced hashes, as pairs of the one and what replaced it.
    pub(super) fn link(&mut self, pairs: &[(PasswordVersion, PasswordVersion)]) {
        let mut accepted = self.of_stored().to_vec();
        let mut next = 0;
        // What was replaced by a replaced one, too.
        while let Some(new) = accepted.get(next).copied() {
            for (old, _) in pairs.iter().filter(|pair| pair.1 == new) {
                if !accepted.contains(old) {
                    accepted.push(*old);
                }
            }
            next += 1;
        }
        self.versions = accepted.into();
        self.linked = true;
    }

    /// Takes over which hashes were replaced from what was known before, where the stored one is the same.
    pub(super) fn inherit(&mut self, before: &Self) {
        if !self.linked
            && before.linked
            && before.state != State::Gone
            && self.of_stored() == before.of_stored()
        {
            self.versions.clone_from(&before.versions);
            self.linked = true;
        }
    }

    /// How a token stands that says this of its password. One that says nothing is of an earlier version of ours.
    pub(super) fn judge(&self, password: Option<PasswordVersion>) -> Standing {
        match self.state {
            State::Gone => Standing::Refused(Objection::Deleted),
            State::Disabled => Standing::Refused(Objection::Disabled),
            State::Active if password.is_none_or(|password| self.versions.contains(&password)) => {
                Standing::Clear
            }
            State::Active if self.linked => Standing::Refused(Objection::PasswordChanged),
            State::Active => Standing::Unsettled,
        }
    }
}
