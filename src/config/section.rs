//! What does this section hold? A typed reader over one table of the file.
//!
//! It remembers the keys it was asked for; [`Section::finish`] complains of every other key, and of the needed ones that
//! are not there. Every getter (those of values are in `typed`) reports a wrong type or value itself, with an example of
//! a right one.

mod typed;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Span;
use super::reading::Reading;
use super::{later, mask};

pub(super) use typed::as_string;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// One table of the file, or its absence.
pub(super) struct Section<'a> {
    /// As in the file: `tokens`, `upstreams.*`, `route`; empty for the top level.
    name: &'static str,
    /// As a person would write it: `[tokens]`.
    title: String,
    /// Where it begins; `None` when it is not there.
    pub(super) header: Option<Span>,
    table: Option<&'a DeTable<'a>>,
    asked: Vec<&'static str>,
    missing: Vec<(&'static str, &'static str)>,
}

impl<'a> Section<'a> {
    /// The table at `header`.
    pub(super) fn new(name: &'static str, title: String, header: Span, table: &'a DeTable<'a>) -> Self {
        Self { name, title, header: Some(header), table: Some(table), asked: Vec::new(), missing: Vec::new() }
    }

    fn absent(name: &'static str, title: String) -> Self {
        Self { name, title, header: None, table: None, asked: Vec::new(), missing: Vec::new() }
    }

    /// The raw value of `key`.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table?.get(key)
    }

    /// Says that the section is not complete without `key`; `example` is a value for it.
    pub(super) fn need(&mut self, key: &'static str, example: &'static str) {
        if self.table.is_none_or(|table| !table.contains_key(key)) {
            self.missing.push((key, example));
        }
    }

    /// The section `key` below this one; absent is not an error.
    pub(super) fn section(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
        name: &'static str,
    ) -> Section<'a> {
        let title = format!("[{name}]");
        let Some(value) = self.value(key) else { return Section::absent(name, title) };
        if let DeValue::Table(table) = value.get_ref() {
            return Section::new(name, title, value.span(), table);
        }
        reading.wrong_type(value, "a section", &format!("{title} on a line of its own, its keys below"));
        Section::absent(name, title)
    }

    /// The sections `[[key]]`.
    pub(super) fn sections(&mut self, reading: &mut Reading, key: &'static str) -> Vec<Section<'a>> {
        let title = format!("[[{key}]]");
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            reading.wrong_type(value, "a list of sections", &format!("{title} with two brackets"));
            return Vec::new();
        };
        let mut found = Vec::new();
        for element in array {
            if let DeValue::Table(table) = element.get_ref() {
                found.push(Section::new(key, title.clone(), element.span(), table));
            } else {
                reading.wrong_type(element, "a section", &format!("{title} on a line of its own"));
            }
        }
        found
    }

    /// Keys chosen by the user (names of upstreams, of headers), in the order of the file.
    pub(super) fn entries(&self) -> Vec<(At<&'a str>, &'a Spanned<DeValue<'a>>)> {
        let Some(table) = self.table else { return Vec::new() };
        let mut found: Vec<_> = table
            .iter()
            .map(|(key, value)| (At { value: key.get_ref().as_ref(), span: key.span() }, value))
            .collect();
        found.sort_by_key(|(key, _)| key.span.start);
        found
    }

    /// Complains of keys nobody asked for and of needed ones that are not there.
    pub(super) fn finish(self, reading: &mut Reading) {
        for (key, value) in self.entries() {
            if !self.asked.contains(&key.value) {
                self.refuse(reading, &key, value);
            }
        }
        if self.missing.is_empty() {
            return;
        }
        let Some(header) = self.header else {
            let lines: Vec<String> =
                self.missing.iter().map(|(key, example)| format!("{key} = {example}")).collect();
            let message = format!("the section `{}` is missing", self.title);
            reading.problems.missing(None, message, format!("add it:\n{}\n{}", self.title, lines.join("\n")));
            return;
        };
        for (key, example) in &self.missing {
            let message = format!("`{key}` is missing in `{}`", self.title);
            reading.problems.missing(Some(header.clone()), message, format!("add: {key} = {example}"));
        }
    }

    fn refuse(&self, reading: &mut Reading, key: &At<&str>, value: &Spanned<DeValue<'_>>) {
        let place = if self.name.is_empty() { String::new() } else { format!(" in `{}`", self.title) };
        if later::has_key(self.name, key.value) {
            reading.problems.error(
                key.span.clone(),
                format!("`{}`{place} is not available in this version", key.value),
                "remove it: a setting that does nothing must not look as if it did",
            );
            return;
        }
        let hint = suggestion(key.value, &self.asked);
        let harmless = !hint.is_empty() && !hint.contains("secret") && !hint.contains("previous");
        let text = value.get_ref().is_str() || value.get_ref().is_array();
        if text && (mask::sounds_secret(key.value) || (self.name.starts_with("tokens") && !harmless)) {
            reading.problems.mask(value.span());
        }
        let hint = if hint.is_empty() {
            format!("known here: {}", self.asked.join(", "))
        } else {
            hint.trim_start_matches("; ").to_owned()
        };
        reading.problems.error(key.span.clone(), format!("unknown key `{}`{place}", key.value), hint);
    }
}

/// `; did you mean …?`, or nothing.
pub(super) fn suggestion(written: &str, known: &[&str]) -> String {
    let distance = |word: &str| strsim::damerau_levenshtein(&written.to_lowercase(), &word.to_lowercase());
    let best = known.iter().map(|word| (distance(word), *word)).min();
    match best {
        Some((distance, word)) if distance <= (word.len() / 3).max(1) => format!("; did you mean `{word}`?"),
        _ => String::new(),
    }
}
