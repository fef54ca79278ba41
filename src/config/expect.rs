//! `[[expect]]`: does the file do what its author believes? Cases of request and status, decided as the gate would.
//!
//! Only the rules are asked: no token is made and no upstream is called. 200 stands for "let through".

use http::Method;
use toml::de::DeValue;

use super::endpoints::scope_list;
use super::problem::Span;
use super::reading::Reading;
use super::section::{At, Section, as_string};
use super::settings::{Config, Expect, ExpectAs};
use crate::access::Reason;
use crate::answer;
use crate::identity::Scopes;
use crate::route::{Access, Found, Host, LIKE_ANOTHER, RouteTable, ScopeRule, Target};

const REQUEST: &str = "\"POST /event/new\"";

/// A case that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which, counted from 0 in the order of the file.
    pub index: usize,
    /// Its line in the file.
    pub line: usize,
    /// What was expected and what is.
    pub message: String,
    /// Which rule decides it.
    pub help: String,
}

/// The cases that could be read, and where each one's `then` stands.
pub(super) struct Expectations {
    pub(super) cases: Vec<Expect>,
    pub(super) spans: Vec<Span>,
}

/// Runs every case against the routes of `config`.
pub fn run(config: &Config) -> Vec<Failure> {
    match RouteTable::build(config.routes.clone(), config.default_route) {
        Ok(table) => failures(config, &table.serving(config.hosts.clone())),
        Err(problems) => problems
            .into_iter()
            .map(|problem| Failure { index: 0, line: 0, message: problem.message, help: String::new() })
            .collect(),
    }
}

/// Runs every case against `table`.
pub(super) fn failures(config: &Config, table: &RouteTable) -> Vec<Failure> {
    let mut found = Vec::new();
    for (index, case) in config.expect.iter().enumerate() {
        let (status, rule) = decide(config, table, case);
        if status == case.then {
            continue;
        }
        let words =
            |status: u16| if status == 200 { "let through (200)".to_owned() } else { status.to_string() };
        found.push(Failure {
            index,
            line: case.line,
            message: format!(
                "`{} {}` is {}, not {}",
                case.method,
                case.target,
                words(status),
                words(case.then)
            ),
            help: rule,
        });
    }
    found
}

/// The status, and what it comes from.
fn decide(config: &Config, table: &RouteTable, case: &Expect) -> (u16, String) {
    let target = match Target::parse(case.target.as_bytes()) {
        Ok(target) => target,
        Err(why) => return (400, format!("the target is refused: {why}")),
    };
    if config.endpoints.paths().into_iter().flatten().any(|path| path == target.path()) {
        return (200, "the path is an endpoint of the gateway, which answers it itself".to_owned());
    }
    if case.host.as_ref().is_some_and(|host| !table.serves(host)) {
        return (400, "`hosts` in [routing] does not have this host".to_owned());
    }
    let route = match table.find(case.host.as_ref(), &case.method, target.path()) {
        Found::MethodNotAllowed(allow) => {
            let allow = String::from_utf8_lossy(allow.as_bytes()).into_owned();
            return (405, format!("routes name the path, but not the method; allowed: {allow}"));
        }
        Found::LikeAnother => return (400, format!("the target is refused: {LIKE_ANOTHER}")),
        Found::Route(route) => route,
    };
    let place = if route.line == 0 { "[routing] default".to_owned() } else { format!("line {}", route.line) };
    let rule = format!("decided by route `{}` ({place})", route.name);
    let held = match (&case.who, route.access) {
        (_, Access::Denied) => return (403, rule),
        (_, Access::Public) | (ExpectAs::Anonymous, Access::Optional) => return (200, rule),
        (ExpectAs::Anonymous, Access::Authenticated) => return (401, rule),
        (ExpectAs::Scopes(held), Access::Authenticated | Access::Optional) => held,
    };
    let enough = match &route.scopes {
        ScopeRule::None => true,
        ScopeRule::All(needed) => held.contains_all(needed),
        ScopeRule::Any(accepted) => held.contains_any(accepted),
    };
    let lacking = answer::status(Reason::InsufficientScope, config.errors).as_u16();
    (if enough { 200 } else { lacking }, rule)
}

/// Reads every `[[expect]]`.
pub(super) fn read(reading: &mut Reading, top: &mut Section<'_>) -> Expectations {
    let mut found = Expectations { cases: Vec::new(), spans: Vec::new() };
    for section in top.sections(reading, "expect") {
        if let Some((case, span)) = case(reading, section) {
            found.cases.push(case);
            found.spans.push(span);
        }
    }
    found
}

fn case(reading: &mut Reading, mut section: Section<'_>) -> Option<(Expect, Span)> {
    let header = section.header.clone().unwrap_or_default();
    let request = section.needed_string(reading, "request", REQUEST);
    let request = request.and_then(|text| request_line(reading, &text));
    let who = who(reading, &mut section);
    section.need("then", "401");
    let then = section.integer(reading, "then", 200, 200..=405);
    let span = section.value("then").map_or_else(|| header.clone(), toml::Spanned::span);
    if ![200, 400, 401, 403, 405].contains(&then) {
        let help = "200 (let through), 400 (bad target), 401, 403 or 405";
        reading.problems.error(span.clone(), "the rules never give this status", help);
    }
    let host = section.string(reading, "host", "\"app.example.org\"").and_then(|text| {
        let host = Host::parse(text.value.as_bytes()).ok();
        if host.is_none() {
            reading.problems.error(text.span, "this is not a host", "host = \"app.example.org\"");
        }
        host
    });
    section.finish(reading);
    let (method, target) = request?;
    let then = u16::try_from(then).ok()?;
    Some((Expect { method, target, host, who: who?, then, line: reading.line(&header) }, span))
}

fn request_line(reading: &mut Reading, text: &At<&str>) -> Option<(Method, String)> {
    if let Some((method, target)) = text.value.split_once(' ')
        && target.starts_with('/')
        && let Ok(method) = Method::from_bytes(method.as_bytes())
    {
        return Some((method, target.to_owned()));
    }
    let help = format!("a method, one space, a path: request = {REQUEST}");
    reading.problems.error(text.span.clone(), "this is not a request", help);
    None
}

fn who(reading: &mut Reading, section: &mut Section<'_>) -> Option<ExpectAs> {
    section.need("as", "\"anonymous\"");
    let value = section.value("as")?;
    let example = "as = \"anonymous\", or as = { scopes = [\"event:write\"] }";
    if let DeValue::Table(table) = value.get_ref() {
        let mut inner = Section::new("expect.as", "as".to_owned(), value.span(), table);
        inner.need("scopes", "[]");
        let list = inner.strings(reading, "scopes", "[\"event:write\"]");
        inner.finish(reading);
        let scopes: Scopes = scope_list(reading, list?.value);
        return Some(ExpectAs::Scopes(scopes));
    }
    match as_string(value) {
        Some(word) if word.value == "anonymous" => return Some(ExpectAs::Anonymous),
        Some(word) => reading.problems.error(word.span, "nobody is called so here", example),
        None => reading.wrong_type(value, "a caller", example),
    }
    None
}
