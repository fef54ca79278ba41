//! What came of it all: so that one sees that the requests were not all refused, and that nothing was left untried.

use std::collections::BTreeMap;
use std::fmt;

use super::judge::Heard;
use super::readers::readings;
use super::request::Sent;
use super::rights::{Brought, Need, need};
use super::upstream::Seen;

/// Outcomes, counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) requests: u64,
    pub(super) connections: u64,
    /// Of what was forwarded, how much was not the first on its connection.
    pub(super) later: u64,
    pub(super) forwarded: BTreeMap<&'static str, u64>,
    pub(super) answers: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn add(&mut self, sent: &Sent, seen: &[Seen], heard: &Heard) {
        self.connections += 1;
        self.requests += sent.truths.len() as u64;
        for request in seen.iter().filter(|request| request.complete) {
            let target = request.line.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
            let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
            let truth = sent.truths.iter().find(|truth| request.marker() == Some(&truth.marker));
            let Some(truth) = truth else { continue };
            let class = match (need(&truth.method, &readings(path)[0].1), &truth.brought) {
                (Need::Nothing, Brought::Nothing) => "public, no credential",
                (Need::Nothing, _) => "public, with credentials",
                (Need::Maybe, Brought::Nothing) => "optional, anonymous",
                (Need::Maybe, _) => "optional, with a token",
                (Need::Somebody, _) => "authenticated",
                (Need::Scope(_) | Need::Never, _) => "with a scope",
            };
            self.later += u64::from(!truth.marker.ends_with("-0"));
            *self.forwarded.entry(class).or_default() += 1;
        }
        for answer in &heard.answers {
            *self.answers.entry(word(answer.status, &answer.text())).or_default() += 1;
        }
        let silent = sent.truths.len().saturating_sub(heard.answers.len()) as u64;
        *self.answers.entry("the connection's end".to_owned()).or_default() += silent;
    }

    pub(super) fn all_forwarded(&self) -> u64 {
        self.forwarded.values().sum()
    }

    /// The classes of `wanted` that nothing came to.
    pub(super) fn missing<'w>(&self, wanted: &[&'w str]) -> Vec<&'w str> {
        let reached = |class: &&&str| {
            self.forwarded.contains_key(**class) || self.answers.keys().any(|answer| answer.contains(**class))
        };
        wanted.iter().filter(|class| !reached(class)).copied().collect()
    }
}

/// The status, and the reason's word where it is told.
fn word(status: u16, body: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let told = json["error_description"].as_str().unwrap_or_default();
    format!("{status} {}", told.split(':').next().unwrap_or_default()).trim_end().to_owned()
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} requests on {} connections", self.requests, self.connections)?;
        writeln!(f, "forwarded: {}, {} of them behind another request", self.all_forwarded(), self.later)?;
        for (class, count) in &self.forwarded {
            writeln!(f, "  {count:>9} {class}")?;
        }
        writeln!(f, "answered:")?;
        for (answer, count) in &self.answers {
            writeln!(f, "  {count:>9} {answer}")?;
        }
        Ok(())
    }
}
