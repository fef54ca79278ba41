//! How is one request written down? One JSON object on one line (RFC 8259).
//!
//! Written by hand, because every request is: a general serializer took a tenth of what Gatepass adds to a request.
//! Only a text with something to escape goes through one.

use std::borrow::Cow;
use std::cell::RefCell;
use std::time::Duration;

use memchr::memmem;
use time::OffsetDateTime;
use time::macros::format_description;

use super::AccessEntry;
use crate::clock::UnixTime;

const SECOND: &[time::format_description::BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

thread_local! {
    /// The second a busy thread is in, and its text: thousands of lines share it.
    static LAST: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
}

/// Adds the line, with its end.
pub(super) fn write(line: &mut Vec<u8>, entry: &AccessEntry<'_>) {
    line.extend_from_slice(b"{\"time\":\"");
    moment(line, entry.time);
    line.extend_from_slice(b"\"");
    text(line, b",\"request_id\":", entry.request_id);
    match entry.client {
        Some(client) => text(line, b",\"client\":", client),
        None => line.extend_from_slice(b",\"client\":null"),
    }
    text(line, b",\"method\":", entry.method);
    text(line, b",\"path\":", &without_tokens(entry.path));
    text(line, b",\"route\":", entry.route);
    number(line, b",\"status\":", u64::from(entry.status));
    text(line, b",\"decision\":", entry.decision);
    text(line, b",\"reason\":", entry.reason);
    for (name, value) in [
        (&b",\"subject\":"[..], entry.subject),
        (b",\"issuer\":", entry.trusted),
        (b",\"upstream\":", entry.upstream),
        (b",\"detail\":", entry.detail),
    ] {
        if let Some(value) = value {
            text(line, name, value);
        }
    }
    number(line, b",\"bytes\":", entry.bytes as u64);
    millis(line, b",\"duration_ms\":", entry.duration);
    millis(line, b",\"auth_ms\":", entry.auth.unwrap_or_default());
    if let Some(time) = entry.upstream_time {
        millis(line, b",\"upstream_ms\":", time);
    }
    line.extend_from_slice(b"}\n");
}

/// The path, with whatever looks like a token in it left out: a client that puts its token there has told every proxy on
/// the way, but it need not be kept here.
fn without_tokens(path: &str) -> Cow<'_, str> {
    // How the header of a token begins: `{"` in base64url (RFC 7519 §3.1).
    const BEGINNING: &[u8] = b"eyJ";
    let mut rest = path;
    let mut kept = String::new();
    while let Some(at) = memmem::find(rest.as_bytes(), BEGINNING) {
        let found = &rest[at..];
        let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let end = found.bytes().position(|byte| !is_inside(byte)).unwrap_or(found.len());
        let (found, after) = found.split_at(end);
        kept.push_str(&rest[..at]);
        kept.push_str(if found.contains('.') { "(token)" } else { found });
        rest = after;
    }
    if kept.is_empty() && rest.len() == path.len() {
        return Cow::Borrowed(path);
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

fn text(line: &mut Vec<u8>, name: &[u8], value: &str) {
    line.extend_from_slice(name);
    // Without an early end, so that the compiler compares many bytes at once.
    let special = |b: u8| b < 0x20 || b == b'"' || b == b'\\' || b == 0x7f;
    if value.bytes().fold(false, |found, b| found | special(b)) {
        // Writing a text to memory cannot fail.
        let _ = serde_json::to_writer(line, value);
    } else {
        line.push(b'"');
        line.extend_from_slice(value.as_bytes());
        line.push(b'"');
    }
}

fn number(line: &mut Vec<u8>, name: &[u8], value: u64) {
    line.extend_from_slice(name);
    line.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Milliseconds to three places: a microsecond is as fine as it means anything.
fn millis(line: &mut Vec<u8>, name: &[u8], value: Duration) {
    let micros = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
    number(line, name, micros / 1000);
    line.push(b'.');
    thousandths(line, micros % 1000);
}

fn thousandths(line: &mut Vec<u8>, value: u64) {
    for place in [100, 10, 1] {
        line.push(b'0' + (value / place % 10) as u8);
    }
}

/// RFC 3339, UTC, milliseconds.
fn moment(line: &mut Vec<u8>, time: UnixTime) {
    LAST.with_borrow_mut(|(second, text)| {
        if *second != time.secs() {
            *second = time.secs();
            *text = second_text(*second);
        }
        line.extend_from_slice(text.as_bytes());
    });
    line.push(b'.');
    thousandths(line, time.millis() % 1000);
    line.push(b'Z');
}

/// The empty text for a second beyond the year 9999, which no clock shows.
fn second_text(second: u64) -> String {
    let moment =
        i64::try_from(second).ok().and_then(|second| OffsetDateTime::from_unix_timestamp(second).ok());
    moment.and_then(|moment| moment.format(&SECOND).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::without_tokens;

    #[test]
    fn a_token_in_a_path_is_not_kept() {
        for (path, kept) in [
            ("/event/1", "/event/1"),
            ("/eyJ/eyJhbGciOi", "/eyJ/eyJhbGciOi"),
            ("/t/eyJhbGciOi.eyJpc3Mi.c2ln/x", "/t/(token)/x"),
            ("/eyJhbGciOi.eyJpc3Mi.c2ln", "/(token)"),
            ("eyJhbGciOi.eyJpc3Mi", "(token)"),
            ("/a=eyJhbGciOi.eyJpc3Mi.c2ln;b=eyJh.\u{e9}", "/a=(token);b=(token)\u{e9}"),
        ] {
            assert_eq!(without_tokens(path), kept);
        }
    }
}
