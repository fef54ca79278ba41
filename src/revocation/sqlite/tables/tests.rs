//! Does the file keep the log's promises: one sequence, no gaps, nothing forgotten before its time?

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::clock;
use crate::revocation::log::{Verdict, follows_on};

const NOW: UnixTime = UnixTime::from_secs(1_000_000);

fn change(n: u8, expires: u64) -> Change {
    let digest = Digest::from_bytes([n; 16]);
    Change { digest, state: State::Revoked, expires: UnixTime::from_secs(expires) }
}

fn new_log() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let connection = open(&folder.path().join("log.db")).unwrap();
    (folder, connection)
}

/// How many entries the log counts, and every register in it.
fn load_all(connection: &mut Connection, now: UnixTime) -> (u64, Vec<Register>) {
    let mut held = Vec::new();
    let loaded = load(connection, now, clock::instant(), &mut |page| held.extend(page)).unwrap();
    (loaded.position.seq, held)
}

#[test]
fn the_file_is_for_its_owner_alone() {
    let (folder, mut connection) = new_log();
    append(&mut connection, change(1, 2_000_000), 0, Mark::random(), NOW).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
}

#[test]
fn versions_rise_though_the_clock_stands_or_goes_back() {
    let (_folder, mut connection) = new_log();
    let one = append(&mut connection, change(1, 2_000_000), 0, Mark::random(), NOW).unwrap();
    assert_eq!(one.version(), 1_000_000_000_000);
    let two = next_version(&mut connection, 0, UnixTime::from_secs(5)).unwrap();
    assert_eq!(two, one.version() + 1);
    let three = append(&mut connection, change(1, 7), two + 10, Mark::random(), NOW).unwrap();
    assert_eq!(three.version(), two + 11);
    assert_eq!(three.expires(), one.expires(), "a register is remembered for as long as it ever was to be");
}

#[test]
fn a_reader_follows_and_notices_a_file_put_back() {
    let (folder, mut connection) = new_log();
    let start = load(&mut connection, NOW, clock::instant(), &mut drop).unwrap().position;
    append(&mut connection, change(1, 2_000_000), 0, Mark::random(), NOW).unwrap();
    let backup = folder.path().join("backup.db");
    connection.execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    append(&mut connection, change(2, 2_000_000), 0, Mark::random(), NOW).unwrap();
    let batch = read_after(&mut connection, start, clock::instant()).unwrap();
    assert_eq!(batch.entries.len(), 2);
    let Verdict::Follows { to, caught_up: true } = follows_on(start, &batch) else { panic!("{batch:?}") };

    let mut restored = open(&backup).unwrap();
    for n in 3..6 {
        let batch = read_after(&mut restored, to, clock::instant()).unwrap();
        assert!(matches!(follows_on(to, &batch), Verdict::Broken(_)), "{batch:?}");
        append(&mut restored, change(n, 2_000_000), 0, Mark::random(), NOW).unwrap();
    }
}

#[test]
fn only_what_has_expired_is_trimmed_and_never_the_last() {
    let (_folder, mut connection) = new_log();
    for n in 1..4 {
        append(&mut connection, change(n, 1_000_000), 0, Mark::random(), NOW).unwrap();
    }
    let rows = |connection: &Connection| -> i64 {
        connection.query_row("SELECT count(*) FROM revocation_log", [], |row| row.get(0)).unwrap()
    };
    append(&mut connection, change(4, 1_000_001), 0, Mark::random(), UnixTime::from_secs(1_000_300)).unwrap();
    assert_eq!(rows(&connection), 4);
    append(&mut connection, change(5, 1_000_001), 0, Mark::random(), UnixTime::from_secs(1_000_302)).unwrap();
    assert_eq!(rows(&connection), 1, "the last entry is the log's end");
    append(&mut connection, change(6, 9_000_000), 0, Mark::random(), UnixTime::from_secs(1_000_302)).unwrap();
    assert_eq!(rows(&connection), 1);
    let (end, held) = load_all(&mut connection, UnixTime::from_secs(1_000_302));
    assert_eq!((end, held.len()), (6, 1));
}

#[test]
fn write_back_adds_only_what_says_more() {
    let (_folder, mut connection) = new_log();
    let kept = append(&mut connection, change(1, 2_000_000), 0, Mark::random(), NOW).unwrap();
    let register = |n, version, state| {
        Register::new(Digest::from_bytes([n; 16]), version, state, UnixTime::from_secs(2_000_000)).unwrap()
    };
    let lost = register(2, kept.version() + 9, State::Revoked);
    let older = register(1, kept.version() - 1, State::Lifted);
    let marked = |registers: &[Register]| -> Vec<(Register, Mark)> {
        registers.iter().map(|register| (*register, Mark::random())).collect()
    };
    let mark = write_back(&mut connection, &marked(&[lost, older])).unwrap();
    assert_eq!(write_back(&mut connection, &marked(&[lost, older, kept])).unwrap(), None);
    let mut held = Vec::new();
    let mut take = |page| held.extend::<Vec<Register>>(page);
    let end = load(&mut connection, NOW, clock::instant(), &mut take).unwrap().position;
    held.sort_by_key(Register::version);
    assert_eq!(Some(end.mark), mark, "the last entry");
    assert_eq!((end.seq, held), (2, vec![kept, lost]));
    assert!(next_version(&mut connection, 0, NOW).unwrap() > lost.version());
}

#[test]
fn many_may_open_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let path = &path;
                scope.spawn(move || {
                    let mut connection = open(path)?;
                    append(&mut connection, change(n, 2_000_000), 0, Mark::random(), NOW)
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    });
    let (end, held) = load_all(&mut open(&path).unwrap(), NOW);
    assert_eq!((end, held.len()), (8, 8));
}
