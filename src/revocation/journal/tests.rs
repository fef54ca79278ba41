//! Does a gateway that is started again know what it knew?

use std::time::Duration;

use super::*;
use crate::clock::UnixTime;
use crate::identity::Digest;
use crate::revocation::log::{Incarnation, Mark};
use crate::revocation::register::State;

const NOW: UnixTime = UnixTime::from_secs(1_000);

fn clock() -> Clock {
    Clock::manual(NOW).0
}

fn register(n: u16, version: u64) -> Register {
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    Register::new(Digest::from_bytes(bytes), version, State::Revoked, UnixTime::from_secs(2_000)).unwrap()
}

fn position(seq: u64) -> Position {
    Position { incarnation: Incarnation::from_bytes([7; 16]), seq, mark: Mark::from_bytes([9; 8]) }
}

fn open(path: &Path) -> (Journal, Option<Position>, Arc<Index>) {
    let index = Arc::new(Index::new());
    let (journal, position) = Journal::open(path, &index, clock()).unwrap();
    (journal, position, index)
}

/// Opens the file once the thread of an earlier journal has let go of it.
fn reopen(path: &Path) -> (Journal, Option<Position>, Arc<Index>) {
    let deadline = crate::clock::instant() + Duration::from_secs(60);
    while matches!(open_locked(path), Err(error) if error.kind() == io::ErrorKind::ResourceBusy) {
        assert!(crate::clock::instant() < deadline, "the thread does not end");
        std::thread::yield_now();
    }
    open(path)
}

fn note(journal: &Journal, index: &Index, registers: &[Register]) {
    for register in registers {
        index.merge(*register);
    }
    journal.note(registers);
}

#[test]
fn what_was_noted_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let (journal, remembered, index) = open(&path);
    assert_eq!(remembered, None);
    note(&journal, &index, &[register(1, 5), register(2, 6)]);
    note(&journal, &index, &[register(1, 7)]);
    journal.note_position(position(3));
    drop(journal);
    let (_journal, remembered, index) = reopen(&path);
    assert_eq!(remembered, Some(position(3)));
    assert_eq!((index.len(), index.get(register(1, 0).digest())), (2, Some(register(1, 7))));
}

#[test]
fn two_gateways_do_not_share_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let (journal, _, index) = open(&path);
    let refused = Journal::open(&path, &Arc::new(Index::new()), clock()).err().unwrap();
    assert!(refused.to_string().contains("another gateway"), "{refused}");
    // Also after it has been rewritten, when it is another file.
    note(&journal, &index, &[register(1, 5)]);
    while std::fs::metadata(&path).unwrap().len() == 0 {
        std::thread::yield_now();
    }
    assert!(Journal::open(&path, &Arc::new(Index::new()), clock()).is_err());
}

#[test]
fn a_file_that_is_not_ours_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    std::fs::write(&path, "a letter to my mother").unwrap();
    let refused = Journal::open(&path, &Arc::new(Index::new()), clock()).err().unwrap();
    assert!(refused.to_string().contains("not a journal"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), b"a letter to my mother");
}

#[test]
fn a_torn_end_is_cut_off_and_a_spoilt_record_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let (journal, _, index) = open(&path);
    note(&journal, &index, &[register(1, 5)]);
    drop(journal);
    drop(reopen(&path));
    let mut bytes = std::fs::read(&path).unwrap();
    let record: Vec<u8> = bytes[HEADER.len()..HEADER.len() + 37].to_vec();
    let mut spoilt = record.clone();
    spoilt[20] ^= 1;
    let mut next = Vec::new();
    Record::Register(register(2, 9)).write(&mut next).unwrap();
    bytes.extend([spoilt, next.clone(), record[..20].to_vec()].concat());
    std::fs::write(&path, &bytes).unwrap();
    let (journal, _, index) = reopen(&path);
    assert_eq!((index.len(), index.get(register(2, 0).digest())), (2, Some(register(2, 9))));
    note(&journal, &index, &[register(3, 1)]);
    drop(journal);
    assert_eq!(reopen(&path).2.len(), 3, "what is written behind the torn end is read");
}

#[test]
fn it_stays_as_short_as_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let (journal, _, index) = open(&path);
    // 4 MB of records about 500 digests.
    for version in 1..=230 {
        let batch: Vec<Register> = (0..500).map(|n| register(n, version)).collect();
        note(&journal, &index, &batch);
    }
    drop(journal);
    let (_journal, _, index) = reopen(&path);
    assert_eq!((index.len(), index.get(register(499, 0).digest())), (500, Some(register(499, 230))));
    let length = std::fs::metadata(&path).unwrap().len();
    assert!(length < SLACK + 3 * 500 * Record::LENGTH + 500 * 230 * Record::LENGTH / 2, "{length}");
}

#[test]
fn what_finds_no_room_in_the_queue_is_written_from_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let (journal, _, index) = open(&path);
    index.merge(register(9, 9));
    // As if the queue had been full when it was noted.
    journal.state.behind.store(true, Ordering::Release);
    note(&journal, &index, &[register(1, 1)]);
    drop(journal);
    assert_eq!(reopen(&path).2.len(), 2);
}
