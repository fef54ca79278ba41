//! `websocket`, `token_query` and `idle_timeout` of a `[[route]]`: what may stay open, and for how long?

use std::time::Duration;

use super::limits::TIMES;
use super::reading::Reading;
use super::section::Section;
use crate::route::StreamRules;

/// Reads the keys of one route.
pub(super) fn streams(reading: &mut Reading, section: &mut Section<'_>) -> StreamRules {
    let websocket = section.boolean(reading, "websocket").is_some_and(|found| found.value);
    let idle = section.duration(reading, "idle_timeout", Duration::from_secs(3600), TIMES);
    StreamRules {
        websocket,
        token_query: token_query(reading, section, websocket),
        idle_timeout: idle.map(|idle| idle.value),
    }
}

/// The parameter's name, which nobody may have to decode.
fn token_query(reading: &mut Reading, section: &mut Section<'_>, websocket: bool) -> Option<Box<str>> {
    let name = section.string(reading, "token_query", "\"access_token\"")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    if name.value.is_empty() || !name.value.chars().all(plain) {
        let help = "letters, digits, and - . _ ~: token_query = \"access_token\"";
        reading.problems.error(name.span, "this cannot name a query parameter", help);
        return None;
    }
    if !websocket {
        let help = "add websocket = true, or remove it: other requests bring their token in `Authorization`";
        reading.problems.error(
            name.span,
            "only a WebSocket handshake may bring its token in the query",
            help,
        );
        return None;
    }
    Some(name.value.into())
}
