//! Would a backend that does not tell upper from lower case take this path for another route's?

use hashbrown::HashMap;
use http::Method;

use super::super::{Host, RouteSpec};
use super::tree::Tree;

/// The routes under patterns without capitals.
#[derive(Debug, Default)]
pub(super) struct Alike {
    hosts: HashMap<Host, Tree<Vec<Taker>>>,
    every_host: Tree<Vec<Taker>>,
    /// Whether a pattern has a capital; if none has, a path without capitals is like no other.
    capitals: bool,
}

/// A route, and the methods it takes.
#[derive(Debug)]
pub(super) struct Taker {
    pub(super) route: usize,
    methods: Option<Vec<Method>>,
}

impl Taker {
    pub(super) fn takes(&self, method: &Method) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(method))
    }
}

impl Alike {
    pub(super) fn of(routes: &[RouteSpec]) -> Self {
        let mut alike = Self::default();
        for (route, spec) in routes.iter().enumerate() {
            let tree = match &spec.host {
                Some(host) => alike.hosts.entry(host.clone()).or_default(),
                None => &mut alike.every_host,
            };
            let pattern = spec.pattern.in_lower_case();
            alike.capitals |= pattern != spec.pattern;
            tree.entry(&pattern).push(Taker { route, methods: spec.methods.clone() });
        }
        alike
    }

    /// The routes that `path` falls under if letters have no case; none where that changes nothing.
    pub(super) fn find(&self, host: Option<&Host>, path: &str) -> &[Taker] {
        if !self.capitals && !path.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return &[];
        }
        let path = path.to_ascii_lowercase();
        let own = host.and_then(|host| self.hosts.get(host)).and_then(|tree| tree.find(&path));
        own.or_else(|| self.every_host.find(&path)).map_or(&[], Vec::as_slice)
    }
}
