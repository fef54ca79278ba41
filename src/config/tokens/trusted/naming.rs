//! `claims` and `require` of `[[tokens.trusted]]`: what do its tokens call things, and what tells its access tokens?

use toml::Spanned;
use toml::de::DeValue;

use super::super::super::reading::Reading;
use super::super::super::section::{At, Section, as_string, suggestion};
use crate::identity::Claims;
use crate::token::Trusted;

const CLAIMS: &str = "claims = { sub = \"user\", exp = \"expires\" }";
const REQUIRE: &str = "require = { type = \"access\" }";

/// Our names for claims, and theirs.
pub(super) fn claims(reading: &mut Reading, section: &mut Section<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (ours, theirs) in pairs(reading, section, "claims", CLAIMS) {
        if !Trusted::NAMED.contains(&ours.value) && Claims::check_name(ours.value).is_err() {
            let help = format!(
                "on the left our name, on the right theirs: {CLAIMS}{}",
                suggestion(ours.value, &Trusted::NAMED)
            );
            reading.problems.error(ours.span, format!("`{}` cannot have another name", ours.value), help);
        } else if theirs.value.is_empty() {
            reading.problems.error(theirs.span, "the name of a claim is empty", CLAIMS);
        } else {
            found.push((ours.value.to_owned(), theirs.value.to_owned()));
        }
    }
    found
}

/// Claims that must have just this text.
pub(super) fn require(reading: &mut Reading, section: &mut Section<'_>) -> Vec<(String, String)> {
    let pairs = pairs(reading, section, "require", REQUIRE);
    pairs.into_iter().map(|(name, text)| (name.value.to_owned(), text.value.to_owned())).collect()
}

/// A table of texts.
fn pairs<'a>(
    reading: &mut Reading,
    section: &mut Section<'a>,
    key: &'static str,
    example: &str,
) -> Vec<(At<&'a str>, At<&'a str>)> {
    let Some(value) = section.value(key) else { return Vec::new() };
    let Some(table) = table(value) else {
        reading.wrong_type(value, "a table of names and texts", example);
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, value) in table.entries() {
        match as_string(value) {
            Some(text) => found.push((name, text)),
            None => reading.wrong_type(value, "a string", example),
        }
    }
    found
}

fn table<'a>(value: &'a Spanned<DeValue<'a>>) -> Option<Section<'a>> {
    match value.get_ref() {
        DeValue::Table(table) => {
            Some(Section::new("tokens.trusted.claims", String::new(), value.span(), table))
        }
        _ => None,
    }
}
