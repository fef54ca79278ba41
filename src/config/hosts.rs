//! Hosts as the file writes them: one form only, so that two lines never mean the same.

use super::problem::Span;
use super::reading::Reading;
use super::section::{At, Section};
use crate::route::Host;

/// Reads `host` of a route, and where it stands.
pub(super) fn host(reading: &mut Reading, section: &mut Section<'_>) -> Option<(Host, Span)> {
    let text = section.string(reading, "host", "\"app.example.org\"")?;
    let span = text.span.clone();
    Some((written(reading, text, "host = ")?, span))
}

/// Reads `hosts` of `[routing]`: those that are served; none is all of them.
pub(super) fn hosts(reading: &mut Reading, section: &mut Section<'_>) -> Vec<Host> {
    let Some(list) = section.strings(reading, "hosts", "[\"app.example.org\"]") else { return Vec::new() };
    if list.value.is_empty() {
        let help = "name at least one, or leave `hosts` out: then every host is served";
        reading.problems.error(list.span, "no host at all would be served", help);
    }
    list.value.into_iter().filter_map(|text| written(reading, text, "")).collect()
}

fn written(reading: &mut Reading, text: At<&str>, key: &str) -> Option<Host> {
    match Host::parse(text.value.as_bytes()) {
        Ok(host) if host.as_str() == text.value => return Some(host),
        Ok(host) => {
            let help = format!("lower case, without port and final dot: {key}\"{}\"", host.as_str());
            reading.problems.error(text.span, "this is not how a host is written here", help);
        }
        Err(_) => {
            let help = format!("{key}\"app.example.org\"");
            reading.problems.error(text.span, "this is not a host", help);
        }
    }
    None
}
