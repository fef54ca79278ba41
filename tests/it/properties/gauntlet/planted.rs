//! Can the judges object? Each invariant is broken on purpose, and they have to say which.

use super::blameless;
use super::judge::{Heard, judge};
use super::request::{Credential, Framing, Plan, Sent};
use super::rights::Brought;
use super::tokens::Token;
use super::upstream::{ECHO, Fields, Seen};
use crate::world::raw::Answer;

const TOKEN: &str = "a.token.that-is-long-enough-to-be-a-secret";

/// Two requests of alice's, served as they should be.
fn served() -> (Sent, Vec<Seen>, Heard) {
    let brought = Brought::Token { subject: "jürgen".into(), scope: Some("a b".into()), email: None };
    let credential = Credential::Spelled("Bearer ", Token { text: TOKEN.into(), brought });
    let plan = Plan {
        path: b"/api/me?x".to_vec(),
        credential,
        framing: Framing::Length("", ""),
        body: b"hello".to_vec(),
        ..blameless()
    };
    let sent = Sent::of(&[plan.clone(), plan], 7);
    let seen = vec![seen("c7-0"), seen("c7-1")];
    (sent, seen, Heard { answers: vec![answer("c7-0"), answer("c7-1")], ..Heard::default() })
}

fn seen(marker: &str) -> Seen {
    let fields = [
        ("X-Case", marker),
        ("X-Auth-User", "j%C3%BCrgen"),
        ("X-Auth-Scopes", "b a"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Host", "gw.test"),
        ("X-Request-Id", "1"),
        ("Content-Length", "5"),
    ];
    let fields: Fields = fields.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
    let line = b"GET /api/me?x HTTP/1.1".to_vec();
    Seen { line, fields, body: b"hello".to_vec(), complete: true, ..Seen::default() }
}

fn answer(marker: &str) -> Answer {
    Answer { status: 200, fields: vec![(ECHO.to_owned(), marker.to_owned())], body: Vec::new() }
}

type Change = fn(&mut Sent, &mut Vec<Seen>, &mut Heard);

/// What the judges say when this is changed.
fn objections(change: impl Fn(&mut Sent, &mut Vec<Seen>, &mut Heard)) -> String {
    let (mut sent, mut seen, mut heard) = served();
    change(&mut sent, &mut seen, &mut heard);
    judge(&sent, &seen, &heard).join("\n")
}

fn set(seen: &mut Seen, name: &str, value: &str) {
    seen.fields.push((name.as_bytes().to_vec(), value.as_bytes().to_vec()));
}

#[test]
fn nothing_is_said_against_what_is_right() {
    assert_eq!(objections(|_, _, _| {}), "");
}

#[test]
fn every_invariant_that_is_broken_is_named() {
    let line = |text: &'static str| {
        move |_: &mut Sent, seen: &mut Vec<Seen>, _: &mut Heard| seen[0].line = text.into()
    };
    for target in ["GET /api/you HTTP/1.1", "GET /api/me HTTP/1.1", "POST /api/me?x HTTP/1.1"] {
        assert!(objections(line(target)).contains("I1: "), "{target}");
    }
    for (path, reader) in [
        ("/public/..;/api/admin", "Tomcat"),
        ("/public/%2e%2e/api/admin", "WHATWG"),
        ("/public\\..\\api\\admin", "WHATWG"),
        ("/public/x/..%2f../api/admin", "nginx"),
        ("/public//../api/admin", "as it stands"),
        ("/event/../token", "as it stands"),
    ] {
        let said = objections(|sent, seen, _| {
            sent.truths[0].target = path.into();
            seen[0].line = format!("GET {path} HTTP/1.1").into();
        });
        assert!(said.contains(&format!("I1: {reader} arrives")), "{path}: {said}");
    }
    let cases: &[(&str, Change)] = &[
        ("I1: ", |sent, _, _| sent.truths[1].brought = Brought::Rubbish),
        ("I1: ", |sent, _, _| sent.truths[1].brought = Brought::Nothing),
        ("I2: X-Auth-User", |_, seen, _| set(&mut seen[0], "x_auth.user", "evil")),
        ("I2: X-Auth-User", |_, seen, _| seen[0].trailers.push((b"X-Auth-User".to_vec(), b"evil".to_vec()))),
        ("I2: X-Auth-User", |_, seen, _| drop(seen[0].fields.remove(1))),
        ("I2: X-Auth-Scopes", |_, seen, _| set(&mut seen[0], "X-Auth-Scopes", "a b")),
        ("I2: X-Auth-Email", |_, seen, _| set(&mut seen[0], "X-Auth-Email", "a@b.test")),
        ("I2: Authorization", |_, seen, _| set(&mut seen[0], "authorization", "Basic x")),
        ("I2: Forwarded", |_, seen, _| set(&mut seen[0], "forwarded", "for=1")),
        ("I2: X-Forwarded-For", |_, seen, _| set(&mut seen[0], "X_Forwarded_For", "1.2.3.4")),
        ("I2: X-Request-Id", |_, seen, _| set(&mut seen[0], "X-Request-ID", "2")),
        ("I3: ", |_, _, heard| heard.answers[0].status = 500),
        ("I4: a request that nobody sent", |_, seen, _| seen.push(Seen::default())),
        ("I4: a request that nobody sent", |_, seen, _| set(&mut seen[0], "X-Case", "c7-0")),
        ("I4: request 0 again", |_, seen, _| seen.swap(0, 1)),
        ("I4: request 1 again", |_, seen, _| seen.push(seen[1].clone())),
        ("I4: another body", |_, seen, _| seen[1].body.push(b'x')),
        ("I4: two ways", |_, seen, _| set(&mut seen[0], "Transfer_Encoding", "chunked")),
        ("I4: a request that has two readings", |sent, _, _| sent.truths[1].may_pass = false),
        ("I4: request 1 was seen behind", |sent, _, _| sent.truths[0].ends = true),
        ("I4: what the upstream got", |_, seen, _| seen[0].garbled = Some("planted")),
        ("I4: c7-0 got the answer", |_, _, heard| heard.answers.swap(0, 1)),
        ("I4: 3 answers", |_, _, heard| heard.answers.push(Answer::default())),
        ("I4: an answer to c7-1", |_, seen, _| drop(seen.pop())),
        ("I5: ", |_, _, heard| heard.bytes = format!("token {TOKEN} is").into()),
        ("I6: ", |_, _, heard| heard.hung = true),
    ];
    for (at, (wanted, change)) in cases.iter().enumerate() {
        let said = objections(change);
        assert!(said.contains(wanted), "{at}: {wanted}: {said}");
    }
}
