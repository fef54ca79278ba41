//! Which replies go on from where a reader was, and which do not?

use super::*;

fn at(seq: u64, mark: u64) -> Position {
    Position { incarnation: Incarnation(1), seq, mark: Mark(mark) }
}

fn entry(seq: u64, mark: u64) -> Logged {
    let digest = Digest::from_bytes([1; 16]);
    let register = Register::new(digest, seq, State::Revoked, UnixTime::default()).unwrap();
    Logged { seq, mark: Mark(mark), register }
}

fn batch(head: Position, anchor: Option<u64>, entries: &[(u64, u64)]) -> Batch {
    let entries = entries.iter().map(|(seq, mark)| entry(*seq, *mark)).collect();
    Batch { asked: crate::clock::instant(), head, anchor: anchor.map(Mark), entries, age: Age::NO_MATTER }
}

fn leads(to: Position, caught_up: bool) -> Verdict {
    Verdict::Follows { to, caught_up }
}

#[test]
fn a_reply_that_goes_on_is_followed() {
    let known = at(3, 33);
    assert_eq!(follows_on(known, &batch(known, Some(33), &[])), leads(known, true));
    let more = batch(at(5, 55), Some(33), &[(4, 44), (5, 55)]);
    assert_eq!(follows_on(known, &more), leads(at(5, 55), true));
    let part = batch(at(5, 55), Some(33), &[(4, 44)]);
    assert_eq!(follows_on(known, &part), leads(at(4, 44), false));
    assert_eq!(follows_on(at(0, 0), &batch(at(1, 11), Some(0), &[(1, 11)])), leads(at(1, 11), true));
}

#[test]
fn nothing_else_is() {
    let known = at(3, 33);
    let other = Position { incarnation: Incarnation(2), ..known };
    for (what, reply) in [
        ("emptied and named anew", batch(other, Some(33), &[])),
        ("shorter", batch(at(2, 22), None, &[])),
        ("cut short and written on", batch(at(4, 45), Some(34), &[(4, 45)])),
        ("cut short and written to the same length", batch(at(3, 34), Some(34), &[])),
        ("trimmed past the reader", batch(at(9, 99), None, &[(8, 88), (9, 99)])),
        ("a hole", batch(at(5, 55), Some(33), &[(5, 55)])),
        ("a hole at the end", batch(at(5, 55), Some(33), &[])),
        ("out of order", batch(at(5, 55), Some(33), &[(5, 55), (4, 44)])),
        ("past its own end", batch(at(4, 44), Some(33), &[(4, 44), (5, 55)])),
        ("another end than its entries say", batch(at(4, 44), Some(33), &[(4, 45)])),
    ] {
        assert!(matches!(follows_on(known, &reply), Verdict::Broken(_)), "{what}");
    }
}

#[test]
fn names_are_read_back() {
    let (incarnation, mark) = (Incarnation::random(), Mark::random());
    assert_eq!(Incarnation::from_hex(&incarnation.to_hex()), Some(incarnation));
    assert_eq!(Mark::from_hex(&mark.to_hex()), Some(mark));
    assert_ne!(mark, Mark::NONE);
    assert_eq!((Mark::from_hex("+000000000000001"), Incarnation::from_hex("zz")), (None, None));
}
