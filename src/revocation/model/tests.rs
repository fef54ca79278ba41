//! Within which bounds is what tried, and are planted bugs found?
//!
//! Each test prints how many states there were. A course of events lasts a few seconds of model time, which is enough
//! for what is acknowledged in its first to be past the bound in its last.

use stateright::HasDiscoveries;

use super::super::Revocation;
use super::promises::{
    BEHIND, BOUND, EQUAL, FRESH, GIVEN_BACK, KEPT, LIFTED, LOST, READ, STALE, VALID, VERSIONS,
};
use super::*;

const REVOKE: Deed = Deed::Write(TOKEN, State::Revoked);
const LIFT: Deed = Deed::Write(TOKEN, State::Lifted);
const REVOKE_USER: Deed = Deed::Write(USER, State::Revoked);

fn rules(gateways: usize, last: Tick, deeds: &[Deed], budget: Budget) -> Rules {
    Rules {
        gateways,
        last,
        max_staleness: Duration::from_secs(2),
        deeds: deeds.to_vec(),
        budget,
        expires: Revocation::NEVER,
        plant: None,
        sights: &[],
    }
}

/// Every promise holds in every course of events, and each of the `sights` is seen in one.
fn hold(what: &str, sights: &'static [&'static str], rules: Rules) {
    let began = clock::instant();
    let Rules { gateways, last, budget, .. } = rules;
    let checker = Rules { sights, ..rules }.checker().threads(2).spawn_bfs().join();
    assert!(checker.is_done(), "all of it was tried");
    checker.assert_properties();
    report(&format!(
        "{what:<16} | {:>9} | {:>9} | {:>5} | {:>6.1} s | {gateways} gateways, {last} s, {}\n",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f32(),
        budget.in_words(),
    ));
}

/// Writes a row of the report, where `tests/run` finds it.
fn report(row: &str) {
    let program = std::env::current_exe().unwrap();
    // Beside `debug/deps/program`.
    let folder = program.ancestors().nth(3).unwrap().join("tmp/model");
    std::fs::create_dir_all(&folder).unwrap();
    let head = "model            |    states | different |  deep |     time | within\n";
    std::fs::write(folder.join("head.txt"), head).unwrap();
    let name: String = row.chars().take_while(|c| *c != '|').filter(|c| c.is_alphanumeric()).collect();
    std::fs::write(folder.join(format!("row-{name}.txt")), row).unwrap();
}

/// With this bug, this promise is broken.
fn breaks(plant: Plant, promise: &'static str, rules: Rules) {
    let checker = Rules { plant: Some(plant), ..rules }.checker().threads(2);
    let found = checker.finish_when(HasDiscoveries::AllOf([promise].into())).spawn_bfs().join();
    let path = found.discovery(promise).unwrap_or_else(|| panic!("{plant:?} goes unnoticed"));
    println!("{plant:?} breaks \"{promise}\" by {:?}", path.into_actions());
}

/// A revocation; a server that fails, with or without losing it; a gateway killed, with or without its journal.
fn killed() -> Rules {
    rules(2, 5, &[REVOKE], Budget { writes: 1, restarts: 1, crashes: 1, ..Budget::default() })
}

/// The same, with nobody killed, but other things happening during one exchange or write.
fn slow() -> Rules {
    rules(2, 5, &[REVOKE], Budget { writes: 1, restarts: 1, slow: 1, unanswered: 1, ..Budget::default() })
}

/// All of that.
fn slow_and_killed() -> Rules {
    rules(2, 3, &[REVOKE], Budget { writes: 1, restarts: 1, slow: 1, crashes: 1, ..Budget::default() })
}

/// Everything lost at once, with a gateway cut off for a while.
fn flushed() -> Rules {
    rules(2, 5, &[REVOKE], Budget { writes: 1, flushes: 1, cuts: 1, crashes: 1, ..Budget::default() })
}

/// Revoked and lifted in any order through either gateway.
fn lifted() -> Rules {
    rules(2, 4, &[REVOKE, LIFT], Budget { writes: 2, restarts: 1, ..Budget::default() })
}

/// Sign-ins before, between and after a revocation of their user.
fn signed_in() -> Rules {
    rules(
        2,
        4,
        &[REVOKE_USER, Deed::Login],
        Budget { writes: 1, logins: 2, restarts: 1, ..Budget::default() },
    )
}

/// A write sent again over another connection, to a server that may not have what the first had.
fn sent_again() -> Rules {
    let budget = Budget { writes: 1, logins: 1, restarts: 1, slow: 1, ..Budget::default() };
    rules(2, 2, &[REVOKE_USER, Deed::Login], budget)
}

/// Two things to give back, and a server that fails between them.
fn given_back() -> Rules {
    let budget = Budget { writes: 2, restarts: 1, flushes: 1, slow: 1, ..Budget::default() };
    rules(1, 1, &[REVOKE, REVOKE_USER], budget)
}

/// A load during which the log loses what was read, and then whoever else had it is gone.
fn read_and_lost() -> Rules {
    rules(2, 1, &[REVOKE], Budget { writes: 1, restarts: 1, slow: 1, crashes: 2, ..Budget::default() })
}

/// Three gateways.
fn three() -> Rules {
    rules(3, 4, &[REVOKE], Budget { writes: 1, restarts: 1, crashes: 1, ..Budget::default() })
}

/// What has expired is trimmed and swept, in front of a reader too.
fn expired() -> Rules {
    let budget = Budget { writes: 2, trims: 1, cuts: 1, ..Budget::default() };
    Rules { expires: UnixTime::from_secs(942), ..rules(2, 4, &[REVOKE], budget) }
}

/// A clock that goes back, in a server that has all the data.
fn clock_back() -> Rules {
    rules(2, 4, &[REVOKE, LIFT], Budget { writes: 2, clocks: 1, ..Budget::default() })
}

/// One gateway, a log that loses everything, and a clock that goes back.
fn alone() -> Rules {
    let budget = Budget { writes: 2, clocks: 1, flushes: 1, ..Budget::default() };
    rules(1, 3, &[REVOKE, LIFT], budget)
}

/// The same, with a user who signs in again.
fn signed_in_alone() -> Rules {
    let budget = Budget { writes: 1, logins: 2, clocks: 1, flushes: 1, ..Budget::default() };
    rules(1, 3, &[REVOKE_USER, Deed::Login], budget)
}

#[test]
fn promises_hold_for_one_alone() {
    hold("signed in alone", &[GIVEN_BACK], signed_in_alone());
    hold("alone", &[GIVEN_BACK], alone());
}

#[test]
fn promises_hold_when_servers_and_gateways_fail() {
    hold("killed", &[READ, BEHIND, GIVEN_BACK, LOST], killed());
}

#[test]
fn promises_hold_when_answers_are_slow() {
    hold("slow", &[READ, BEHIND, GIVEN_BACK, STALE], slow());
}

#[test]
fn promises_hold_when_all_of_that_happens() {
    hold("slow and killed", &[READ, BEHIND, GIVEN_BACK, LOST], slow_and_killed());
}

#[test]
fn promises_hold_when_everything_is_lost() {
    hold("flushed", &[READ, BEHIND, GIVEN_BACK, LOST, STALE], flushed());
}

#[test]
fn promises_hold_for_lifts() {
    hold("lifted", &[READ, BEHIND, GIVEN_BACK], lifted());
}

#[test]
fn promises_hold_for_users() {
    hold("signed in", &[READ, BEHIND, GIVEN_BACK], signed_in());
}

#[test]
fn promises_hold_for_what_is_sent_again() {
    hold("sent again", &[READ, BEHIND], sent_again());
}

#[test]
fn promises_hold_for_what_is_given_back() {
    hold("given back", &[GIVEN_BACK], given_back());
}

#[test]
fn promises_hold_for_what_is_read_and_lost() {
    hold("read and lost", &[READ, LOST], read_and_lost());
}

#[test]
fn promises_hold_for_three() {
    hold("three", &[READ, BEHIND, GIVEN_BACK, LOST], three());
}

#[test]
fn promises_hold_for_what_expires() {
    hold("expired", &[READ, STALE], expired());
}

#[test]
fn promises_hold_when_a_clock_goes_back() {
    hold("clock back", &[READ, BEHIND], clock_back());
}

/// The limit: a log that has lost its data *and* takes its versions from a clock that lags behind gives what one gateway
/// says before another has given back what it knows a version that is too small.
#[test]
fn a_lost_log_with_a_clock_that_went_back_gives_out_old_versions() {
    let budget = Budget { writes: 2, clocks: 1, flushes: 1, ..Budget::default() };
    let checker = rules(2, 2, &[REVOKE, LIFT], budget).checker().threads(2);
    let found = checker.finish_when(HasDiscoveries::AllOf([VERSIONS].into())).spawn_bfs().join();
    assert!(found.discovery(VERSIONS).is_some(), "no longer so: say it in the docs");
}

#[test]
fn planted_bugs_of_the_rules_are_found() {
    breaks(Plant::OwnMarksForgotten, KEPT, killed());
    breaks(Plant::Replaced, BOUND, lifted());
    breaks(Plant::Replaced, LIFTED, lifted());
    breaks(Plant::NothingGivenBack, EQUAL, killed());
    breaks(Plant::LoadNeverEnds, FRESH, killed());
    breaks(Plant::FreshFromArrival, BOUND, slow());
    breaks(Plant::YoungIsGood, BOUND, flushed());
    breaks(Plant::NothingGivenBack, KEPT, killed());
    breaks(Plant::NoFloor, VERSIONS, alone());
    breaks(Plant::NoFloor, VALID, signed_in_alone());
}

#[test]
fn planted_bugs_around_the_log_are_found() {
    breaks(Plant::AgeByBirth, BOUND, killed());
    breaks(Plant::RestartUnnoticed, BOUND, slow());
    breaks(Plant::AgeAtTheEnd, BOUND, slow_and_killed());
    breaks(Plant::GivenBackForgotten, KEPT, given_back());
    breaks(Plant::AnyConnection, KEPT, read_and_lost());
    breaks(Plant::SameMark, KEPT, sent_again());
}
