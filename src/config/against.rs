//! What does a new file open that an older one kept shut?
//!
//! Both files' patterns are turned into sample paths (every pattern of either file, since removing a rule can open a path
//! as well as adding one), and both tables are asked about each, method by method.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use http::Method;

use super::{Config, Report, reading};
use crate::route::{Access, Found, Host, RouteSpec, RouteTable};

/// Requests that nobody needs a token for any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BecomesPublic {
    /// The methods.
    pub methods: Vec<String>,
    /// The host, where it makes the difference.
    pub host: Option<String>,
    /// The path, in the words of the pattern it comes from.
    pub path: String,
    /// The line of the route that opens it.
    pub line: usize,
    /// What the older file said: `authenticated`, `optional`, `deny`, or `405`.
    pub before: &'static str,
}

/// The part of a file that decides who may go where.
pub(super) struct Rules {
    pub(super) specs: Vec<RouteSpec>,
    pub(super) table: RouteTable,
}

/// What is public in `new` and was not in the file at `old`, of which only the routes are read (its secrets may be
/// elsewhere).
pub fn becomes_public(new: &Config, old: &Path) -> Result<Vec<BecomesPublic>, Report> {
    let before = reading::routes_only(old, &reading::text_of(old)?)?;
    let table = RouteTable::build(new.routes.clone(), new.default_route)
        .expect("a loaded configuration has routes that build a table");
    Ok(compare(&Rules { specs: new.routes.clone(), table }, &before))
}

fn compare(after: &Rules, before: &Rules) -> Vec<BecomesPublic> {
    let specs = || after.specs.iter().chain(&before.specs);
    let mut methods: BTreeSet<&str> =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "SAMPLE"].into_iter().collect();
    methods.extend(specs().flat_map(|spec| spec.methods.iter().flatten()).map(Method::as_str));
    let mut hosts: Vec<Option<&Host>> = vec![None];
    for spec in specs() {
        if !hosts.contains(&spec.host.as_ref()) {
            hosts.push(spec.host.as_ref());
        }
    }
    let patterns: BTreeSet<&str> = specs().map(|spec| spec.pattern.as_str()).collect();
    let mut opened: BTreeMap<(&str, usize, &'static str, Option<&str>), BTreeSet<&str>> = BTreeMap::new();
    for pattern in patterns {
        for path in samples(pattern) {
            for host in &hosts {
                for method in &methods {
                    let Some((line, was)) = opens(after, before, *host, method, &path) else { continue };
                    let place = (pattern, line, was, host.map(Host::as_str));
                    opened.entry(place).or_default().insert(method);
                }
            }
        }
    }
    let everywhere: BTreeMap<_, _> = opened.clone();
    opened.retain(|(pattern, line, was, host), methods| {
        host.is_none() || everywhere.get(&(*pattern, *line, *was, None)) != Some(methods)
    });
    opened
        .into_iter()
        .map(|((path, line, before, host), methods)| BecomesPublic {
            // `SAMPLE` stands for every method that neither file names.
            methods: methods.iter().map(|method| method.replace("SAMPLE", "any other")).collect(),
            host: host.map(str::to_owned),
            path: path.to_owned(),
            line,
            before,
        })
        .collect()
}

/// The line that opens this request, and what it was before, if it was not open.
fn opens(
    after: &Rules,
    before: &Rules,
    host: Option<&Host>,
    method: &str,
    path: &str,
) -> Option<(usize, &'static str)> {
    let method = Method::from_bytes(method.as_bytes()).ok()?;
    let Found::Route(route) = after.table.find(host, &method, path) else { return None };
    if route.access != Access::Public {
        return None;
    }
    match before.table.find(host, &method, path) {
        Found::Route(was) if was.access == Access::Public => None,
        Found::Route(was) => Some((route.line, was.access.as_str())),
        Found::MethodNotAllowed(_) => Some((route.line, "405")),
        Found::LikeAnother => Some((route.line, "400")),
    }
}

/// Paths that fall under a pattern, made of segments that no file names.
fn samples(pattern: &str) -> Vec<String> {
    const SEGMENT: &str = "gatepass-sample";
    let segments = pattern.split('/').skip(1).filter(|segment| *segment != "**");
    let named = segments.map(|segment| if segment.starts_with('{') { SEGMENT } else { segment });
    let base = named.fold(String::new(), |path, segment| path + "/" + segment);
    if !pattern.ends_with("/**") {
        return vec![base];
    }
    let itself = if base.is_empty() { "/".to_owned() } else { base.clone() };
    vec![itself, format!("{base}/{SEGMENT}"), format!("{base}/{SEGMENT}/{SEGMENT}")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn rules(routes: &str) -> Rules {
        let text = format!("[upstreams.app]\nservers = [\"127.0.0.1:8000\"]\n{routes}");
        reading::routes_only(&PathBuf::from("f.toml"), &text).map_err(|report| report.text).unwrap()
    }

    #[test]
    fn a_route_that_opens_is_told() {
        let before = rules("[[route]]\npath = \"/docs/**\"\nmethods = [\"GET\"]\n");
        let after = rules("[[route]]\npath = \"/docs/**\"\nmethods = [\"GET\"]\naccess = \"public\"\n");
        let found = compare(&after, &before);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (found[0].path.as_str(), found[0].line, found[0].before),
            ("/docs/**", 3, "authenticated")
        );
        assert_eq!(found[0].methods, ["GET"]);
        assert!(compare(&before, &after).is_empty());
        assert!(compare(&after, &after).is_empty());
    }

    #[test]
    fn a_rule_that_is_taken_away_opens_too() {
        let public = "[[route]]\npath = \"/docs/**\"\naccess = \"public\"\n";
        let before = rules(&format!("{public}[[route]]\npath = \"/docs/private\"\n"));
        let found = compare(&rules(public), &before);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, "/docs/private");
        assert_eq!(found[0].host, None);
    }
}
