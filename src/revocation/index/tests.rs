//! Does the set in memory say exactly what a plain map of registers would?

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_000);

/// A few digests that share tables and filter bits in every way.
fn digest(n: u8) -> Digest {
    let mut bytes = [0; 16];
    bytes[0] = n % 2;
    bytes[1] = n % 3;
    bytes[15] = n;
    Digest::from_bytes(bytes)
}

fn register(n: u8, version: u64, state: State, expires: u64) -> Register {
    Register::new(digest(n), version, state, UnixTime::from_secs(expires)).unwrap()
}

fn any_register() -> impl Strategy<Value = Register> {
    (0..12u8, 0..9u64, any::<bool>(), 900..1_100u64).prop_map(|(n, version, revoked, expires)| {
        register(n, version, if revoked { State::Revoked } else { State::Lifted }, expires)
    })
}

proptest! {
    #[test]
    fn it_holds_what_a_map_holds(registers in proptest::collection::vec(any_register(), 0..60), swept: bool) {
        let (index, mut map) = (Index::new(), HashMap::new());
        for new in registers {
            index.merge(new);
            map.entry(new.digest()).and_modify(|known: &mut Register| *known = known.join(new)).or_insert(new);
        }
        if swept {
            for shard in 0..SHARDS {
                index.sweep(shard, NOW);
            }
            map.retain(|_, known| !known.is_over(NOW));
        }
        prop_assert_eq!(index.len(), map.len());
        for n in 0..12 {
            prop_assert_eq!(index.get(digest(n)), map.get(&digest(n)).copied());
        }
    }

    #[test]
    fn two_sets_that_exchange_what_the_other_lacks_are_equal(
        ours in proptest::collection::vec(any_register(), 0..30),
        theirs in proptest::collection::vec(any_register(), 0..30),
    ) {
        let (a, b) = (Index::new(), Index::new());
        for register in ours {
            a.merge(register);
        }
        for register in &theirs {
            b.merge(*register);
        }
        let early = UnixTime::from_secs(0);
        let all = |index: &Index| -> Vec<Register> {
            (0..SHARDS).flat_map(|shard| index.all(shard, early)).collect()
        };
        let doubted = |index: &Index| -> Vec<Register> {
            (0..SHARDS).flat_map(|shard| index.doubted(shard, early, 0..u64::MAX)).collect()
        };
        // `a` loads `b`, in any order and with older words of the same digests among them, and gives it what it lacks.
        (0..SHARDS).for_each(|shard| a.doubt(shard));
        for register in theirs {
            a.confirm(register);
        }
        for register in all(&b) {
            a.confirm(register);
        }
        let lacking = doubted(&a);
        for register in &lacking {
            prop_assert!(b.merge(*register), "nothing is given that was there");
        }
        for n in 0..12 {
            prop_assert_eq!(a.get(digest(n)), b.get(digest(n)));
        }
    }
}

fn token() -> RevocationDigests {
    RevocationDigests { token: digest(1), login: Some(digest(2)), user: digest(3), key: digest(4) }
}

#[test]
fn the_narrowest_scope_is_reported() {
    let index = Index::new();
    let standing = || index.revoked(&token(), Some(5), UnixTime::from_secs(500));
    assert_eq!(standing(), None);
    for (n, scope) in [(4, Scope::Key), (3, Scope::User), (2, Scope::Login), (1, Scope::Token)] {
        index.merge(register(n, 9, State::Revoked, 2_000));
        assert_eq!(standing(), Some(scope));
    }
    for (n, scope) in [(1, Some(Scope::Login)), (2, Some(Scope::User)), (3, Some(Scope::Key)), (4, None)] {
        index.merge(register(n, 10, State::Lifted, 2_000));
        assert_eq!(standing(), scope);
    }
}

#[test]
fn a_users_register_is_the_least_version_that_stands() {
    let index = Index::new();
    let instant = 500_400_000;
    index.merge(register(3, instant, State::Revoked, 2_000));
    let standing = |version, secs| index.revoked(&token(), version, UnixTime::from_secs(secs));
    assert_eq!(standing(Some(instant - 1), 500), Some(Scope::User));
    assert_eq!(standing(Some(instant), 500), Some(Scope::User));
    assert_eq!(standing(Some(instant + 1), 500), None, "a login in the same second, but after");
    assert_eq!(standing(None, 500), Some(Scope::User), "issued in the second of the instant");
    assert_eq!(standing(None, 501), None);
}

#[test]
fn what_expires_is_forgotten_after_the_leeway_and_not_before() {
    let index = Index::new();
    index.merge(register(1, 1, State::Revoked, 1_000));
    let all = |now| (0..SHARDS).for_each(|shard| index.sweep(shard, UnixTime::from_secs(now)));
    all(1_060);
    assert_eq!(index.len(), 1);
    all(1_061);
    assert_eq!((index.len(), index.get(digest(1))), (0, None));
    assert_eq!(index.highest(), 1, "versions go on from where they were");
}

#[test]
fn an_entry_is_as_small_as_promised() {
    assert_eq!(size_of::<Entry>(), 26);
    let worst = 16.0 / 7.0 * (26.0 + 1.0);
    assert!(worst <= 64.0);
}

#[test]
fn expired_registers_are_not_handed_on() {
    let index = Index::new();
    index.merge(register(2, 1, State::Revoked, 939));
    index.merge(register(4, 1, State::Revoked, 940));
    let kept = [register(4, 1, State::Revoked, 940)];
    let all: Vec<Register> = (0..SHARDS).flat_map(|shard| index.all(shard, NOW)).collect();
    let doubted: Vec<Register> = (0..SHARDS).flat_map(|shard| index.doubted(shard, NOW, 0..9)).collect();
    assert_eq!((all.as_slice(), doubted.as_slice()), (&kept[..], &kept[..]));
    assert!((0..SHARDS).all(|shard| index.doubted(shard, NOW, 2..9).is_empty()), "of other versions");
}
