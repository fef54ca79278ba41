//! What does the log keep of one revocation? A last-writer-wins register.
//!
//! Two registers of one digest are joined into one: the greater version says whether it is revoked or lifted, and
//! what either was to be remembered for is remembered. The join is commutative, associative and idempotent, so that
//! any order, repetition or late arrival of messages ends in the same set. Nothing here knows a store or a clock.

use std::time::Duration;

use crate::clock::UnixTime;
use crate::identity::Digest;

/// The greatest version there may be: microseconds since the epoch up to the year 2255, exact in Lua's numbers.
pub(crate) const MAX_VERSION: u64 = (1 << 53) - 1;

/// The latest moment that is told apart, in seconds since the epoch (the year 2106); later is never.
pub(crate) const MAX_SECS: u64 = u32::MAX as u64;

/// How long an expired register is kept: more than any leeway a verifier gives.
const KEPT_PAST_EXPIRY: Duration = Duration::from_secs(60);

/// What the greatest version said.
///
/// `Revoked` is the greater of the two: with equal versions it wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Taken back: a tombstone, kept as long as what it lifts.
    Lifted,
    /// Revoked.
    Revoked,
}

/// What is known of one digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Register {
    digest: Digest,
    version: u64,
    state: State,
    expires_secs: u32,
}

impl Register {
    /// A register; `expires` is rounded up to whole seconds, so that every store keeps the same. `None` if no
    /// sequence of ours can have reached `version`.
    pub(crate) fn new(digest: Digest, version: u64, state: State, expires: UnixTime) -> Option<Self> {
        let expires_secs = u32::try_from(expires.millis().div_ceil(1000)).unwrap_or(u32::MAX);
        (version <= MAX_VERSION).then_some(Self { digest, version, state, expires_secs })
    }

    /// What it is about.
    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }

    /// Its place in the log's one sequence of versions: microseconds since the epoch, or more.
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    /// Revoked or lifted.
    pub(crate) const fn state(&self) -> State {
        self.state
    }

    /// From when on it may be forgotten.
    pub(crate) const fn expires(&self) -> UnixTime {
        UnixTime::from_secs(self.expires_secs as u64)
    }

    /// What two registers of one digest say together.
    #[must_use]
    pub(crate) fn join(self, other: Self) -> Self {
        debug_assert_eq!(self.digest, other.digest, "only registers of one digest are joined");
        let later = if (other.version, other.state) > (self.version, self.state) { other } else { self };
        // A tombstone with the shorter life would let what it lifts rise again from another gateway.
        Self { expires_secs: self.expires_secs.max(other.expires_secs), ..later }
    }

    /// Whether it may be forgotten at `now`: a while after it expires, for a verifier may give an expired token leeway.
    pub(crate) fn is_over(&self, now: UnixTime) -> bool {
        now.since(self.expires()) > KEPT_PAST_EXPIRY
    }

    /// Reads what Redis keeps: digest, version, `R` or `L`, and the second it expires, with one space between; anything
    /// else is `None`.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let digest = Digest::from_hex(parts.next()?)?;
        let version = parts.next()?.parse().ok()?;
        let state = match parts.next()? {
            "R" => State::Revoked,
            "L" => State::Lifted,
            _ => return None,
        };
        let expires: u32 = parts.next()?.parse().ok()?;
        if parts.next().is_some() {
            return None;
        }
        Self::new(digest, version, state, UnixTime::from_secs(u64::from(expires)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Registers of one digest, close enough together to meet in every way.
    fn of_one_digest() -> impl Strategy<Value = Register> {
        (0..6u64, any::<bool>(), 0..6u64).prop_map(|(version, revoked, expires)| {
            let state = if revoked { State::Revoked } else { State::Lifted };
            Register::new(Digest::from_bytes([7; 16]), version, state, UnixTime::from_secs(expires)).unwrap()
        })
    }

    proptest! {
        #[test]
        fn joining_is_a_union(a in of_one_digest(), b in of_one_digest(), c in of_one_digest()) {
            prop_assert_eq!(a.join(b), b.join(a));
            prop_assert_eq!(a.join(b).join(c), a.join(b.join(c)));
            prop_assert_eq!(a.join(a), a);
        }

        #[test]
        fn the_later_word_counts_and_is_never_forgotten_sooner(a in of_one_digest(), b in of_one_digest()) {
            let joined = a.join(b);
            prop_assert_eq!(joined.version(), a.version().max(b.version()));
            prop_assert!(joined.expires() >= a.expires() && joined.expires() >= b.expires());
            if a.version() > b.version() {
                prop_assert_eq!(joined.state(), a.state());
            }
            if a.version() == b.version() && State::Revoked == a.state() {
                prop_assert_eq!(joined.state(), State::Revoked);
            }
        }

        #[test]
        fn its_text_is_read_back(bytes in any::<[u8; 16]>(), version in 0..=MAX_VERSION, expires: u32, revoked: bool) {
            let state = if revoked { State::Revoked } else { State::Lifted };
            let expires = UnixTime::from_secs(u64::from(expires));
            let register = Register::new(Digest::from_bytes(bytes), version, state, expires).unwrap();
            let letter = if revoked { 'R' } else { 'L' };
            let text = format!("{} {version} {letter} {}", register.digest().to_hex(), expires.secs());
            prop_assert_eq!(Register::from_text(&text), Some(register));
        }
    }

    #[test]
    fn odd_text_is_no_register() {
        let digest = "00112233445566778899aabbccddeeff";
        for bad in
            ["", "x", " ", "R", "1 X 2", "-1 R 2", "1 R", "1 R 2 3", "9007199254740992 R 2", "1 R 4294967296"]
        {
            assert_eq!(Register::from_text(&format!("{digest} {bad}")), None, "{bad:?}");
        }
        assert_eq!(Register::from_text("zz 1 R 2"), None);
        assert!(Register::from_text(&format!("{digest} 1 R 2")).is_some());
    }

    #[test]
    fn an_expiry_is_never_shortened() {
        let digest = Digest::from_bytes([1; 16]);
        let expires = |millis| {
            Register::new(digest, 1, State::Revoked, UnixTime::from_millis(millis)).unwrap().expires()
        };
        assert_eq!(expires(1_001), UnixTime::from_secs(2));
        assert_eq!(expires(u64::MAX), UnixTime::from_secs(MAX_SECS));
        assert_eq!(Register::new(digest, MAX_VERSION + 1, State::Revoked, UnixTime::default()), None);
        let over = |secs| {
            Register::new(digest, 1, State::Revoked, UnixTime::from_secs(9))
                .unwrap()
                .is_over(UnixTime::from_secs(secs))
        };
        assert!(!over(0) && !over(69) && over(70));
    }
}
