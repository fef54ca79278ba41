//! `[signin_page]`: is there a page to sign in on, and under which names?

use super::endpoints::{Endpoints, free_path};
use super::reading::Reading;
use super::section::{At, Section};
use crate::endpoint::{Page, SameSite, own_target};

const COOKIE: &str = "__Host-gatepass";

/// Reads the section, if it is there, into the endpoints.
pub(super) fn read(reading: &mut Reading, top: &mut Section<'_>, endpoints: &mut Endpoints) {
    let mut section = top.section(reading, "signin_page", "signin_page");
    if section.header.is_none() {
        return;
    }
    let mut path = |reading: &mut Reading, key, default: &str| {
        let example = format!("\"{default}\"");
        let path = match section.string(reading, key, &example) {
            Some(text) => At { value: text.value.to_owned(), span: text.span },
            None => At { value: default.to_owned(), span: 0..0 },
        };
        let taken: Vec<&At<String>> = endpoints.paths.iter().collect();
        let path = free_path(reading, path, &taken, key, &example);
        endpoints.paths.extend(path.clone());
        path.map(|path| path.value)
    };
    let signin = path(reading, "path", "/auth/signin");
    let signout = path(reading, "sign_out", "/auth/signout");
    let page = Page {
        title: title(reading, &mut section),
        cookie: cookie(reading, &mut section),
        after: after(reading, &mut section),
        same_site: match section.word(reading, "same_site", &["Lax", "Strict"]) {
            Some(word) if word.value == "Strict" => SameSite::Strict,
            _ => SameSite::Lax,
        },
    };
    section.finish(reading);
    endpoints.settings.signin = signin.into_iter().collect();
    endpoints.settings.signout = signout.into_iter().collect();
    endpoints.settings.page = Some(page);
}

fn title(reading: &mut Reading, section: &mut Section<'_>) -> String {
    const DEFAULT: &str = "Sign in";
    const MOST: usize = 100;
    let Some(text) = section.string(reading, "title", "\"Event planner\"") else { return DEFAULT.to_owned() };
    let title = text.value.trim();
    if title.is_empty() || title.chars().count() > MOST || title.contains(char::is_control) {
        let help =
            format!("one line of 1 to {MOST} characters, what people sign in to: title = \"Event planner\"");
        reading.problems.error(text.span, "this is not a title", help);
    }
    title.to_owned()
}

fn cookie(reading: &mut Reading, section: &mut Section<'_>) -> String {
    let Some(text) = section.string(reading, "cookie", &format!("\"{COOKIE}\"")) else {
        return COOKIE.to_owned();
    };
    // The characters of RFC 6265's names that nobody quotes, folds or splits.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let rest = text.value.strip_prefix("__Host-").unwrap_or_default();
    if rest.is_empty() || text.value.len() > 64 || !rest.bytes().all(plain) {
        let help = format!(
            "begin with `__Host-`, by which browsers keep other hosts of the site from setting it; then letters, \
             digits, `-` and `_`, 64 in all: cookie = \"{COOKIE}\""
        );
        reading.problems.error(text.span, "this is not a name for the cookie", help);
    }
    text.value.to_owned()
}

fn after(reading: &mut Reading, section: &mut Section<'_>) -> String {
    let Some(text) = section.string(reading, "after", "\"/\"") else { return "/".to_owned() };
    if own_target(text.value).is_none() {
        let help = "a path of this gateway, with a query if need be: after = \"/\"";
        reading.problems.error(text.span, "this does not lead to a page behind this gateway", help);
    }
    text.value.to_owned()
}
