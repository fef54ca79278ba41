//! The table against a reckoning that looks at every route: the same answer, whatever their order.

use gatepass::route::{Access, Found, Host, Pattern, RouteSpec, RouteTable, ScopeRule, StreamRules};
use http::Method;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::cases;

/// A route in the few words the reckoning needs.
#[derive(Clone, Debug)]
struct Plan {
    host: Option<&'static str>,
    segments: Vec<&'static str>,
    rest: bool,
    methods: Option<Vec<&'static str>>,
}

impl Plan {
    fn pattern(&self) -> String {
        let rest = if self.rest { Some("**") } else { None };
        let parts: Vec<&str> = std::iter::once("").chain(self.segments.iter().copied()).chain(rest).collect();
        parts.join("/")
    }

    fn spec(&self, id: usize) -> RouteSpec {
        RouteSpec {
            name: id.to_string(),
            pattern: Pattern::parse(&self.pattern()).unwrap(),
            host: self.host.map(|host| Host::parse(host.as_bytes()).unwrap()),
            methods: self
                .methods
                .as_ref()
                .map(|names| names.iter().map(|name| name.parse().unwrap()).collect()),
            access: Access::Authenticated,
            scopes: ScopeRule::None,
            upstream: 0,
            timeout: None,
            body_limit: None,
            forward_authorization: None,
            on_stale: None,
            streams: StreamRules::default(),
            line: 0,
        }
    }

    /// The pattern without the names' names.
    fn shape(&self) -> (Option<&str>, Vec<&str>, bool) {
        let segments =
            self.segments.iter().map(|segment| if is_name(segment) { "{}" } else { segment }).collect();
        (self.host, segments, self.rest)
    }

    fn collides(&self, other: &Self) -> bool {
        self.shape() == other.shape()
            && match (&self.methods, &other.methods) {
                (None, None) => true,
                (Some(mine), Some(theirs)) => mine.iter().any(|method| theirs.contains(method)),
                _ => false,
            }
    }

    /// How specific it is for `path`, the smaller the more; `None` if it does not name it.
    fn specificity(&self, path: &str) -> Option<Vec<u8>> {
        let parts: Vec<&str> = path[1..].split('/').collect();
        let fits = |(segment, part): (&&str, &&str)| {
            if is_name(segment) { !part.is_empty() } else { segment == part }
        };
        let enough =
            if self.rest { parts.len() >= self.segments.len() } else { parts.len() == self.segments.len() };
        (enough && self.segments.iter().zip(&parts).all(fits)).then(|| {
            let end = if self.rest { 2 } else { 0 };
            self.segments.iter().map(|segment| u8::from(is_name(segment))).chain([end]).collect()
        })
    }
}

fn is_name(segment: &str) -> bool {
    segment.starts_with('{')
}

/// The reckoning: every route is looked at.
fn reckon(plans: &[Plan], host: Option<&str>, method: &str, path: &str) -> String {
    for own in [host, None] {
        let best =
            plans.iter().filter(|plan| plan.host == own).filter_map(|plan| plan.specificity(path)).min();
        let Some(best) = best else { continue };
        let chosen = || {
            plans
                .iter()
                .enumerate()
                .filter(|(_, plan)| plan.host == own && plan.specificity(path).as_ref() == Some(&best))
        };
        let by_name =
            chosen().find(|(_, plan)| plan.methods.as_ref().is_some_and(|names| names.contains(&method)));
        let by_any = || chosen().find(|(_, plan)| plan.methods.is_none());
        if let Some((id, _)) = by_name.or_else(by_any) {
            return id.to_string();
        }
        let mut names: Vec<&str> = chosen().flat_map(|(_, plan)| plan.methods.clone().unwrap()).collect();
        names.sort_unstable();
        return format!("405 {}", names.join(", "));
    }
    "default".into()
}

fn plan() -> impl Strategy<Value = Plan> {
    let segment = select(&["a", "a", "b", "{x}", "{y}"][..]);
    let methods = prop_oneof![
        1 => Just(None),
        1 => btree_set(select(&["GET", "POST", "PUT"][..]), 1..3).prop_map(|names| Some(names.into_iter().collect())),
    ];
    (
        select(&[None, None, Some("one.test"), Some("two.test")][..]),
        vec(segment, 0..4),
        any::<bool>(),
        any::<bool>(),
        methods,
    )
        .prop_map(|(host, mut segments, rest, slash, methods)| {
            // A name stands once in a pattern.
            for name in ["{x}", "{y}"] {
                let mut seen = false;
                segments.retain(|segment| *segment != name || !std::mem::replace(&mut seen, true));
            }
            if !rest && (slash || segments.is_empty()) {
                segments.push("");
            }
            Plan { host, segments, rest, methods }
        })
}

fn shuffled() -> impl Strategy<Value = (Vec<Plan>, Vec<usize>)> {
    vec(plan(), 0..9).prop_flat_map(|plans| {
        let order: Vec<usize> = (0..plans.len()).collect();
        (Just(plans), Just(order).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn the_table_agrees_with_looking_at_every_route((plans, order) in shuffled(), drop_ties in any::<bool>()) {
        let mut kept: Vec<Plan> = Vec::new();
        for plan in plans {
            if !drop_ties || !kept.iter().any(|earlier| earlier.collides(&plan)) {
                kept.push(plan);
            }
        }
        let plans = kept;
        let ties = (0..plans.len()).any(|i| (0..i).any(|j| plans[i].collides(&plans[j])));
        let order: Vec<usize> = order.into_iter().filter(|&id| id < plans.len()).collect();
        let built = RouteTable::build(order.iter().map(|&id| plans[id].spec(id)).collect(), (Access::Denied, 0));
        prop_assert_eq!(built.is_err(), ties, "{:?}", built);
        let Ok(table) = built else { return Ok(()) };
        let paths = ["/", "/a", "/a/", "/b", "/c", "/a/a", "/a/b", "/b/a", "/a/b/", "/a/c", "/c/b", "/a/b/a", "/b/b/b", "/c/c/c", "/a/a/a/a"];
        for path in paths {
            for host in [None, Some("one.test"), Some("two.test"), Some("three.test")] {
                for method in ["GET", "POST", "DELETE"] {
                    let parsed = host.map(|host| Host::parse(host.as_bytes()).unwrap());
                    let found = match table.find(parsed.as_ref(), &method.parse::<Method>().unwrap(), path) {
                        Found::Route(route) => route.name.clone(),
                        Found::MethodNotAllowed(allow) => format!("405 {}", allow.to_str().unwrap()),
                        Found::LikeAnother => "400".to_owned(),
                    };
                    prop_assert_eq!(found, reckon(&plans, host, method, path), "{} {:?} {}", method, host, path);
                }
            }
        }
    }

    #[test]
    fn any_text_is_a_pattern_or_refused(text in prop_oneof![".{0,20}", "[/a{}*x.%2:]{0,12}"]) {
        if let Ok(pattern) = Pattern::parse(&text) {
            prop_assert_eq!(pattern.as_str(), text);
        }
    }
}
