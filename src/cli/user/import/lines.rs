//! What does each line of a file say? JSON objects, and lines of `login:hash`; a line that is too long is refused, and not
//! kept.

use std::io::{self, BufRead};

use serde_json::Value;

use super::row::{CLAIM, NAMES, Refusal, Row};
use super::{MOST, table};
use crate::endpoint::Members;
use crate::identity::Claims;

type Said = Vec<(String, Value)>;

/// The lines of a file.
pub(super) struct Lines<R> {
    from: R,
    at: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn of(from: R) -> Self {
        Self { from, at: 0, line: Vec::new() }
    }

    /// The next line that says something.
    pub(super) fn next(
        &mut self,
        read: fn(&str) -> Result<Option<Said>, Refusal>,
    ) -> io::Result<Option<Row>> {
        while let Some(whole) = self.line()? {
            let said = if whole { self.text().and_then(read) } else { Err(too_long()) };
            if let Some(said) = said.transpose() {
                return Ok(Some(Row { line: self.at, said }));
            }
        }
        Ok(None)
    }

    /// Reads a line; whether it was short enough to be kept. None at the end.
    fn line(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        let (mut any, mut whole) = (false, true);
        loop {
            let chunk = match self.from.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = memchr::memchr(b'\n', chunk);
            let taken = &chunk[..end.unwrap_or(chunk.len())];
            whole &= self.line.len() + taken.len() <= MOST;
            if whole {
                self.line.extend_from_slice(taken);
            }
            let used = taken.len() + usize::from(end.is_some());
            self.from.consume(used);
            if end.is_some() {
                break;
            }
        }
        self.at += u64::from(any);
        Ok(any.then_some(whole))
    }

    fn text(&self) -> Result<&str, Refusal> {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let line = if self.at == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        std::str::from_utf8(line).map_err(|_| Refusal::whole("is not UTF-8"))
    }
}

fn too_long() -> Refusal {
    Refusal::whole(format!("is longer than {} KiB", MOST / 1024))
}

/// A line of JSON.
pub(super) fn object(line: &str) -> Result<Option<Said>, Refusal> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let Members(members) =
        serde_json::from_str(line).map_err(|_| Refusal::whole("is not a JSON object on one line"))?;
    for (at, (name, _)) in members.iter().enumerate() {
        if let Some(claim) = name.strip_prefix(CLAIM) {
            Claims::check_name(claim).map_err(|bad| Refusal::of(&table::shown(name), bad.to_string()))?;
        } else if !NAMES.contains(&name.as_str()) {
            return Err(Refusal::of(&table::shown(name), "is not a name there is"));
        }
        if members[..at].iter().any(|(other, _)| other == name) {
            return Err(Refusal::of(name, "is there more than once"));
        }
    }
    Ok(Some(members))
}

/// A line of an htpasswd file: `login:hash`, and perhaps more behind another colon.
pub(super) fn htpasswd(line: &str) -> Result<Option<Said>, Refusal> {
    if line.trim().is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (login, rest) = line.split_once(':').ok_or_else(|| Refusal::whole("has no colon"))?;
    let hash = rest.split(':').next().unwrap_or_default().trim_end();
    Ok(Some(vec![("login".to_owned(), Value::from(login)), ("password_hash".to_owned(), Value::from(hash))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(
        text: &[u8],
        read: fn(&str) -> Result<Option<Said>, Refusal>,
    ) -> Vec<(u64, Result<Said, String>)> {
        let mut lines = Lines::of(io::BufReader::with_capacity(7, text));
        std::iter::from_fn(|| lines.next(read).unwrap())
            .map(|row| (row.line, row.said.map_err(|refusal| refusal.why)))
            .collect()
    }

    #[test]
    fn lines_are_counted_and_bounded() {
        let long = vec![b'x'; 10 << 20];
        let text =
            [&b"\xef\xbb\xbf{\"login\":\"a\"}\r\n\n"[..], &long, b"\n{\"login\":\"b\"}\n\xff\n{}"].concat();
        let found = rows(&text, object);
        assert_eq!(found[0], (1, Ok(vec![("login".to_owned(), Value::from("a"))])));
        assert_eq!(found[1], (3, Err("is longer than 64 KiB".to_owned())));
        assert_eq!(found[2].0, 4);
        assert_eq!(found[3], (5, Err("is not UTF-8".to_owned())));
        assert_eq!(found[4], (6, Ok(Vec::new())));
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn objects_are_read_in_one_way() {
        for bad in [
            "[]",
            "{",
            "7",
            "{\"login\":1}{}",
            "{\"login\":1,\"login\":2}",
            "{\"is_staff\":true}",
            "{\"claim:sub\":1}",
        ] {
            assert!(rows(bad.as_bytes(), object)[0].1.is_err(), "{bad}");
        }
    }

    #[test]
    fn htpasswd_lines() {
        let found = rows(b"# comment\n\nada:$2y$05$x:more\nnothing\n", htpasswd);
        let members = found[0].1.as_ref().unwrap();
        assert_eq!((found[0].0, &members[0].1, &members[1].1), (3, &"ada".into(), &"$2y$05$x".into()));
        assert_eq!(found[1], (4, Err("has no colon".to_owned())));
    }
}
