//! Which route does this request fall under? All routes, found by host and path in a time that does not grow with
//! their number.
//!
//! First the routes of the request's own host are asked, then those of every host. In each the most specific pattern
//! that names the path decides (see [`tree`]), and methods are looked up within that pattern alone: a method it does
//! not name is refused, it never slips through to a wider route. The order of routes means nothing; two that could
//! both be meant are a [`RouteProblem`].
//!
//! Letters have a case; but a backend may not heed it, and serve `/API` as `/api`. So a path that is under another
//! route but for the case of its letters, one that asks for more, is refused.

mod alike;
mod tree;

use std::time::Duration;

use hashbrown::HashMap;
use http::{HeaderValue, Method};

use self::alike::Alike;
use self::tree::Tree;
use super::{Access, Host, RouteSpec, SERVED, ScopeRule, StreamRules, is_served};
use crate::revocation::OnStale;

/// A route in force.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its place in the table: what metric handles are kept under. The default route is the last.
    pub id: usize,
    /// Name in logs and metrics.
    pub name: String,
    /// What it asks of a request.
    pub access: Access,
    /// The scopes it needs.
    pub scopes: ScopeRule,
    /// Upstream index.
    pub upstream: usize,
    /// To the first byte of the upstream's answer.
    pub timeout: Option<Duration>,
    /// The most a request body may have, in bytes.
    pub body_limit: Option<u64>,
    /// Whether the client's own `Authorization` goes upstream.
    pub forward_authorization: Option<bool>,
    /// What happens while the revocations known are too old.
    pub on_stale: Option<OnStale>,
    /// What it says of a WebSocket and of other answers without a foreseeable end.
    pub streams: StreamRules,
    /// Line in the file; 0 for the default route.
    pub line: usize,
}

/// Why a set of routes is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteProblem {
    /// Index of the offending `RouteSpec`.
    pub route: usize,
    /// Index of the one it collides with; the same, if it is wrong on its own.
    pub with: usize,
    /// What is wrong, for a person.
    pub message: String,
}

/// What the table says of a request.
#[derive(Debug)]
pub enum Found<'t> {
    /// The route it falls under (the default route if none names the path).
    Route(&'t Route),
    /// Routes name the path, none the method; or the method is never served: the `Allow` value (RFC 9110 §10.2.1).
    MethodNotAllowed(&'t HeaderValue),
    /// But for the case of its letters the path is under another route, which asks for more.
    LikeAnother,
}

/// All routes.
#[derive(Debug)]
pub struct RouteTable {
    routes: Box<[Route]>,
    hosts: HashMap<Host, Tree<Choice>>,
    every_host: Tree<Choice>,
    alike: Alike,
    /// The hosts that are served; none is all of them.
    served: Vec<Host>,
}

/// The routes that share one pattern.
#[derive(Debug)]
struct Choice {
    by_method: Vec<(Method, usize)>,
    any_method: Option<usize>,
    allow: HeaderValue,
}

impl Default for Choice {
    fn default() -> Self {
        Self { by_method: Vec::new(), any_method: None, allow: HeaderValue::from_static("") }
    }
}

impl RouteTable {
    /// Builds the table; two routes that could both be meant are problems, all reported.
    /// `default`: access and upstream of a path that no route names (named `default`).
    pub fn build(routes: Vec<RouteSpec>, default: (Access, usize)) -> Result<Self, Vec<RouteProblem>> {
        let mut hosts: HashMap<Host, Tree<Choice>> = HashMap::new();
        let mut every_host = Tree::default();
        let mut problems = Vec::new();
        for (id, spec) in routes.iter().enumerate() {
            let tree = match &spec.host {
                Some(host) => hosts.entry(host.clone()).or_default(),
                None => &mut every_host,
            };
            tree.entry(&spec.pattern).add(id, &routes, &mut problems);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let alike = Alike::of(&routes);
        let last = default_route(routes.len(), default);
        let routes =
            routes.into_iter().enumerate().map(|(id, spec)| in_force(id, spec)).chain([last]).collect();
        Ok(Self { routes, hosts, every_host, alike, served: Vec::new() })
    }

    /// The same for these hosts alone; for none, for all.
    #[must_use]
    pub fn serving(mut self, hosts: Vec<Host>) -> Self {
        self.served = hosts;
        self
    }

    /// Whether requests for this host are served at all. Asked before [`find`](Self::find).
    pub fn serves(&self, host: &Host) -> bool {
        self.served.is_empty() || self.served.contains(host)
    }

    /// Finds the route. A route for the host beats one for every host; then the most specific path wins; then the method.
    pub fn find(&self, host: Option<&Host>, method: &Method, path: &str) -> Found<'_> {
        match self.find_by_letter(host, method, path) {
            Found::Route(route) if self.is_like_another(route, host, method, path) => Found::LikeAnother,
            found => found,
        }
    }

    /// Whether a backend that does not heed the case of letters would do for `path` what another route than `found`
    /// asks more for.
    fn is_like_another(&self, found: &Route, host: Option<&Host>, method: &Method, path: &str) -> bool {
        let others = self.alike.find(host, path);
        if others.is_empty() || others.iter().any(|other| other.route == found.id) {
            return false;
        }
        let mut taking = others.iter().filter(|other| other.takes(method)).peekable();
        taking.peek().is_none() || taking.any(|other| self.routes[other.route].asks_more_than(found))
    }

    fn find_by_letter(&self, host: Option<&Host>, method: &Method, path: &str) -> Found<'_> {
        let own = host.and_then(|host| self.hosts.get(host)).and_then(|tree| tree.find(path));
        let Some(choice) = own.or_else(|| self.every_host.find(path)) else {
            if !is_served(method) {
                return Found::MethodNotAllowed(&SERVED);
            }
            return Found::Route(&self.routes[self.routes.len() - 1]);
        };
        let named = choice.by_method.iter().find(|(named, _)| named == method).map(|&(_, id)| id);
        match named.or(choice.any_method) {
            Some(id) if is_served(method) => Found::Route(&self.routes[id]),
            Some(_) => Found::MethodNotAllowed(&SERVED),
            None => Found::MethodNotAllowed(&choice.allow),
        }
    }

    /// All routes in force, the default last.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }
}

impl Route {
    /// Whether it refuses somebody whom `other` lets through.
    fn asks_more_than(&self, other: &Self) -> bool {
        let weight = |access| match access {
            Access::Public => 0,
            Access::Optional => 1,
            Access::Authenticated => 2,
            Access::Denied => 3,
        };
        let scopes = self.scopes != ScopeRule::None && self.scopes != other.scopes;
        weight(self.access) > weight(other.access) || (scopes && other.access != Access::Denied)
    }
}

impl Choice {
    /// Adds route `id` of `routes`, noting what it collides with.
    fn add(&mut self, id: usize, routes: &[RouteSpec], problems: &mut Vec<RouteProblem>) {
        let spec = &routes[id];
        let Some(methods) = &spec.methods else {
            if let Some(earlier) = self.any_method.replace(id) {
                self.any_method = Some(earlier);
                problems.push(collision(id, earlier, routes, "both take every method"));
            }
            return;
        };
        if methods.is_empty() {
            let message = format!(
                "`{}` takes no method at all: leave `methods` out for every method",
                spec.pattern.as_str()
            );
            problems.push(RouteProblem { route: id, with: id, message });
        }
        let mut clashes: Vec<(usize, Vec<&str>)> = Vec::new();
        for method in methods {
            match self.by_method.iter().find(|(named, _)| named == method) {
                Some(&(_, earlier)) => match clashes.iter_mut().find(|(with, _)| *with == earlier) {
                    Some((_, shared)) => shared.push(method.as_str()),
                    None => clashes.push((earlier, vec![method.as_str()])),
                },
                None => self.by_method.push((method.clone(), id)),
            }
        }
        for (earlier, shared) in clashes {
            problems.push(collision(id, earlier, routes, &format!("both take {}", shared.join(", "))));
        }
        self.allow = allow_value(&self.by_method);
    }
}

/// Says that `id` and `earlier` could both be meant.
fn collision(id: usize, earlier: usize, routes: &[RouteSpec], both: &str) -> RouteProblem {
    let (mine, other) = (routes[id].pattern.as_str(), routes[earlier].pattern.as_str());
    let message = if id == earlier {
        format!("`{mine}` names a method twice")
    } else if mine == other {
        format!("`{mine}` is also the path of the route in line {}, and {both}", routes[earlier].line)
    } else {
        format!("`{mine}` names the same paths as `{other}` in line {}, and {both}", routes[earlier].line)
    };
    RouteProblem { route: id, with: earlier, message }
}

/// The methods as `Allow` lists them.
fn allow_value(by_method: &[(Method, usize)]) -> HeaderValue {
    let mut names: Vec<&str> = by_method.iter().map(|(method, _)| method.as_str()).collect();
    names.sort_unstable();
    HeaderValue::from_str(&names.join(", ")).expect("method names are header-safe tokens")
}

fn in_force(id: usize, spec: RouteSpec) -> Route {
    Route {
        id,
        name: spec.name,
        access: spec.access,
        scopes: spec.scopes,
        upstream: spec.upstream,
        timeout: spec.timeout,
        body_limit: spec.body_limit,
        forward_authorization: spec.forward_authorization,
        on_stale: spec.on_stale,
        streams: spec.streams,
        line: spec.line,
    }
}

fn default_route(id: usize, (access, upstream): (Access, usize)) -> Route {
    Route {
        id,
        name: "default".into(),
        access,
        scopes: ScopeRule::None,
        upstream,
        timeout: None,
        body_limit: None,
        forward_authorization: None,
        on_stale: None,
        streams: StreamRules::default(),
        line: 0,
    }
}

#[cfg(test)]
mod tests;
