//! Which answers prove something, which tell of a loss, and which mean nothing yet?

use super::*;
use crate::clock::{self, UnixTime};
use crate::identity::Digest;
use crate::revocation::log::{Incarnation, Logged};
use crate::revocation::register::State;

const LONG: Duration = Duration::from_secs(60);
const OLD: Age = Age { whole: LONG, quiet: LONG };
const YOUNG: Age = Age { whole: Duration::from_millis(1), quiet: Duration::from_millis(1) };

/// A log of one incarnation, as its readers see it.
struct Told {
    incarnation: Incarnation,
    marks: Vec<Mark>,
    start: Instant,
    age: Age,
}

impl Told {
    fn new() -> Self {
        Self { incarnation: Incarnation::random(), marks: Vec::new(), start: clock::instant(), age: OLD }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    fn write(&mut self) -> Mark {
        let mark = Mark::random();
        self.marks.push(mark);
        mark
    }

    fn position(&self, seq: usize) -> Position {
        let mark = seq.checked_sub(1).map_or(Mark::NONE, |at| self.marks[at]);
        Position { incarnation: self.incarnation, seq: seq as u64, mark }
    }

    fn end(&self) -> Position {
        self.position(self.marks.len())
    }

    fn loaded(&self, asked: u64) -> Loaded {
        Loaded { asked: self.at(asked), position: self.end(), end: self.end(), age: self.age }
    }

    fn batch(&self, known: Position, asked: u64) -> Batch {
        let after = usize::try_from(known.seq).unwrap();
        let entries = self.marks.iter().enumerate().skip(after).map(|(at, mark)| {
            let digest = Digest::from_bytes([u8::try_from(at).unwrap(); 16]);
            let register = Register::new(digest, 1, State::Revoked, UnixTime::from_secs(9)).unwrap();
            Logged { seq: at as u64 + 1, mark: *mark, register }
        });
        let anchor = (after <= self.marks.len()).then(|| self.position(after).mark);
        Batch { asked: self.at(asked), head: self.end(), anchor, entries: entries.collect(), age: self.age }
    }
}

/// A replica that has loaded `told`, asked at second 0.
fn follower(told: &Told) -> Replica {
    let mut replica = Replica::new(None);
    load(&mut replica, told, 0);
    replica
}

fn load(replica: &mut Replica, told: &Told, asked: u64) {
    replica.load_begins();
    let loaded = told.loaded(asked);
    replica.loaded(&loaded, told.at(asked));
}

fn read(replica: &mut Replica, told: &Told, asked: u64) -> Result<(), &'static str> {
    let Next::Follow(known) = replica.next() else { panic!("nothing is followed") };
    replica.read(&told.batch(known, asked), &Index::new())
}

#[test]
fn an_answer_proves_what_was_true_when_it_was_asked_for() {
    let mut told = Told::new();
    let mut replica = follower(&told);
    assert!(replica.is_ready());
    told.write();
    read(&mut replica, &told, 3).unwrap();
    assert_eq!((replica.proven(), replica.position()), (Some(told.at(3)), Some(told.end())));
}

#[test]
fn an_answer_that_does_not_reach_the_end_proves_nothing() {
    let mut told = Told::new();
    let mut replica = follower(&told);
    told.write();
    told.write();
    let mut part = told.batch(told.position(0), 3);
    part.entries.pop();
    replica.read(&part, &Index::new()).unwrap();
    assert_eq!((replica.proven(), replica.position()), (Some(told.at(0)), Some(told.position(1))));
}

#[test]
fn a_log_that_has_lost_our_write_is_read_again() {
    let mut told = Told::new();
    let mut replica = follower(&told);
    let mark = Mark::random();
    replica.write_begins(mark);
    read(&mut replica, &told, 1).unwrap();
    replica.write_acknowledged(mark, told.at(2));
    // Asked for before the acknowledgement: it may have come before the write.
    read(&mut replica, &told, 1).unwrap();
    assert!(read(&mut replica, &told, 2).is_err());
    assert_eq!(replica.next(), Next::Load);

    load(&mut replica, &told, 3);
    told.marks.push(mark);
    read(&mut replica, &told, 4).unwrap();
    let failed = Mark::random();
    replica.write_begins(failed);
    replica.write_failed(failed);
    read(&mut replica, &told, 5).unwrap();
}

#[test]
fn a_write_that_is_read_before_it_is_acknowledged_is_not_missed() {
    let mut told = Told::new();
    let mut replica = follower(&told);
    let mark = told.write();
    replica.write_begins(mark);
    read(&mut replica, &told, 1).unwrap();
    replica.write_acknowledged(mark, told.at(2));
    read(&mut replica, &told, 3).unwrap();
}

#[test]
fn a_write_during_a_load_must_still_come_up() {
    let told = Told::new();
    let mut replica = follower(&told);
    let (before, during) = (Mark::random(), Mark::random());
    replica.write_begins(before);
    replica.write_acknowledged(before, told.at(1));
    replica.write_begins(during);
    replica.load_begins();
    replica.write_acknowledged(during, told.at(2));
    replica.loaded(&told.loaded(3), told.at(3));
    // `before` was compared by the load; `during` may have come after the part of the log where it belongs was read.
    assert!(read(&mut replica, &told, 4).is_err());
}

#[test]
fn what_was_given_back_must_come_up() {
    let mut told = Told::new();
    let mut replica = follower(&told);
    let (first, last) = (Mark::random(), Mark::random());
    for mark in [first, last] {
        replica.write_begins(mark);
    }
    // The log had the first already, and took the last.
    replica.write_failed(first);
    told.marks.push(last);
    read(&mut replica, &told, 1).unwrap();
    replica.write_acknowledged(last, told.at(2));
    read(&mut replica, &told, 3).unwrap();

    let never_read = Mark::random();
    replica.write_begins(never_read);
    replica.write_acknowledged(never_read, told.at(4));
    assert!(read(&mut replica, &told, 5).is_err());
}

#[test]
fn what_was_written_during_a_load_must_come_up() {
    let mut told = Told::new();
    let mut replica = Replica::new(None);
    replica.load_begins();
    let begun = told.loaded(0);
    told.write();
    replica.loaded(&Loaded { end: told.end(), ..begun }, told.at(0));
    told.marks.pop();
    assert!(read(&mut replica, &told, 1).is_err());
}

#[test]
fn a_young_log_proves_nothing() {
    let mut told = Told { age: YOUNG, ..Told::new() };
    let mut replica = follower(&told);
    assert!(!replica.is_ready() && replica.proven().is_none());
    told.age = OLD;
    read(&mut replica, &told, 1).unwrap();
    assert!(replica.is_ready() && replica.proven() == Some(told.at(1)));

    // Replaced: what was proven stays, nothing new is, until the new one has settled.
    told = Told { age: YOUNG, start: told.start, ..Told::new() };
    assert!(read(&mut replica, &told, 3).is_err());
    load(&mut replica, &told, 4);
    assert!(replica.is_ready() && replica.proven() == Some(told.at(1)));
    // Known here for long enough, whatever it says of itself.
    read(&mut replica, &told, 6).unwrap();
    assert_eq!(replica.proven(), Some(told.at(6)));
}

#[test]
fn while_others_give_back_only_those_who_were_there_are_sure() {
    let disturbed = Age { whole: LONG, quiet: Duration::from_millis(1) };
    let mut told = Told::new();
    let mut here = follower(&told);
    told.age = disturbed;
    read(&mut here, &told, 1).unwrap();
    assert_eq!(here.proven(), Some(told.at(1)), "it lacks at most what is given back first");
    let mut new = follower(&told);
    read(&mut new, &told, 30).unwrap();
    assert!(!new.is_ready());
    // So long without a proof that it may lack what is given back last.
    read(&mut here, &told, 400).unwrap();
    assert_eq!(here.proven(), Some(told.at(1)));
    told.age = OLD;
    for replica in [&mut here, &mut new] {
        read(replica, &told, 401).unwrap();
        assert_eq!(replica.proven(), Some(told.at(401)));
    }
}

#[test]
fn a_log_shorter_than_remembered_proves_nothing_at_first() {
    let mut told = Told::new();
    told.write();
    for (remembered, at_once) in [
        (Position { seq: 2, ..told.end() }, false),
        (told.end(), true),
        (Position { incarnation: Incarnation::random(), seq: 2, ..told.end() }, true),
    ] {
        let mut replica = Replica::new(Some(remembered));
        load(&mut replica, &told, 0);
        assert_eq!(replica.is_ready(), at_once);
        read(&mut replica, &told, 2).unwrap();
        assert!(replica.is_ready());
    }
}

#[test]
fn pages_say_what_of_them_is_news() {
    let index = Index::new();
    let of = |n: u8, version| {
        Register::new(Digest::from_bytes([n; 16]), version, State::Revoked, UnixTime::from_secs(9)).unwrap()
    };
    index.merge(of(1, 5));
    let page = [of(1, 4), of(1, 5), of(2, 1), of(1, 6)];
    assert_eq!(Replica::page(&index, &page), [of(2, 1), of(1, 6)]);
}
