//! `[[tokens.trusted]]`: whose tokens are believed beside our own, and how far?
//!
//! What an entry does not say is as for our own tokens. No two entries may claim one token: of those with the same
//! secret, each has an `iss` of its own, at most one has none, and none has ours.

mod naming;

use std::time::Duration;

use toml::de::DeValue;

use super::super::problem::Span;
use super::super::reading::Reading;
use super::super::section::{At, Section, suggestion};
use super::super::{endpoints, source};
use super::good;
use crate::identity::Scopes;
use crate::secret::Secret;
use crate::token::{Settings, SubjectForm, Trusted};

const SETTING: &str = "tokens.trusted.secret";

/// More than anybody migrates from; each may cost a token a signature.
const MOST: usize = 16;

/// The sections, not read yet.
pub(super) fn sections<'a>(reading: &mut Reading, tokens: &mut Section<'a>) -> Vec<Section<'a>> {
    let title = "[[tokens.trusted]]";
    let Some(value) = tokens.value("trusted") else { return Vec::new() };
    let DeValue::Array(array) = value.get_ref() else {
        reading.wrong_type(value, "a list of sections", &format!("{title} with two brackets"));
        return Vec::new();
    };
    if array.len() > MOST {
        let message = format!("there are more than {MOST} trusted issuers");
        reading.problems.error(value.span(), message, "those whose tokens have expired can go");
    }
    let mut found = Vec::new();
    for element in array {
        if let DeValue::Table(table) = element.get_ref() {
            found.push(Section::new("tokens.trusted", title.to_owned(), element.span(), table));
        } else {
            reading.wrong_type(element, "a section", &format!("{title} on a line of its own"));
        }
    }
    found
}

/// Reads them into the settings of `[tokens]`, if those could be read.
pub(super) fn read(
    reading: &mut Reading,
    sections: Vec<Section<'_>>,
    longest: Duration,
    mut tokens: Option<&mut Settings>,
) {
    let mut earlier: Vec<(Trusted, Span)> = Vec::new();
    for section in sections {
        let header = section.header.clone().unwrap_or_default();
        let Some(trusted) = entry(reading, section, longest) else { continue };
        if let Some(tokens) = &tokens {
            against_ours(reading, &trusted, &header, tokens);
        }
        for (other, place) in &earlier {
            against_another(reading, (&trusted, &header), (other, place));
        }
        earlier.push((trusted, header));
    }
    if let Some(tokens) = &mut tokens {
        tokens.trusted = earlier.into_iter().map(|(trusted, _)| trusted).collect();
    }
}

fn entry(reading: &mut Reading, mut section: Section<'_>, longest: Duration) -> Option<Trusted> {
    let name = name(reading, &mut section);
    let issuer = text(reading, &mut section, "issuer", "\"https://old.example.org\"");
    let audience = text(reading, &mut section, "audience", "\"planner\"");
    section.word(reading, "algorithm", &["HS256"]);
    let secret = secret(reading, &mut section);
    let optional = optional(reading, &mut section);
    let claims = naming::claims(reading, &mut section);
    let require = naming::require(reading, &mut section);
    let subjects = subjects(reading, &mut section, name.as_ref());
    let scopes = section.strings(reading, "scopes", "[\"me\", \"items\"]");
    let scopes: Option<Scopes> = scopes.map(|list| endpoints::scope_list(reading, list.value));
    let max_lifetime = max_lifetime(reading, &mut section, longest);
    section.finish(reading);
    let (shared_subjects, subject_prefix) = subjects?;
    Some(Trusted {
        name: name?.value.to_owned(),
        issuer,
        audience,
        secret: secret?,
        optional,
        claims,
        require,
        shared_subjects,
        subject_prefix,
        scopes,
        max_lifetime,
    })
}

fn name<'a>(reading: &mut Reading, section: &mut Section<'a>) -> Option<At<&'a str>> {
    let name = section.needed_string(reading, "name", "\"legacy\"")?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if name.value.len() <= 32 && name.value.bytes().all(plain) {
        return Some(name);
    }
    let help = "at most 32 lower-case letters, digits, `-` and `_`: name = \"legacy\"";
    reading.problems.error(name.span, "this cannot be the name of an issuer", help);
    None
}

/// A text that a claim is compared with.
fn text(
    reading: &mut Reading,
    section: &mut Section<'_>,
    key: &'static str,
    example: &str,
) -> Option<String> {
    let text = section.string(reading, key, example)?;
    if text.value.is_empty() {
        let help = format!("leave `{key}` out if its tokens have no such claim, or write {key} = {example}");
        reading.problems.error(text.span, format!("`{key}` is empty"), help);
        return None;
    }
    Some(text.value.to_owned())
}

fn secret(reading: &mut Reading, section: &mut Section<'_>) -> Option<Secret> {
    let weak = section.boolean(reading, "weak_secret").is_some_and(|weak| weak.value);
    section.need("secret", "{ file = \"legacy.secret\" }");
    let value = section.value("secret")?;
    let secret = source::read(reading, SETTING, value)?;
    good(reading, SETTING, secret, Some(weak)).map(|secret| secret.value)
}

fn optional(reading: &mut Reading, section: &mut Section<'_>) -> Vec<&'static str> {
    let list = section.strings(reading, "optional", "[\"jti\", \"iat\", \"typ\"]");
    let mut found = Vec::new();
    for word in list.map(|list| list.value).unwrap_or_default() {
        if let Some(known) = Trusted::MAY_LACK.iter().find(|known| **known == word.value) {
            found.push(*known);
            continue;
        }
        let why = match word.value {
            "exp" => "a token without `exp` would be good for ever",
            "sub" => "a token without `sub` would be of nobody",
            _ => "this is nothing that a token must have",
        };
        let named = if matches!(word.value, "exp" | "sub") {
            format!(
                "if its tokens call it something else: claims = {{ {} = \"…\" }}; optional can be",
                word.value
            )
        } else {
            "optional can be".to_owned()
        };
        let known = Trusted::MAY_LACK;
        let help = format!("{named}: {}{}", known.join(", "), suggestion(word.value, &known));
        reading.problems.error(word.span, why, help);
    }
    found
}

/// Whether its people are ours, and what stands before its `sub`.
fn subjects(
    reading: &mut Reading,
    section: &mut Section<'_>,
    name: Option<&At<&str>>,
) -> Option<(bool, String)> {
    let shared =
        section.word(reading, "subjects", &["own", "shared"]).is_some_and(|word| word.value == "shared");
    let Some(prefix) = section.string(reading, "subject_prefix", "\"legacy:\"") else {
        let own = || format!("{}:", name.map_or("", |name| name.value));
        return Some((shared, if shared { String::new() } else { own() }));
    };
    if prefix.value.len() > 64 || prefix.value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let help = "at most 64 bytes without white space: subject_prefix = \"legacy:\"";
        reading.problems.error(prefix.span, "this cannot stand before a subject", help);
        return None;
    }
    if prefix.value.is_empty() && !shared {
        let help = "if its users and ours are the same people: subjects = \"shared\"";
        let message = "without a prefix this issuer would speak for our users";
        reading.problems.error(prefix.span, message, help);
        return None;
    }
    Some((shared, prefix.value.to_owned()))
}

fn max_lifetime(reading: &mut Reading, section: &mut Section<'_>, longest: Duration) -> Duration {
    let second = Duration::from_secs(1);
    let Some(asked) = section.duration(reading, "max_lifetime", longest, second..=super::YEAR) else {
        return longest;
    };
    if asked.value > longest {
        let message = "tokens of this issuer would live longer than `max_lifetime` of [tokens]";
        let help = "raise that one too: a revocation is kept for as long";
        reading.problems.error(asked.span, message, help);
    }
    asked.value.min(longest)
}

fn against_ours(reading: &mut Reading, trusted: &Trusted, header: &Span, tokens: &Settings) {
    if trusted.issuer.as_deref() == Some(&*tokens.issuer) {
        let message = "this is our own `issuer`: nobody else may sign as ourselves";
        let help = "name the issuer its tokens name, or leave `issuer` out if they name none";
        reading.problems.error(header.clone(), message, help);
    }
    let SubjectForm::Login { prefix: ours } = &tokens.subject else { return };
    let theirs = &trusted.subject_prefix;
    if !trusted.shared_subjects
        && !ours.is_empty()
        && (theirs.starts_with(&**ours) || ours.starts_with(&**theirs))
    {
        let message =
            format!("`{theirs}` before its subjects could make them ours, which begin with `{ours}`");
        let help = "another `subject_prefix`; or, if they are the same people: subjects = \"shared\"";
        reading.problems.error(header.clone(), message, help);
    }
}

fn against_another(
    reading: &mut Reading,
    (one, place): (&Trusted, &Span),
    (other, first): (&Trusted, &Span),
) {
    let mut collide = |message: String, help: &str| {
        reading.problems.collision(place.clone(), (first.clone(), "the first one"), message, help);
    };
    if one.name == other.name {
        collide(format!("there are two trusted issuers `{}`", one.name), "give each a name of its own");
    }
    if one.secret.expose() != other.secret.expose() {
        return;
    }
    let unnamed = |trusted: &Trusted| trusted.issuer.is_none() || trusted.optional.contains(&"iss");
    if one.issuer.is_some() && one.issuer == other.issuer {
        collide("two entries with one secret have the same `issuer`".to_owned(), "make one of the two");
    } else if unnamed(one) && unnamed(other) {
        let message = "two entries with one secret take tokens without `iss`".to_owned();
        collide(message, "give all but one an `issuer`, and do not make \"iss\" optional there");
    }
}
