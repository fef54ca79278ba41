//! `[users]`: where are the users, and how does another application keep them?

mod fields;

use toml::de::DeValue;

use super::reading::Reading;
use super::section::{At, Section, as_string};
use super::{account_check, source};
use crate::accounts;
use crate::secret::Secret;
use crate::users::{Mode, Settings, Store};

const EXAMPLE: &str = "\"sqlite:gatepass.db\"";
const DATABASE: &str = "gatepass.db";

/// Reads the section.
pub(super) fn read(reading: &mut Reading, top: &mut Section<'_>) -> (Option<Settings>, accounts::Settings) {
    let mut section = top.section(reading, "users", "users");
    let accounts = account_check::read(reading, &mut section);
    (users(reading, section), accounts)
}

fn users(reading: &mut Reading, mut section: Section<'_>) -> Option<Settings> {
    let store = store(reading, &mut section);
    let described = section.value("fields").map(toml::Spanned::span);
    let fields = described.clone().and_then(|_| fields::read(reading, &mut section, store.as_ref()));
    let mode = mode(reading, &mut section, store.as_ref(), described.is_some());
    section.finish(reading);
    match (&store, described) {
        (Some(Store::Postgres(_) | Store::Mongodb(_)), None) => {
            let message = "the section `[users.fields]` is missing";
            let help = "say where the logins and the password hashes are:\n[users.fields]\ntable = \"users\"\nid = \"id\"\nlogin = [\"email\"]\npassword = \"password\"";
            reading.problems.missing(None, message.to_owned(), help.to_owned());
            return None;
        }
        (Some(Store::Htpasswd(_)), Some(span)) => {
            let help = "remove `[users.fields]`: a line of the file is `login:hash`";
            reading.problems.error(span, "an htpasswd file has no fields to name", help);
            return None;
        }
        _ => {}
    }
    Some(Settings { store: store?, fields, mode })
}

fn mode(reading: &mut Reading, section: &mut Section<'_>, store: Option<&Store>, shared: bool) -> Mode {
    let word = section.word(reading, "mode", &["read_only", "read_write"]);
    let file = matches!(store, Some(Store::Htpasswd(_)));
    match word {
        Some(word) if word.value == "read_write" && file => {
            let help =
                "remove `mode`: the file is changed with htpasswd(1), and read again when it has changed";
            reading.problems.error(word.span, "an htpasswd file is only read", help);
            Mode::ReadOnly
        }
        Some(word) if word.value == "read_write" => Mode::ReadWrite,
        Some(_) => Mode::ReadOnly,
        None if shared || file => Mode::ReadOnly,
        None => Mode::ReadWrite,
    }
}

/// What a store's text begins with, and what is made of the rest.
type Kind = (&'static str, fn(std::path::PathBuf) -> Store);

/// `store`: a text, or for a URL with a password where that is kept.
fn store(reading: &mut Reading, section: &mut Section<'_>) -> Option<Store> {
    let Some(value) = section.value("store") else { return Some(Store::Sqlite(reading.resolve(DATABASE))) };
    if let DeValue::Table(_) = value.get_ref() {
        let url = source::read(reading, "users.store", value)?;
        let text = std::str::from_utf8(url.value.expose()).unwrap_or_default();
        let Some(scheme) = server(text) else {
            let help = "it holds the whole URL and nothing else: postgres://user:password@host/database";
            reading.problems.error(url.span, "what is kept there is not the URL of a store there is", help);
            return None;
        };
        return url_of(reading, scheme, At { value: text, span: url.span.clone() });
    }
    let Some(store) = as_string(value) else {
        reading.wrong_type(value, "a store", &format!("store = {EXAMPLE}"));
        return None;
    };
    if let Some(scheme) = server(store.value) {
        if holds_password(store.value) {
            reading.problems.mask(store.span.clone());
            reading.problems.error(
                store.span.clone(),
                "`users.store` holds a password, where every reader and every backup of this file finds it",
                "keep the whole URL apart: store = { file = \"users.url\" } (mode 0600), or store = { env = \"USERS_URL\" }",
            );
            return None;
        }
        return url_of(reading, scheme, store);
    }
    let kinds: [Kind; 2] = [("sqlite:", Store::Sqlite), ("htpasswd:", Store::Htpasswd)];
    for (scheme, kind) in kinds {
        if let Some(file) = store.value.strip_prefix(scheme).filter(|file| is_file(file)) {
            return Some(kind(reading.resolve(file)));
        }
    }
    let help = format!("store = {EXAMPLE}, \"postgres://…\", \"mongodb://…/database\" or \"htpasswd:FILE\"");
    reading.problems.error(store.span.clone(), "this is not a store there is", help);
    None
}

/// A name without a password is no secret.
fn holds_password(url: &str) -> bool {
    let who = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    who.is_some_and(|(who, _)| who.contains(':')) || url.contains("password=")
}

fn is_file(file: &str) -> bool {
    let odd = file.is_empty() || file.starts_with("//") || file.starts_with(':') || file.ends_with('/');
    !odd && !file.contains(['?', '\0'])
}

#[derive(Clone, Copy)]
enum Server {
    Postgres,
    Mongodb,
}

fn server(url: &str) -> Option<Server> {
    match url.split_once("://")?.0 {
        "postgres" | "postgresql" => Some(Server::Postgres),
        "mongodb" | "mongodb+srv" => Some(Server::Mongodb),
        _ => None,
    }
}

fn url_of(reading: &mut Reading, server: Server, url: At<&str>) -> Option<Store> {
    let (feature, there, store): (&str, bool, fn(Secret) -> Store) = match server {
        Server::Postgres => ("postgres", cfg!(feature = "postgres"), Store::Postgres),
        Server::Mongodb => ("mongodb", cfg!(feature = "mongodb"), Store::Mongodb),
    };
    if !there {
        let message = format!("this gatepass was built without {feature}");
        let help = format!("one that was built with it: cargo install gatepass --features {feature}");
        reading.problems.error(url.span, message, help);
        return None;
    }
    #[cfg(feature = "mongodb")]
    if let (Server::Mongodb, Err(bad)) = (server, crate::users::check_mongodb_url(url.value)) {
        reading.problems.error(url.span, bad.to_string(), bad.help());
        return None;
    }
    let secret = Secret::from(url.value);
    #[cfg(feature = "postgres")]
    if let Server::Postgres = server {
        match crate::users::is_exposed(&secret) {
            Ok(false) => {}
            Ok(true) => reading.problems.warn(
                Some(url.span),
                "password hashes cross a network unencrypted, or may",
                "remove `sslmode` from the URL, or write sslmode=verify-full",
            ),
            Err(why) => {
                let help =
                    "postgres://user@host:5432/database, with ?sslrootcert=/path/ca.pem for a CA of your own";
                reading.problems.error(url.span, format!("this URL cannot be used: {why}"), help);
                return None;
            }
        }
    }
    Some(store(secret))
}
