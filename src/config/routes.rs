//! `[routing]` and `[[route]]`: who may go where?

use std::time::Duration;

use http::Method;

use super::endpoints::scope_list;
use super::hosts;
use super::problem::Span;
use super::reading::{Reading, did_you_mean};
use super::section::{At, Section};
use super::stores::on_stale;
use super::streams::streams;
use super::upstreams::Upstreams;
use crate::route::{Access, Host, Pattern, RouteSpec, RouteTable, SERVED, ScopeRule, is_served};

/// What `[routing]` says.
pub(super) struct Routing {
    pub(super) default_route: (Access, usize),
    /// `hosts`: those that are served; none is all of them.
    pub(super) hosts: Vec<Host>,
    everything_may_be_public: bool,
}

/// The routes that could be read, and where each one's path stands.
pub(super) struct Routes {
    pub(super) specs: Vec<RouteSpec>,
    pub(super) spans: Vec<Span>,
}

/// Reads `[routing]`.
pub(super) fn routing(reading: &mut Reading, top: &mut Section<'_>, upstreams: &Upstreams) -> Routing {
    let mut section = top.section(reading, "routing", "routing");
    let access = match section.word(reading, "default", &["authenticated", "deny"]) {
        Some(word) if word.value == "deny" => Access::Denied,
        _ => Access::Authenticated,
    };
    let names = upstreams.names();
    let upstream = match section.string(reading, "upstream", "\"app\"") {
        Some(name) => upstream(reading, &name, upstreams),
        None => 0,
    };
    if section.value("upstream").is_none() && names.len() > 1 {
        let help = format!("[routing]\nupstream = \"{}\"    # or: {}", names[0], names[1..].join(", "));
        reading.problems.missing(
            section.header.clone(),
            "there are several upstreams, and nothing says where a request goes that no route names",
            help,
        );
    }
    let everything = section.boolean(reading, "allow_public_everything");
    let hosts = hosts::hosts(reading, &mut section);
    section.finish(reading);
    Routing {
        default_route: (access, upstream),
        hosts,
        everything_may_be_public: everything.is_some_and(|everything| everything.value),
    }
}

fn upstream(reading: &mut Reading, name: &At<&str>, upstreams: &Upstreams) -> usize {
    if upstreams.names().is_empty() {
        return 0; // that there is none at all has been reported
    }
    upstreams.index(name.value).unwrap_or_else(|| {
        let help =
            format!("[upstreams.{}] makes one{}", name.value, did_you_mean(name.value, &upstreams.names()));
        reading.problems.error(name.span.clone(), format!("there is no upstream `{}`", name.value), help);
        0
    })
}

/// Reads every `[[route]]`.
pub(super) fn read(
    reading: &mut Reading,
    top: &mut Section<'_>,
    upstreams: &Upstreams,
    routing: &Routing,
) -> Routes {
    let mut routes = Routes { specs: Vec::new(), spans: Vec::new() };
    let mut names: Vec<(String, Span)> = Vec::new();
    for section in top.sections(reading, "route") {
        let Some((spec, path, name)) = route(reading, section, upstreams, routing) else { continue };
        if let Some(span) = name {
            match names.iter().find(|(other, _)| *other == spec.name) {
                Some((_, first)) => reading.problems.collision(
                    span,
                    (first.clone(), "the first one"),
                    "two routes have the same name",
                    "names tell routes apart in logs and metrics: choose another",
                ),
                None => names.push((spec.name.clone(), span)),
            }
        }
        routes.specs.push(spec);
        routes.spans.push(path);
    }
    routes
}

/// One route: what it says, where its path stands, and where its name stands if it has one.
fn route(
    reading: &mut Reading,
    mut section: Section<'_>,
    upstreams: &Upstreams,
    routing: &Routing,
) -> Option<(RouteSpec, Span, Option<Span>)> {
    let header = section.header.clone().unwrap_or_default();
    let path = section.needed_string(reading, "path", "\"/event/**\"");
    let pattern = path.as_ref().and_then(|path| pattern(reading, path));
    let host = hosts::host(reading, &mut section).map(|(host, span)| {
        if !routing.hosts.is_empty() && !routing.hosts.contains(&host) {
            let help = "add it to `hosts` in [routing], or leave the route out";
            reading.problems.error(span, "no request for this host is served", help);
        }
        host
    });
    let methods = methods(reading, &mut section);
    let words = ["authenticated", "public", "optional", "deny"];
    let access = section.word(reading, "access", &words);
    let scopes = scopes(reading, &mut section, access.as_ref());
    let upstream = match section.string(reading, "upstream", "\"app\"") {
        Some(name) => upstream(reading, &name, upstreams),
        None => routing.default_route.1,
    };
    let times = Duration::from_millis(10)..=Duration::from_secs(24 * 3600);
    let timeout = section.duration(reading, "timeout", Duration::from_secs(60), times);
    let body_limit = section.size(reading, "body_limit", 100 << 20, 0..=1 << 50);
    let forward = section.boolean(reading, "forward_authorization");
    let on_stale = on_stale(reading, &mut section);
    let streams = streams(reading, &mut section);
    let name = name(reading, &mut section);
    section.finish(reading);
    let (pattern, path) = (pattern?, path?.span);
    let methods = match methods {
        Optional::Absent => None,
        Optional::Some(methods) => Some(methods),
        Optional::Wrong => return None,
    };
    let access = match access.map(|access| access.value) {
        Some("public") => Access::Public,
        Some("optional") => Access::Optional,
        Some("deny") => Access::Denied,
        _ => Access::Authenticated,
    };
    if access == Access::Public && pattern.is_everything() && !routing.everything_may_be_public {
        reading.problems.error(
            path.clone(),
            "this opens every path to everybody",
            "narrow the path, or say in [routing] that it is meant: allow_public_everything = true",
        );
    }
    let spec = RouteSpec {
        name: name.as_ref().map_or_else(
            || default_name(&pattern, host.as_ref(), methods.as_deref()),
            |name| name.value.clone(),
        ),
        pattern,
        host,
        methods,
        access,
        scopes,
        upstream,
        timeout: timeout.map(|timeout| timeout.value),
        body_limit: body_limit.map(|limit| limit.value),
        forward_authorization: forward.map(|forward| forward.value),
        on_stale,
        streams,
        line: reading.line(&header),
    };
    Some((spec, path, name.map(|name| name.span)))
}

/// `POST,PUT /event/**`: what tells routes apart, in the words of the file.
fn default_name(pattern: &Pattern, host: Option<&Host>, methods: Option<&[Method]>) -> String {
    let methods =
        methods.map(|methods| methods.iter().map(Method::as_str).collect::<Vec<_>>().join(",") + " ");
    format!("{}{}{}", methods.unwrap_or_default(), host.map_or("", Host::as_str), pattern.as_str())
}

fn pattern(reading: &mut Reading, path: &At<&str>) -> Option<Pattern> {
    Pattern::parse(path.value)
        .map_err(|why| {
            let help = "segments of plain text, {name} for exactly one, /** at the end for zero or more: \"/event/{id}\"";
            reading.problems.error(path.span.clone(), format!("this is not a path for a route: {why}"), help);
        })
        .ok()
}

/// What a route may leave out: absent, there, or there and wrong (which has been reported).
enum Optional<T> {
    Absent,
    Some(T),
    Wrong,
}

fn methods(reading: &mut Reading, section: &mut Section<'_>) -> Optional<Vec<Method>> {
    let Some(list) = section.strings(reading, "methods", "[\"GET\", \"HEAD\"]") else {
        return if section.value("methods").is_none() { Optional::Absent } else { Optional::Wrong };
    };
    if list.value.is_empty() {
        let help = "name at least one; without `methods` the route stands for every method";
        reading.problems.error(list.span, "a route without a method matches nothing", help);
        return Optional::Wrong;
    }
    let mut found: Vec<Method> = Vec::new();
    let written = list.value.len();
    for text in list.value {
        let upper = text.value.to_ascii_uppercase();
        match Method::from_bytes(text.value.as_bytes()) {
            Ok(method) if found.contains(&method) => {
                reading.problems.error(text.span, "this method is listed twice", "remove one of the two");
            }
            Ok(method) if is_served(&method) => found.push(method),
            Ok(method) if upper == method.as_str() => reading.problems.error(
                text.span,
                "the gateway never forwards this method",
                format!("remove it; those it serves: {}", String::from_utf8_lossy(SERVED.as_bytes())),
            ),
            _ => reading.problems.error(
                text.span,
                "this is not a method",
                format!("methods are words in capitals (RFC 9110 §9.1): \"{upper}\""),
            ),
        }
    }
    if found.len() == written { Optional::Some(found) } else { Optional::Wrong }
}

fn scopes(reading: &mut Reading, section: &mut Section<'_>, access: Option<&At<&'static str>>) -> ScopeRule {
    let all = section.strings(reading, "scopes", "[\"event:write\"]");
    let any = section.strings(reading, "any_scope", "[\"event:write\", \"admin\"]");
    for list in [&all, &any].into_iter().flatten() {
        if list.value.is_empty() {
            let help = "name one, or remove the key: a good token is needed all the same";
            reading.problems.error(list.span.clone(), "there is no scope in it", help);
        }
        if let Some(access) = access.filter(|access| access.value != "authenticated") {
            reading.problems.collision(
                list.span.clone(),
                (access.span.clone(), "needs no scope"),
                "only routes with access = \"authenticated\" can ask for scopes",
                "remove the scopes, or the `access`",
            );
        }
    }
    match (all, any) {
        (Some(all), Some(any)) => {
            let help =
                "keep `scopes` (all of them) or `any_scope` (one of them); another route can have the other";
            reading.problems.collision(
                any.span,
                (all.span, "here too"),
                "a route has one rule for scopes",
                help,
            );
            ScopeRule::None
        }
        (Some(all), None) => ScopeRule::All(scope_list(reading, all.value)),
        (None, Some(any)) => ScopeRule::Any(scope_list(reading, any.value)),
        (None, None) => ScopeRule::None,
    }
}

fn name(reading: &mut Reading, section: &mut Section<'_>) -> Option<At<String>> {
    let name = section.string(reading, "name", "\"events\"")?;
    let plain = |c: char| c.is_ascii_graphic() || c == ' ';
    let good = !name.value.trim().is_empty() && name.value.len() <= 128 && name.value.chars().all(plain);
    if !good || name.value == "default" {
        let help = "up to 128 plain characters; `default` is the route of paths that no route names";
        reading.problems.error(name.span, "this cannot name a route", help);
        return None;
    }
    Some(At { value: name.value.to_owned(), span: name.span })
}

/// Builds the table, for the ties it finds.
pub(super) fn table(reading: &mut Reading, routes: &Routes, routing: &Routing) -> Option<RouteTable> {
    match RouteTable::build(routes.specs.clone(), routing.default_route) {
        Ok(table) => Some(table.serving(routing.hosts.clone())),
        Err(problems) => {
            for problem in problems {
                let other = routes.specs[problem.with].line;
                reading.problems.collision(
                    routes.spans[problem.route].clone(),
                    (routes.spans[problem.with].clone(), "the other one"),
                    problem.message,
                    format!(
                        "make one of the two more specific, or give them different methods (see line {other})"
                    ),
                );
            }
            None
        }
    }
}
