//! What type is this value? Strings, words, numbers, durations, sizes and lists of a section.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::{At, Section, suggestion};
use crate::config::reading::Reading;
use crate::config::{later, text};

impl<'a> Section<'a> {
    /// A string.
    pub(in crate::config) fn string(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
        example: &str,
    ) -> Option<At<&'a str>> {
        let value = self.value(key)?;
        let found = as_string(value);
        if found.is_none() {
            reading.wrong_type(value, "a string", &format!("{key} = {example}"));
        }
        found
    }

    /// A string that must be there and say something.
    pub(in crate::config) fn needed_string(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
        example: &'static str,
    ) -> Option<At<&'a str>> {
        self.need(key, example);
        let found = self.string(reading, key, example)?;
        if found.value.trim().is_empty() {
            reading.problems.error(found.span, format!("`{key}` is empty"), format!("{key} = {example}"));
            return None;
        }
        Some(found)
    }

    /// One of a few words; the first is the default.
    pub(in crate::config) fn word(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
        words: &[&'static str],
    ) -> Option<At<&'static str>> {
        let found = self.string(reading, key, &format!("\"{}\"", words[0]))?;
        if let Some(word) = words.iter().find(|word| **word == found.value) {
            return Some(At { value: word, span: found.span });
        }
        let list = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ");
        if self.refuse_later(reading, key, &found, &list) {
            return None;
        }
        reading.problems.error(
            found.span,
            format!("`{key}` cannot be this"),
            format!("{key} = {list}{}", suggestion(found.value, words)),
        );
        None
    }

    /// Refuses a value that a later version understands, and says what this one does; says whether it did.
    pub(in crate::config) fn refuse_later(
        &self,
        reading: &mut Reading,
        key: &str,
        found: &At<&str>,
        now: &str,
    ) -> bool {
        let Some(beginning) = later::has_value(self.name, key, found.value) else { return false };
        // Of a URL only the scheme is repeated: the rest may hold a password.
        let shown = beginning.strip_suffix(':').unwrap_or(found.value);
        reading.problems.error(
            found.span.clone(),
            format!("`{shown}` as `{key}` of `{}` is not available in this version", self.title),
            format!("in this version: {key} = {now}"),
        );
        true
    }

    /// `true` or `false`.
    pub(in crate::config) fn boolean(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
    ) -> Option<At<bool>> {
        let value = self.value(key)?;
        if let DeValue::Boolean(found) = value.get_ref() {
            return Some(At { value: *found, span: value.span() });
        }
        reading.wrong_type(value, "true or false", &format!("{key} = true, without quotes"));
        None
    }

    /// A whole number within `range`, or `default`.
    pub(in crate::config) fn integer(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> u64 {
        let Some(value) = self.value(key) else { return default };
        let DeValue::Integer(found) = value.get_ref() else {
            reading.wrong_type(value, "a whole number", &format!("{key} = {default}, without quotes"));
            return default;
        };
        match u64::from_str_radix(found.as_str(), found.radix()) {
            Ok(found) if range.contains(&found) => found,
            _ => {
                let help =
                    format!("a whole number from {} to {}: {key} = {default}", range.start(), range.end());
                reading.problems.error(value.span(), format!("`{key}` is out of range"), help);
                default
            }
        }
    }

    /// A duration with its unit within `range`; `None` if it is not there (or wrong, which is reported).
    pub(in crate::config) fn duration(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
        example: Duration,
        range: RangeInclusive<Duration>,
    ) -> Option<At<Duration>> {
        let example = format!("{key} = \"{}\"", text::show_duration(example));
        let bounds = (text::show_duration(*range.start()), text::show_duration(*range.end()));
        let kind = "a duration with its unit (ms, s, m, h, d), in quotes";
        self.measure(reading, key, kind, &example, &bounds, |text| {
            text::duration(text).map(|found| range.contains(&found).then_some(found))
        })
    }

    /// A size with its unit within `range`; `None` if it is not there (or wrong, which is reported).
    pub(in crate::config) fn size(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
        example: u64,
        range: RangeInclusive<u64>,
    ) -> Option<At<u64>> {
        let example = format!("{key} = \"{}\"", text::show_size(example));
        let bounds = (text::show_size(*range.start()), text::show_size(*range.end()));
        let kind = "a size with its unit (B, KiB, MiB, GiB, KB, MB, GB), in quotes";
        self.measure(reading, key, kind, &example, &bounds, |text| {
            text::size(text).map(|found| range.contains(&found).then_some(found))
        })
    }

    /// `read` says: not a measure at all (`None`), out of bounds (`Some(None)`), or the measure.
    fn measure<T>(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
        kind: &str,
        example: &str,
        bounds: &(String, String),
        read: impl Fn(&str) -> Option<Option<T>>,
    ) -> Option<At<T>> {
        let value = self.value(key)?;
        let Some(found) = as_string(value) else {
            reading.wrong_type(value, kind, example);
            return None;
        };
        match read(found.value) {
            Some(Some(measure)) => return Some(At { value: measure, span: found.span }),
            Some(None) => reading.problems.error(
                found.span,
                format!("`{key}` is out of range"),
                format!("from \"{}\" to \"{}\": {example}", bounds.0, bounds.1),
            ),
            None => reading.problems.error(found.span, format!("`{key}` is not {kind}"), example),
        }
        None
    }

    /// A list of strings.
    pub(in crate::config) fn strings(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
        example: &str,
    ) -> Option<At<Vec<At<&'a str>>>> {
        let value = self.value(key)?;
        let DeValue::Array(array) = value.get_ref() else {
            reading.wrong_type(value, "a list of strings", &format!("{key} = {example}"));
            return None;
        };
        let mut found = Vec::new();
        for element in array {
            match as_string(element) {
                Some(text) => found.push(text),
                None => reading.wrong_type(element, "a string", &format!("{key} = {example}")),
            }
        }
        Some(At { value: found, span: value.span() })
    }

    /// One string or a list of them.
    pub(in crate::config) fn one_or_many(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
        example: &str,
    ) -> Option<At<Vec<At<&'a str>>>> {
        let value = self.table?.get(key);
        if let Some(one) = value.and_then(as_string) {
            self.asked.push(key);
            return Some(At { span: one.span.clone(), value: vec![one] });
        }
        self.strings(reading, key, example)
    }
}

/// The string, if it is one.
pub(in crate::config) fn as_string<'a>(value: &'a Spanned<DeValue<'a>>) -> Option<At<&'a str>> {
    value.get_ref().as_str().map(|text| At { value: text, span: value.span() })
}
