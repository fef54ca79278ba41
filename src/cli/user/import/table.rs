//! What does each row of a CSV file say? (RFC 4180, in UTF-8, with a header that names its columns.)
//!
//! Cells are taken as they are: one that begins with `=` or `@` is a text here, whatever a spreadsheet makes of it.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use csv::{ByteRecord, ErrorKind, ReaderBuilder, Terminator};
use serde_json::Value;

use super::super::super::Failure;
use super::MOST;
use super::row::{CLAIM, JSON, NAMES, Refusal, Row};
use crate::identity::Claims;

/// A column: under which name its cells go, and whether they are JSON.
#[derive(Debug, PartialEq, Eq)]
struct Column {
    name: String,
    json: bool,
}

/// The rows below the header.
pub(super) struct Table<R> {
    reader: csv::Reader<Bounded<R>>,
    source: Rc<Source>,
    columns: Vec<Column>,
    record: ByteRecord,
}

impl<R: Read> Table<R> {
    /// Reads the header.
    pub(super) fn begin(from: R) -> Result<Self, Failure> {
        let source = Rc::new(Source::default());
        let from = Bounded { from, source: Rc::clone(&source) };
        // A line ends with its line feed, so that lines can be counted; a carriage return before it is taken off here.
        let terminator = Terminator::Any(b'\n');
        let reader =
            ReaderBuilder::new().has_headers(false).flexible(true).terminator(terminator).from_reader(from);
        let mut this = Self { reader, source, columns: Vec::new(), record: ByteRecord::new() };
        let there = this.record()?;
        let header: Result<Vec<&str>, _> = this.record.iter().map(std::str::from_utf8).collect();
        let header =
            header.map_err(|_| Failure::usage("the header is not UTF-8").help("save the file as UTF-8"))?;
        let columns = columns(&header).map_err(|why| {
            let names = NAMES[..7].join(", ");
            Failure::usage(why).help(format!(
                "the first line names the columns, with commas between: {names}, claim:NAME, json:NAME"
            ))
        })?;
        debug_assert!(there || columns.is_empty(), "a header without columns is refused");
        this.columns = columns;
        Ok(this)
    }

    /// The next row.
    pub(super) fn next(&mut self) -> Result<Option<Row>, Failure> {
        if !self.record()? {
            return Ok(None);
        }
        // The parser tells where it stands after the row, lines in its cells and its end included.
        let inside = memchr::memchr_iter(b'\n', self.record.as_slice()).count() as u64;
        let end = u64::from(!self.source.ended.get());
        let line = self.reader.position().line().saturating_sub(inside + end);
        Ok(Some(Row { line, said: self.said() }))
    }

    /// Reads a record that is no empty line; false at the end.
    fn record(&mut self) -> Result<bool, Failure> {
        while self.any_record()? {
            if self.record.len() != 1 || &self.record[0] != b"\r" {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn any_record(&mut self) -> Result<bool, Failure> {
        let line = self.reader.position().line();
        // What is read ahead for the next is little beside that.
        self.source.left.set(2 * MOST);
        self.reader.read_byte_record(&mut self.record).map_err(|error| match error.kind() {
            ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => Failure::no(format!(
                "the row that begins at line {line} is longer than {} KiB: is a quote not closed?",
                MOST / 1024
            ))
            .help("mend it, then run the same command again: who is there already is skipped"),
            ErrorKind::Io(error) => super::unreadable(error),
            _ => Failure::no(format!("line {line} is not a row of a CSV file")).help("see RFC 4180"),
        })
    }

    fn said(&self) -> Result<Vec<(String, Value)>, Refusal> {
        let (cells, columns) = (self.record.len(), self.columns.len());
        if cells != columns {
            return Err(Refusal::whole(format!("has {cells} cells under {columns} columns")));
        }
        let mut said: Vec<(String, Value)> = Vec::with_capacity(columns);
        for (at, (cell, Column { name, json })) in self.record.iter().zip(&self.columns).enumerate() {
            let last = Some(cell).filter(|_| at + 1 == columns).and_then(|cell| cell.strip_suffix(b"\r"));
            let cell = last.unwrap_or(cell);
            let cell = std::str::from_utf8(cell).map_err(|_| Refusal::of(name, "is not UTF-8"))?;
            let value = match cell {
                "" => Value::Null,
                cell if *json => serde_json::from_str(cell).map_err(|_| Refusal::of(name, "is not JSON"))?,
                cell => Value::from(cell),
            };
            match said.iter_mut().find(|(found, _)| found == name) {
                None => said.push((name.clone(), value)),
                Some((_, first)) if first.is_null() => *first = value,
                Some(_) if value.is_null() => {}
                Some(_) => return Err(Refusal::of(name, "is there as text and as JSON")),
            }
        }
        Ok(said)
    }
}

/// The columns, or what is wrong with the header. What stands there is repeated only where it is like a name there is: a
/// file without a header begins with somebody's hash.
fn columns(header: &[&str]) -> Result<Vec<Column>, String> {
    let mut found: Vec<Column> = Vec::new();
    for (at, name) in header.iter().enumerate() {
        let (name, number) = (name.trim(), at + 1);
        let (json, plain) = match name.strip_prefix(JSON) {
            Some(claim) => (true, format!("{CLAIM}{claim}")),
            None => (false, name.to_owned()),
        };
        if let Some(claim) = plain.strip_prefix(CLAIM) {
            Claims::check_name(claim).map_err(|bad| format!("the claim of column {number} {bad}"))?;
        } else if !NAMES.contains(&name) {
            let like =
                NAMES.iter().find(|known| strsim::damerau_levenshtein(known, &name.to_lowercase()) <= 2);
            let hint = like.map_or_else(String::new, |known| format!(": did you mean `{known}`?"));
            return Err(format!("column {number} has no name there is{hint}"));
        }
        let column = Column { name: plain, json };
        if found.contains(&column) {
            return Err(format!("column {number} has a name that stands there twice, `{}`", shown(name)));
        }
        found.push(column);
    }
    if !found.iter().any(|column| column.name == "login") {
        return Err("there is no column `login`".to_owned());
    }
    Ok(found)
}

/// A name from the file, as far as it should be repeated.
pub(super) fn shown(name: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || "_-.:/".contains(*c);
    if name.len() <= 70 && name.chars().all(|c| plain(&c)) { name.to_owned() } else { "?".to_owned() }
}

/// What reader and table know of the file together.
#[derive(Default)]
struct Source {
    /// How much may still be read for the present row.
    left: Cell<usize>,
    /// Whether the file came to its end: within a row, if one was read after that.
    ended: Cell<bool>,
}

/// Gives no more than is left.
struct Bounded<R> {
    from: R,
    source: Rc<Source>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.left.get();
        if left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = buffer.len().min(left);
        let read = self.from.read(&mut buffer[..most])?;
        self.source.left.set(left - read);
        self.source.ended.set(read == 0);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(text: &[u8]) -> String {
        match Table::begin(text) {
            Err(Failure::Told { message, .. }) => message,
            _ => panic!("{text:?} was taken"),
        }
    }

    fn rows(text: &[u8]) -> Vec<(u64, Result<Value, Refusal>)> {
        let Ok(mut table) = Table::begin(text) else { panic!("{text:?}") };
        std::iter::from_fn(|| table.next().unwrap_or_else(|_| panic!("{text:?}")))
            .map(|row| (row.line, row.said.map(|said| said.into_iter().collect())))
            .collect()
    }

    #[test]
    fn headers_are_read_in_one_way() {
        assert!(refused(b"").contains("no column `login`"));
        assert!(refused(b"email,id\n").contains("no column `login`"));
        assert!(refused(b"login,Passwordhash\n").contains("did you mean `password_hash`"));
        assert!(refused(b"login,login\n").contains("twice, `login`"));
        assert!(refused(b"login,claim:sub\n").contains("column 2 has a name that tokens use"));
        let hash = refused(b"ada,$2b$10$hunter2\nbob,x\n");
        assert!(hash.contains("column 1") && !hash.contains("hunter2"), "{hash}");
        assert!(refused("login,e\u{ff}".as_bytes()).contains("column 2"));
        assert!(refused(b"login,\xff\n").contains("not UTF-8"));
    }

    #[test]
    fn cells_are_taken_as_they_are() {
        let text = b"\xef\xbb\xbflogin, claim:team ,json:team,json:n\r\n\"a,\"\"b\",=1+1,,7\r\n\n-x,,\"[\"\"y\"\"]\",\r\n";
        assert_eq!(
            rows(text),
            [
                (2, Ok(json!({"login": "a,\"b", "claim:team": "=1+1", "claim:n": 7}))),
                (4, Ok(json!({"login": "-x", "claim:team": ["y"], "claim:n": null}))),
            ]
        );
    }

    #[test]
    fn a_row_of_another_shape_keeps_nobody_else_out() {
        let found = rows(b"login,claim:x,json:x\na\nb,,\nc,1,2\n\xff,,\nd,,{\n\"e\nf\",,\ng,,\n");
        let lines: Vec<(u64, bool)> = found.iter().map(|(line, said)| (*line, said.is_ok())).collect();
        assert_eq!(lines, [(2, false), (3, true), (4, false), (5, false), (6, false), (7, true), (9, true)]);
        assert_eq!(found[0].1, Err(Refusal::whole("has 1 cells under 3 columns")));
    }

    #[test]
    fn a_row_without_an_end_is_not_read_to_its_end() {
        let endless = || io::repeat(b'x');
        let Ok(mut table) = Table::begin((&b"login\na\n\"b"[..]).chain(endless())) else { panic!() };
        assert!(table.next().is_ok());
        let Err(Failure::Told { message, .. }) = table.next() else { panic!("it was taken") };
        assert!(message.contains("line 3 is longer than 64 KiB"), "{message}");
        assert!(Table::begin(endless()).is_err());
    }
}
