//! Did the gateway keep I1, I2, I4 and I5 on this connection? Reckoned from what was sent, what the upstream saw and what
//! was heard back, without a line of the gateway's.

use super::readers::readings;
use super::request::{Sent, Truth};
use super::rights::{Brought, Need, need};
use super::upstream::{ECHO, Seen};
use crate::world::raw::Answer;

/// What came back on a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) bytes: Vec<u8>,
    pub(super) answers: Vec<Answer>,
    /// It did not end in time.
    pub(super) hung: bool,
}

/// What the gateway alone says, and what it says of this client; the rest of these names is not said at all.
const OURS: [&str; 12] = [
    "Authorization",
    "Forwarded",
    "X-Real-IP",
    "X-Client-IP",
    "True-Client-IP",
    "X-Forwarded-Anything",
    "X-Forwarded-Prefix",
    "X-HTTP-Method-Override",
    "X-Method-Override",
    "X-Original-URL",
    "X-Rewrite-URL",
    "Upgrade",
];

/// Everything that is wrong.
pub(super) fn judge(sent: &Sent, seen: &[Seen], heard: &Heard) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = 0;
    for request in seen {
        match request.marker().and_then(|marker| sent.truths.iter().position(|t| t.marker == marker)) {
            Some(at) => {
                if at < next {
                    found.push(format!("I4: request {at} again, or out of order"));
                }
                if let Some(end) = sent.truths[..at].iter().position(|truth| truth.ends) {
                    found.push(format!(
                        "I4: request {at} was seen behind request {end}, which ends everything"
                    ));
                }
                next = at + 1;
                judge_request(&sent.truths[at], request, sent.https, &mut found);
            }
            None => found.push(format!("I4: a request that nobody sent: {}", request.line.escape_ascii())),
        }
    }
    judge_answers(sent, seen, heard, &mut found);
    found
}

/// One request that the upstream saw.
pub(super) fn judge_request(truth: &Truth, seen: &Seen, https: bool, found: &mut Vec<String>) {
    if let Some(why) = seen.garbled {
        found.push(format!("I4: what the upstream got is no request: {why}"));
    }
    if !truth.may_pass {
        found.push("I4: a request that has two readings, or none, was forwarded".to_owned());
    }
    let expected = [truth.method.as_bytes(), b" ", &truth.target, b" HTTP/1.1"].concat();
    if seen.line != expected {
        found.push(format!("I1: {} became {}", expected.escape_ascii(), seen.line.escape_ascii()));
    }
    if seen.complete && truth.body.as_deref() != Some(&seen.body) {
        found.push(format!("I4: another body: {}", seen.body.escape_ascii()));
    }
    let target = seen.line.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
    let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
    let readings = readings(path);
    for (reader, place) in &readings {
        let need = need(&truth.method, place);
        if !truth.brought.is_enough(need) {
            found.push(format!("I1: {reader} arrives where {need:?} is needed, with {:?}", truth.brought));
        }
    }
    judge_identity(truth, seen, need(&truth.method, &readings[0].1), found);
    judge_headers(truth, seen, https, found);
}

/// I2: who the upstream is told it is.
fn judge_identity(truth: &Truth, seen: &Seen, need: Need, found: &mut Vec<String>) {
    let (subject, scope, email) = match (&truth.brought, need) {
        (Brought::Token { subject, scope, email }, Need::Maybe | Need::Somebody | Need::Scope(_)) => {
            (Some(subject.as_str()), scope.as_deref(), email.as_deref())
        }
        _ => (None, None, None),
    };
    for (name, claim) in [("X-Auth-User", subject), ("X-Auth-Email", email)] {
        let expected: Vec<Vec<u8>> = claim.into_iter().map(encoded).collect();
        if seen.folded(name) != expected {
            found.push(format!("I2: {name} is {:?}, not {expected:?}", seen.folded(name)));
        }
    }
    let words = |text: &[u8]| {
        let text = String::from_utf8_lossy(text).into_owned();
        text.split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let scopes = seen.folded("X-Auth-Scopes");
    let told = scopes.first().map(|text| words(text)).unwrap_or_default();
    if scopes.len() > 1 || told != words(&encoded(scope.unwrap_or_default())) {
        found.push(format!("I2: X-Auth-Scopes is {scopes:?}, not {scope:?}"));
    }
}

/// I2: what else is ours alone to say.
fn judge_headers(truth: &Truth, seen: &Seen, https: bool, found: &mut Vec<String>) {
    for name in OURS {
        if !seen.folded(name).is_empty() {
            found.push(format!("I2: {name} reached the upstream"));
        }
    }
    let proto: &[u8] = if https { b"https" } else { b"http" };
    for (name, ours) in [
        ("X-Forwarded-For", &b"127.0.0.1"[..]),
        ("X-Forwarded-Proto", proto),
        ("X-Forwarded-Host", &truth.host),
    ] {
        if seen.folded(name) != [ours] {
            found.push(format!("I2: {name} is {:?}", seen.folded(name)));
        }
    }
    let id = seen.folded("X-Request-Id");
    if id.len() != 1 || id[0].is_empty() || memchr::memmem::find(id[0], b"evil").is_some() {
        found.push(format!("I2: X-Request-Id is {id:?}"));
    }
    if seen.folded("Content-Length").len() + seen.folded("Transfer-Encoding").len() > 1 {
        found.push("I4: two ways to find the end, or one that a backend may take for another".to_owned());
    }
}

/// The answers: in order, one each at most, each its own request's, without a secret and without a failure of ours.
fn judge_answers(sent: &Sent, seen: &[Seen], heard: &Heard, found: &mut Vec<String>) {
    if heard.hung {
        found.push("I6: neither an answer nor an end in time".to_owned());
    }
    if heard.answers.len() > sent.truths.len() {
        found.push(format!("I4: {} answers to {} requests", heard.answers.len(), sent.truths.len()));
    }
    for (truth, answer) in sent.truths.iter().zip(&heard.answers) {
        if answer.status >= 500 {
            found.push(format!("I3: {} for {}: {}", answer.status, truth.marker, answer.text()));
        }
        match answer.values(ECHO)[..] {
            [] => {}
            [echo] if echo == truth.marker => {
                if !seen.iter().any(|seen| seen.marker() == Some(echo)) {
                    found.push(format!("I4: an answer to {echo}, which nobody saw"));
                }
            }
            ref other => found.push(format!("I4: {} got the answer to {other:?}", truth.marker)),
        }
    }
    for secret in &sent.secrets {
        if memchr::memmem::find(&heard.bytes, secret.as_bytes()).is_some() {
            found.push(format!("I5: an answer repeats {secret}"));
        }
    }
}

/// A claim as it stands in a header: visible ASCII and spaces, but `%` and `,`; everything else as `%XX`.
fn encoded(claim: &str) -> Vec<u8> {
    let encode = |byte| match byte {
        b'%' | b',' | 0..=0x1f | 0x7f..=0xff => format!("%{byte:02X}").into_bytes(),
        plain => vec![plain],
    };
    claim.bytes().flat_map(encode).collect()
}
