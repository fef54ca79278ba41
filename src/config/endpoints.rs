//! `[endpoints]`: under which paths do we answer ourselves?

use toml::de::DeValue;

use super::problem::Span;
use super::reading::Reading;
use super::section::{At, Section, as_string};
use crate::endpoint::Settings;
use crate::identity::{Claims, Scope, Scopes};
use crate::login::{SignUpClaim, SignUpRules};
use crate::route::Target;
use crate::users::{self, Mode};

/// The settings, and every path with its place (an empty span for a default).
pub(super) struct Endpoints {
    pub(super) settings: Settings,
    pub(super) paths: Vec<At<String>>,
}

/// Reads the section.
pub(super) fn read(reading: &mut Reading, top: &mut Section<'_>) -> Endpoints {
    let mut section = top.section(reading, "endpoints", "endpoints");
    let mut paths: Vec<At<String>> = Vec::new();
    let mut of = |reading: &mut Reading, section: &mut Section<'_>, key, default: Option<&str>| {
        let found = endpoint(reading, section, key, default, &paths);
        paths.extend(found.iter().cloned());
        found.into_iter().map(|path| path.value).collect::<Vec<_>>()
    };
    let settings = Settings {
        token: of(reading, &mut section, "token", Some("/token")),
        signup: of(reading, &mut section, "signup", None),
        password: of(reading, &mut section, "password", None),
        logout: of(reading, &mut section, "logout", Some("/auth/logout")),
        revoke: of(reading, &mut section, "revoke", Some("/auth/revoke")),
        userinfo: of(reading, &mut section, "userinfo", Some("/auth/userinfo")),
        sessions: of(reading, &mut section, "sessions", Some("/auth/sessions")),
        metadata: of(reading, &mut section, "metadata", Some("/.well-known/oauth-authorization-server")),
        token_type: token_type(reading, &mut section),
        signin: Vec::new(),
        signout: Vec::new(),
        page: None,
        sign_up: SignUpRules::default(),
    };
    let sign_up = SignUpRules {
        scopes: scopes(reading, &mut section, "signup_scopes", &settings.signup),
        claims: claims(reading, &mut section, &settings.signup),
        reveals: section.boolean(reading, "signup_reveals").is_none_or(|found| found.value),
    };
    section.finish(reading);
    Endpoints { settings: Settings { sign_up, ..settings }, paths }
}

/// Refuses endpoints that change users where users are only read.
pub(super) fn need_writable(reading: &mut Reading, endpoints: &Endpoints, users: &users::Settings) {
    if users.mode == Mode::ReadWrite {
        return;
    }
    let Settings { signup, password, .. } = &endpoints.settings;
    for (name, does, paths) in [("signup", "adds users", signup), ("password", "changes users", password)] {
        let Some(first) = paths.first() else { continue };
        let place = endpoints.paths.iter().find(|path| path.value == *first);
        let help = format!(
            "remove `{name}`, or say that it may, if the store can be written: mode = \"read_write\" in [users]"
        );
        let message = format!("`{name}` {does}, and `mode` in [users] is read_only");
        reading.problems.error(place.map_or(0..0, |place| place.span.clone()), message, help);
    }
}

fn endpoint(
    reading: &mut Reading,
    section: &mut Section<'_>,
    key: &'static str,
    default: Option<&str>,
    taken: &[At<String>],
) -> Vec<At<String>> {
    let absent = if key == "password" { "/auth/password" } else { "/user/signup" };
    let example = format!("\"{}\"", default.unwrap_or(absent));
    let written = section.one_or_many(reading, key, &example);
    let candidates: Vec<At<String>> = match written {
        Some(list) => {
            list.value.into_iter().map(|at| At { value: at.value.to_owned(), span: at.span }).collect()
        }
        // A key of the wrong type has been reported: no default takes its place.
        None if section.value(key).is_some() => Vec::new(),
        None => default.into_iter().map(|path| At { value: path.to_owned(), span: 0..0 }).collect(),
    };
    let mut found: Vec<At<String>> = Vec::new();
    for path in candidates {
        let others: Vec<&At<String>> = taken.iter().chain(&found).collect();
        found.extend(free_path(reading, path, &others, key, &example));
    }
    found
}

/// The path, if it is one and no other endpoint has it.
pub(super) fn free_path(
    reading: &mut Reading,
    path: At<String>,
    taken: &[&At<String>],
    key: &str,
    example: &str,
) -> Option<At<String>> {
    if let Some(other) = taken.iter().find(|other| other.value == path.value) {
        twice(reading, &path, other);
    } else if is_path(&path.value) {
        return Some(path);
    } else {
        let help = format!(
            "begin with `/`, no `//`, no dots as a segment, no `%`-escapes of plain letters: {key} = {example}"
        );
        reading.problems.error(path.span, "this is not the path of an endpoint", help);
    }
    None
}

fn is_path(path: &str) -> bool {
    let literal = !path.contains(['{', '}', '*', '?', '#']);
    literal && path.len() <= 1024 && Target::parse(path.as_bytes()).is_ok_and(|target| target.path() == path)
}

fn twice(reading: &mut Reading, path: &At<String>, other: &At<String>) {
    let message = format!("two endpoints have the path `{}`", path.value);
    let default = |span: &Span| span.is_empty();
    let help = "another path for one of the two; one that is not written has its default";
    if default(&path.span) {
        reading.problems.error(other.span.clone(), message, help);
    } else if default(&other.span) {
        reading.problems.error(path.span.clone(), message, help);
    } else {
        reading.problems.collision(path.span.clone(), (other.span.clone(), "the first one"), message, help);
    }
}

fn token_type(reading: &mut Reading, section: &mut Section<'_>) -> String {
    let Some(found) = section.string(reading, "token_type", "\"Bearer\"") else { return "Bearer".to_owned() };
    if !found.value.eq_ignore_ascii_case("bearer") {
        let help = "token_type = \"Bearer\", or \"bearer\" for clients that compare it letter by letter";
        reading.problems.error(found.span, "our tokens are bearer tokens (RFC 6750)", help);
    }
    found.value.to_owned()
}

fn scopes(reading: &mut Reading, section: &mut Section<'_>, key: &'static str, signup: &[String]) -> Scopes {
    let Some(list) = section.strings(reading, key, "[\"event:read\"]") else { return Scopes::default() };
    if signup.is_empty() {
        let help = "name the `signup` endpoint too, or remove them";
        reading.problems.warn(
            Some(list.span.clone()),
            "nobody can sign up, so nobody gets these scopes",
            help,
        );
    }
    scope_list(reading, list.value)
}

/// `signup_claims = { full_name = "required", department = "optional" }`.
fn claims(reading: &mut Reading, section: &mut Section<'_>, signup: &[String]) -> Vec<SignUpClaim> {
    let Some(value) = section.value("signup_claims") else { return Vec::new() };
    let example = "signup_claims = { full_name = \"required\", department = \"optional\" }";
    let DeValue::Table(table) = value.get_ref() else {
        reading.wrong_type(value, "a table of field and \"required\" or \"optional\"", example);
        return Vec::new();
    };
    if signup.is_empty() {
        let help = "name the `signup` endpoint too, or remove them";
        reading.problems.warn(Some(value.span()), "nobody can sign up, so nobody sends these fields", help);
    }
    let table = Section::new("endpoints.signup_claims", "signup_claims".to_owned(), value.span(), table);
    let mut found = Vec::new();
    for (name, word) in table.entries() {
        if let Err(bad) = Claims::check_name(name.value) {
            let help = "another name for the field: it becomes a claim of the user's tokens";
            reading.problems.error(name.span, format!("this field {bad}"), help);
            continue;
        }
        let required = match as_string(word).map(|word| word.value) {
            Some("required") => true,
            Some("optional") => false,
            _ => {
                let help = format!("write: {example}");
                reading.problems.error(word.span(), "a field is \"required\" or \"optional\"", help);
                continue;
            }
        };
        found.push(SignUpClaim { name: name.value.to_owned(), required });
    }
    found
}

/// Scope tokens, each checked.
pub(super) fn scope_list(reading: &mut Reading, list: Vec<At<&str>>) -> Scopes {
    let mut found: Vec<Scope> = Vec::new();
    for text in list {
        match Scope::parse(text.value) {
            Ok(scope) if found.contains(&scope) => {
                reading.problems.error(text.span, "this scope is listed twice", "remove one of the two");
            }
            Ok(scope) => found.push(scope),
            Err(why) => reading.problems.error(
                text.span,
                format!("this is not a scope: it {why}"),
                "one word without spaces for each scope (RFC 6749 §3.3): [\"event:read\", \"event:write\"]",
            ),
        }
    }
    found.into_iter().collect()
}
