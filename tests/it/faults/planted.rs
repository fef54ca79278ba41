//! Does the verdict find what it is there for? Each kind of broken promise, planted alone.

use std::time::Duration;

use super::history::{Act, Event, Excuse, Felt, Terms};
use super::verdict::judge;

const fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn event(gateway: usize, act: Act, sent: u64, status: u16) -> Event {
    Event { gateway, act, sent: at(sent), answered: at(sent + 10), status: Some(status) }
}

/// Two gateways, a fault from 1 s to 3 s.
fn terms() -> Terms {
    Terms {
        fault: at(1000)..at(3000),
        dead: Vec::new(),
        max_staleness: at(1000),
        patience: at(1500),
        hashing: at(300),
        recovery: at(5000),
        excuses: Vec::new(),
        felt: Felt::InEverything,
        gateways: 2,
    }
}

/// Token 0 is good, token 1 is ended at gateway 0 at 0.5 s; everything is as it should be.
fn good() -> Vec<Event> {
    vec![
        event(0, Act::Enter(0), 100, 200),
        event(1, Act::Enter(1), 110, 200),
        event(0, Act::End(1), 490, 204),
        event(1, Act::Enter(1), 600, 200),
        event(0, Act::Enter(1), 600, 401),
        event(1, Act::Enter(1), 1600, 401),
        event(0, Act::Look, 1700, 200),
        event(0, Act::Enter(0), 2100, 503),
        event(1, Act::Enter(1), 2100, 503),
        event(0, Act::SignIn, 2200, 503),
        event(1, Act::End(2), 2300, 503),
        event(1, Act::Enter(2), 2400, 401),
        event(1, Act::Enter(0), 3100, 503),
        event(0, Act::Enter(0), 3200, 200),
        event(1, Act::Enter(0), 3300, 200),
        event(0, Act::SignIn, 3400, 200),
        event(0, Act::Remember(1), 5000, 401),
        event(1, Act::Remember(1), 5000, 503),
        event(1, Act::Remember(1), 5100, 401),
    ]
}

/// What is complained of when this happens besides.
fn with(more: Event) -> Vec<String> {
    let mut events = good();
    events.push(more);
    judge(&events, &terms()).complaints(&terms())
}

/// What is complained of when this answer is another.
fn but(act: Act, sent: u64, status: u16) -> Vec<String> {
    let mut events = good();
    let event = events.iter_mut().find(|event| event.act == act && event.sent == at(sent)).unwrap();
    event.status = Some(status);
    judge(&events, &terms()).complaints(&terms())
}

#[track_caller]
fn only(complaints: &[String], what: &str) {
    assert!(complaints.len() == 1 && complaints[0].starts_with(what), "{what}: {complaints:?}");
}

#[test]
fn nothing_is_said_of_a_good_run() {
    let verdict = judge(&good(), &terms());
    assert_eq!(verdict.complaints(&terms()), Vec::<String>::new());
    assert_eq!((verdict.requests, verdict.slowest), (good().len(), at(10)));
    assert_eq!(verdict.recovery, Some(at(310)));
    assert_eq!((verdict.entries_put_off, verdict.writes_put_off, verdict.tried), (1, 2, 3));
}

#[test]
fn a_revoked_token_let_in_is_found() {
    only(&with(event(1, Act::Enter(1), 1501, 200)), "wrongly accepted: 1;");
    only(&with(event(0, Act::Enter(1), 501, 200)), "wrongly accepted: 1;");
    // Sent before it had to be known.
    assert!(with(event(1, Act::Enter(1), 1500, 200)).is_empty());
    assert!(with(event(0, Act::Enter(1), 500, 200)).is_empty());
}

#[test]
fn a_good_one_turned_away_is_found() {
    let nobody = Event { status: None, ..event(0, Act::Look, 1800, 0) };
    for wrong in [
        event(0, Act::Enter(0), 1800, 401),
        event(0, Act::Enter(0), 1800, 502),
        event(0, Act::SignIn, 1800, 401),
        event(0, Act::End(3), 1800, 500),
        event(0, Act::Look, 1800, 503),
        // Asked before anybody wished its end.
        event(1, Act::Enter(2), 1800, 401),
        nobody,
    ] {
        only(&with(wrong), "wrongly refused: 1;");
    }
    assert!(with(event(0, Act::Enter(0), 1800, 503)).is_empty());
}

#[test]
fn a_lost_revocation_is_found() {
    only(&but(Act::Remember(1), 5000, 200), "lost: 1;");
    only(&but(Act::Remember(1), 5100, 503), "lost: 1;");
    // Acknowledged, and not asked after.
    let complaints = with(event(0, Act::End(3), 4000, 200));
    only(&complaints, "lost: 2;");
}

#[test]
fn a_late_answer_and_a_late_recovery_are_found() {
    let slow = Event { answered: at(1800 + 1501), ..event(0, Act::Look, 1800, 200) };
    only(&with(slow), "late: 1;");
    let login = |taken: u64| Event { answered: at(1800 + taken), ..event(0, Act::SignIn, 1800, 503) };
    only(&with(login(1801)), "late: 1;");
    assert!(with(login(1800)).is_empty());
    let mut late = good();
    late.push(event(0, Act::Enter(0), 7900, 503));
    let verdict = judge(&late, &terms());
    only(&verdict.complaints(&terms()), "a gateway did not recover");
    late.push(event(0, Act::Enter(0), 8000, 200));
    let verdict = judge(&late, &terms());
    only(&verdict.complaints(&terms()), "recovery took 5.01s");
}

#[test]
fn a_fault_that_nobody_felt_is_found() {
    only(&but(Act::Enter(0), 2100, 200), "the fault was not felt");
    let mut events = good();
    events.retain(|event| !matches!((event.act, event.status), (Act::SignIn | Act::End(_), Some(503))));
    events.retain(|event| event.act != Act::Enter(2));
    only(&judge(&events, &terms()).complaints(&terms()), "the fault was not felt");
    let mut events = good();
    events.retain(|event| event.act != Act::Enter(1));
    only(&judge(&events, &terms()).complaints(&terms()), "no ended token was tried");
}

#[test]
fn only_the_dead_and_the_excused_are_excused() {
    let nobody = Event { status: None, ..event(1, Act::Look, 1800, 0) };
    let accepted = event(1, Act::Enter(1), 1900, 200);
    let mut events = good();
    events.extend([nobody, accepted]);
    let mut terms = terms();
    terms.dead = vec![(1, at(1805)..at(1850))];
    only(&judge(&events, &terms).complaints(&terms), "wrongly accepted");
    let excuse = Excuse { acknowledged: at(400)..at(501), by: &[0], to: &[1], until: at(1901) };
    for (excuse, heeded) in [
        (Excuse { until: at(1900), ..excuse.clone() }, false),
        (Excuse { by: &[1], ..excuse.clone() }, false),
        (Excuse { to: &[0], ..excuse.clone() }, false),
        (Excuse { acknowledged: at(501)..at(900), ..excuse.clone() }, false),
        (excuse, true),
    ] {
        terms.excuses = vec![excuse];
        assert_eq!(judge(&events, &terms).complaints(&terms).is_empty(), heeded, "{:?}", terms.excuses);
    }
    terms.dead = vec![(0, at(1805)..at(1850))];
    only(&judge(&events, &terms).complaints(&terms), "wrongly refused");
}
