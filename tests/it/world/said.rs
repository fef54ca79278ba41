//! What did the gateway say, and what was it told in confidence? Kept for the search that ends a whole run.
//!
//! `tests/run` names the folder (`GATEPASS_KEEP`); without it nothing is kept. A process appends what it heard to a
//! file of its own in `said/`: a line `#SOURCE LENGTH`, that many bytes, a line end. What is secret it notes in
//! `secrets/`, a line `KIND "JSON string"` each: whatever a client sends as a credential is taken from the wire, so that no
//! test has to name it. tests/e2e/leaks.py reads both.
//!
//! One thing is left out by where it comes from: the token in the answer that hands it out, in its body or its cookie.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{LazyLock, Mutex, Once};

use serde_json::Value;

/// The most that is kept of one answer or one request.
const MOST_OF_ONE: usize = 64 * 1024;
/// The most that one process keeps.
const MOST: usize = 32 * 1024 * 1024;

struct Kept {
    said: File,
    secrets: File,
    room: usize,
    known: HashSet<(&'static str, String)>,
}

static KEPT: LazyLock<Option<Mutex<Kept>>> = LazyLock::new(|| {
    let folder = std::env::var_os("GATEPASS_KEEP")?;
    let open = |kind: &str| {
        let folder = Path::new(&folder).join(kind);
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("it-{}", std::process::id()));
        File::options().create(true).append(true).open(file).unwrap()
    };
    let (said, secrets) = (open("said"), open("secrets"));
    Some(Mutex::new(Kept { said, secrets, room: MOST, known: HashSet::new() }))
});

fn kept(act: impl FnOnce(&mut Kept)) {
    if let Some(kept) = KEPT.as_ref() {
        act(&mut kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

/// Keeps what was said.
pub(crate) fn heard(source: &str, bytes: &[u8]) {
    kept(|kept| {
        let bytes = &bytes[..bytes.len().min(MOST_OF_ONE)];
        if bytes.is_empty() || kept.room < bytes.len() {
            return;
        }
        kept.room -= bytes.len();
        let mut record = format!("#{source} {}\n", bytes.len()).into_bytes();
        record.extend_from_slice(bytes);
        record.push(b'\n');
        kept.said.write_all(&record).unwrap();
    });
}

/// Keeps an answer's head and body; `asked` is its request line.
pub(crate) fn answer(asked: &[u8], head: &str, body: &[u8]) {
    if KEPT.is_none() {
        return;
    }
    let hands_out = [&b"POST /token"[..], b"POST /user/signin", b"POST /auth/password"]
        .iter()
        .any(|line| asked.starts_with(line));
    let mut text = without_cookie(head).into_bytes();
    match serde_json::from_slice::<Value>(body) {
        Ok(mut json) if hands_out && json["access_token"].is_string() => {
            secret("token", json["access_token"].as_str().expect("it is a string"));
            json["access_token"] = Value::Null;
            text.extend(json.to_string().bytes());
        }
        _ => text.extend_from_slice(&body[..body.len().min(MOST_OF_ONE)]),
    }
    heard("answer", &text);
}

/// What the name of a cookie begins with that may carry a token.
const COOKIE: &str = "__Host-";

/// A head without the token that its `Set-Cookie` hands out.
fn without_cookie(head: &str) -> String {
    let mut pieces = head.split(COOKIE);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text.push_str(COOKIE);
        let value = piece.find('=').map_or(piece.len(), |at| at + 1);
        let end = piece[value..].find([';', '"', '\r', '\n']).map_or(piece.len(), |at| value + at);
        text.push_str(&piece[..value]);
        // What a form repeats is no token.
        let is_token = piece[value..end].contains('.');
        if is_token {
            secret("token", &piece[value..end]);
        }
        text.push_str(&piece[if is_token { end } else { value }..]);
    }
    text
}

/// Keeps what a command printed; `out` only unless it was asked for a secret.
pub(crate) fn printed(args: &[&str], out: &[u8], err: &[u8]) {
    let asked = matches!(args, ["token", "mint", ..] | ["user", "export", ..] | ["hash" | "init", ..]);
    if !asked {
        heard("stdout", out);
    }
    heard("stderr", err);
}

/// The request line, if that is what these bytes begin with: a body may be sent by itself.
pub(crate) fn request_line(bytes: &[u8]) -> Option<&[u8]> {
    let line = bytes[..bytes.len().min(MOST_OF_ONE)].split(|&byte| byte == b'\r').next()?;
    line.windows(6).any(|word| word == b" HTTP/").then_some(line)
}

/// Notes a secret. What is as short as a word is a word.
pub(crate) fn secret(kind: &'static str, value: &str) {
    if value.len() < if kind == "token" { 16 } else { 8 } {
        return;
    }
    kept(|kept| {
        if kept.known.insert((kind, value.to_owned())) {
            let line = format!("{kind} {}\n", Value::from(value));
            kept.secrets.write_all(line.as_bytes()).unwrap();
        }
    });
}

/// Notes every credential in a request, or in a piece of one.
pub(crate) fn told(bytes: &[u8]) {
    if KEPT.is_none() {
        return;
    }
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_OF_ONE)]);
    for line in text.lines() {
        field(line);
    }
    let body = text.split_once("\r\n\r\n").map_or(&*text, |(_, body)| body);
    if let Ok(Value::Object(json)) = serde_json::from_str(body) {
        for name in ["password", "old_password", "current_password", "new_password"] {
            secret("password", json.get(name).and_then(Value::as_str).unwrap_or_default());
        }
    }
    // The query of the first line, and a form.
    let query = text.split_once('?').map_or("", |(_, rest)| rest.split(' ').next().unwrap_or_default());
    for pairs in [query, body] {
        for (name, value) in form_urlencoded::parse(pairs.as_bytes()) {
            match &*name {
                "password" | "client_secret" => secret("password", &value),
                "token" | "access_token" | "refresh_token" => secret("token", &value),
                _ => {}
            }
        }
    }
}

/// Notes the credential in a header field.
pub(crate) fn field(line: &str) {
    let Some((name, value)) = line.split_once(':') else { return };
    if name.eq_ignore_ascii_case("authorization") {
        let value = value.trim();
        secret("token", value.split_once(' ').map_or(value, |(_, token)| token.trim()));
    } else if name.eq_ignore_ascii_case("cookie") {
        for (name, value) in value.split(';').filter_map(|pair| pair.split_once('=')) {
            if name.trim().starts_with(COOKIE) && value.contains('.') {
                secret("token", value.trim());
            }
        }
    } else if let Some((_, token)) = value.split_once("gatepass.bearer.") {
        secret("token", token.split(',').next().unwrap_or_default().trim());
    }
}

/// Passes on what it reads, and keeps it, in whole lines.
pub(crate) struct Listening<R> {
    source: &'static str,
    from: R,
    line: Vec<u8>,
}

impl<R> Listening<R> {
    pub(crate) fn to(source: &'static str, from: R) -> Self {
        Self { source, from, line: Vec::new() }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.line.extend_from_slice(bytes);
        if let Some(end) = self.line.iter().rposition(|&byte| byte == b'\n') {
            heard(self.source, &self.line[..=end]);
            self.line.drain(..=end);
        }
    }
}

impl<R: Read> Read for Listening<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.hear(&buffer[..read]);
        Ok(read)
    }
}

impl<R> Drop for Listening<R> {
    fn drop(&mut self) {
        heard(self.source, &self.line);
    }
}

/// Where a log is written in whole lines.
pub(crate) struct Ear(pub(crate) &'static str);

impl Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        heard(self.0, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on keeps what gateways in this process log, down to their traces, and what panics in them say.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if KEPT.is_none() {
            return;
        }
        // What the libraries may say is what they may say in a gateway.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(gatepass::observe::log_filter("trace"))
            .with_writer(|| Ear("log"))
            .with_ansi(false)
            .try_init();
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // A test that fails may show what it likes.
            if panic.location().is_none_or(|place| !place.file().starts_with("tests/")) {
                heard("panic", panic.to_string().as_bytes());
            }
            usual(panic);
        }));
    });
}
