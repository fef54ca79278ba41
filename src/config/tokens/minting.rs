//! `omit` and `also` of `[tokens]`: what do our tokens leave out, and what do they say under other names?

use toml::de::DeValue;

use super::super::reading::Reading;
use super::super::section::{Section, as_string, suggestion};
use crate::token::{Member, Minting};

const ALSO: &str = "also = { user = \"preferred_username\", expires = \"exp\" }";

/// Reads both.
pub(super) fn read(reading: &mut Reading, section: &mut Section<'_>) -> Minting {
    Minting { without_audience: omits_audience(reading, section), also: also(reading, section) }
}

fn omits_audience(reading: &mut Reading, section: &mut Section<'_>) -> bool {
    let Some(list) = section.strings(reading, "omit", "[\"aud\"]") else { return false };
    for word in list.value.iter().filter(|word| word.value != "aud") {
        let help =
            "omit = [\"aud\"], for verifiers that refuse a token with an audience they were not told of";
        reading.problems.error(word.span.clone(), "our tokens cannot be without this", help);
    }
    list.value.iter().any(|word| word.value == "aud")
}

fn also(reading: &mut Reading, section: &mut Section<'_>) -> Vec<(String, Member)> {
    let Some(value) = section.value("also") else { return Vec::new() };
    let DeValue::Table(table) = value.get_ref() else {
        reading.wrong_type(value, "a table of names and claims", ALSO);
        return Vec::new();
    };
    let table = Section::new("tokens.also", "also".to_owned(), value.span(), table);
    let mut found = Vec::new();
    for (name, value) in table.entries() {
        if !Minting::may_be_called(name.value) {
            let help = "a name that tokens do not use for themselves, of 1 to 64 letters, digits and `_-.:/`";
            let message = format!("our tokens cannot say something else as `{}`", name.value);
            reading.problems.error(name.span, message, help);
            continue;
        }
        let Some(word) = as_string(value) else {
            reading.wrong_type(value, "the name of a claim", ALSO);
            continue;
        };
        let words = Member::ALL.map(|(word, _)| word);
        let Some(member) = Member::parse(word.value) else {
            let help = format!("one of: {}{}", words.join(", "), suggestion(word.value, &words));
            reading.problems.error(word.span, "our tokens have no such claim to say again", help);
            continue;
        };
        found.push((name.value.to_owned(), member));
    }
    found
}
