//! The most specific route wins, in every order; what could be meant twice is refused.

use super::*;
use crate::route::{Pattern, StreamRules};

fn spec(text: &str) -> RouteSpec {
    // "GET,HEAD example.org/path": methods and host are optional.
    let (methods, rest) = text.split_once(' ').map_or((None, text), |(methods, rest)| (Some(methods), rest));
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    RouteSpec {
        name: text.into(),
        pattern: Pattern::parse(path).unwrap(),
        host: (!host.is_empty()).then(|| Host::parse(host.as_bytes()).unwrap()),
        methods: methods.map(|list| list.split(',').map(|name| name.parse().unwrap()).collect()),
        access: Access::Authenticated,
        scopes: ScopeRule::None,
        upstream: 0,
        timeout: None,
        body_limit: None,
        forward_authorization: None,
        on_stale: None,
        streams: StreamRules::default(),
        line: 7,
    }
}

fn table(routes: &[&str]) -> RouteTable {
    RouteTable::build(routes.iter().map(|text| spec(text)).collect(), (Access::Denied, 3)).unwrap()
}

fn find(table: &RouteTable, method: &str, host: &str, path: &str) -> String {
    let host = (!host.is_empty()).then(|| Host::parse(host.as_bytes()).unwrap());
    match table.find(host.as_ref(), &method.parse().unwrap(), path) {
        Found::Route(route) => route.name.clone(),
        Found::MethodNotAllowed(allow) => format!("405 {}", allow.to_str().unwrap()),
        Found::LikeAnother => "400".to_owned(),
    }
}

/// The expectations hold whatever the order of the routes.
fn in_every_order(routes: &[&str], cases: &[(&str, &str, &str, &str)]) {
    for turn in 0..routes.len() {
        for flipped in [false, true] {
            let mut routes = routes.to_vec();
            routes.rotate_left(turn);
            if flipped {
                routes.reverse();
            }
            let table = table(&routes);
            for (method, host, path, expected) in cases {
                assert_eq!(
                    find(&table, method, host, path),
                    *expected,
                    "{method} {host}{path} of {routes:?}"
                );
            }
        }
    }
}

#[test]
fn the_most_specific_path_wins() {
    in_every_order(
        &["/**", "/a/{x}/c", "/a/**", "/a/b/d", "/a/{x}", "/a/b/**", "/a/b", "/{y}/b", "/"],
        &[
            ("GET", "", "/", "/"),
            ("GET", "", "/a", "/a/**"),
            ("GET", "", "/a/", "/a/**"),
            ("GET", "", "/a/b", "/a/b"),
            ("GET", "", "/a/b/", "/a/b/**"),
            ("GET", "", "/a/b/c", "/a/b/**"),
            ("GET", "", "/a/b/d", "/a/b/d"),
            ("GET", "", "/a/b/d/", "/a/b/**"),
            ("GET", "", "/a/z", "/a/{x}"),
            ("GET", "", "/a/z/c", "/a/{x}/c"),
            ("GET", "", "/a/z/d", "/a/**"),
            ("GET", "", "/z/b", "/{y}/b"),
            ("GET", "", "/z/c", "/**"),
            ("GET", "", "/ab", "/**"),
            ("GET", "", "/A/b", "/{y}/b"),
        ],
    );
}

#[test]
fn a_dead_end_is_backed_out_of() {
    in_every_order(
        &["/a/{x}/c", "/{y}/b/d", "/{y}/{z}/e"],
        &[
            ("GET", "", "/a/b/c", "/a/{x}/c"),
            ("GET", "", "/a/b/d", "/{y}/b/d"),
            ("GET", "", "/a/b/e", "/{y}/{z}/e"),
            ("GET", "", "/a/b/f", "default"),
        ],
    );
}

#[test]
fn a_prefix_ends_at_a_segment() {
    in_every_order(
        &["/public/**", "/healthz"],
        &[
            ("GET", "", "/public", "/public/**"),
            ("GET", "", "/public/x/y", "/public/**"),
            ("GET", "", "/publicity", "default"),
            ("GET", "", "/public-admin", "default"),
            ("GET", "", "/public.bak", "default"),
            ("GET", "", "/PUBLIC/x", "default"),
            ("GET", "", "/healthzz", "default"),
            ("GET", "", "/healthz/", "default"),
        ],
    );
}

/// What a method is answered that no route can name.
const SERVED_NOWHERE: &str = "405 GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

#[test]
fn methods_are_looked_up_in_the_deciding_pattern_only() {
    in_every_order(
        &[
            "POST,PUT /event/**",
            "GET /event/**",
            "/event/new",
            "GET /event/{id}",
            "/**",
            "DELETE /all",
            "/all",
        ],
        &[
            ("GET", "", "/event/a/b", "GET /event/**"),
            ("PUT", "", "/event/", "POST,PUT /event/**"),
            ("HEAD", "", "/event/a/b", "405 GET, POST, PUT"),
            ("get", "", "/event/a/b", "405 GET, POST, PUT"),
            ("POST", "", "/event/7", "405 GET"),
            ("OPTIONS", "", "/event/new", "/event/new"),
            ("PURGE", "", "/event/new", SERVED_NOWHERE),
            ("DELETE", "", "/all", "DELETE /all"),
            ("GET", "", "/all", "/all"),
        ],
    );
    in_every_order(
        &["/x"],
        &[("TRACE", "", "/nowhere", SERVED_NOWHERE), ("PATCH", "", "/nowhere", "default")],
    );
}

#[test]
fn a_host_of_its_own_comes_first_where_it_names_the_path() {
    in_every_order(
        &["api.test/**", "GET api.test/x", "/x", "/y/z", "other.test/y/**"],
        &[
            ("GET", "api.test", "/x", "GET api.test/x"),
            ("GET", "API.TEST:80", "/x", "GET api.test/x"),
            ("POST", "api.test.", "/x", "405 GET"),
            ("GET", "api.test", "/y/z", "api.test/**"),
            ("GET", "other.test", "/y/z", "other.test/y/**"),
            ("GET", "other.test", "/x", "/x"),
            ("GET", "third.test", "/y/z", "/y/z"),
            ("GET", "", "/x", "/x"),
            ("GET", "third.test", "/q", "default"),
        ],
    );
}

#[test]
fn no_spelling_of_a_literal_dodges_it() {
    in_every_order(
        &["/**", "/event:delete", "/caf%C3%A9/**", "/a%40b"],
        &[
            ("GET", "", "/event:delete", "/event:delete"),
            ("GET", "", "/event%3Adelete", "/event:delete"),
            ("GET", "", "/event%3adelete", "/event:delete"),
            ("GET", "", "/caf%c3%A9/x", "/caf%C3%A9/**"),
            ("GET", "", "/a@b", "/a%40b"),
        ],
    );
}

#[test]
fn a_name_is_never_an_empty_segment() {
    in_every_order(
        &["/event/{id}", "/{x}"],
        &[
            ("GET", "", "/event/", "default"),
            ("GET", "", "/", "default"),
            ("GET", "", "/event/%20", "/event/{id}"),
            ("GET", "", "/event", "/{x}"),
        ],
    );
}

#[test]
fn every_tie_is_reported() {
    let routes: Vec<RouteSpec> = [
        "/event/{id}",
        "/event/{name}",
        "GET,PUT /x",
        "PUT,GET,POST /x",
        "POST /x",
        "a.test/x",
        "/x",
        "a.test/x",
        "/a%40b",
        "/a@b",
        "GET,GET /twice",
    ]
    .map(spec)
    .into();
    let problems = RouteTable::build(routes, (Access::Denied, 0)).unwrap_err();
    let found: Vec<(usize, usize, &str)> =
        problems.iter().map(|problem| (problem.route, problem.with, problem.message.as_str())).collect();
    assert_eq!(
        found,
        [
            (
                1,
                0,
                "`/event/{name}` names the same paths as `/event/{id}` in line 7, and both take every method"
            ),
            (3, 2, "`/x` is also the path of the route in line 7, and both take PUT, GET"),
            (4, 3, "`/x` is also the path of the route in line 7, and both take POST"),
            (7, 5, "`/x` is also the path of the route in line 7, and both take every method"),
            (9, 8, "`/a@b` names the same paths as `/a%40b` in line 7, and both take every method"),
            (10, 10, "`/twice` names a method twice"),
        ]
    );
    let mut none = spec("/x");
    none.methods = Some(Vec::new());
    assert_eq!(RouteTable::build(vec![none], (Access::Denied, 0)).unwrap_err().len(), 1);
}

#[test]
fn the_default_is_the_last_route() {
    let table = table(&["/a", "/b"]);
    let ids: Vec<(usize, &str)> =
        table.routes().iter().map(|route| (route.id, route.name.as_str())).collect();
    assert_eq!(ids, [(0, "/a"), (1, "/b"), (2, "default")]);
    let last = &table.routes()[2];
    assert_eq!((last.access, last.upstream, last.line), (Access::Denied, 3, 0));
}

#[test]
fn letters_of_the_other_case_open_nothing() {
    let scoped = |text: &str, access, scope: &str| {
        let scopes = if scope.is_empty() {
            ScopeRule::None
        } else {
            ScopeRule::All(crate::identity::Scopes::parse(scope).unwrap())
        };
        RouteSpec { access, scopes, ..spec(text) }
    };
    let routes = vec![
        scoped("/api/**", Access::Authenticated, "api"),
        scoped("/public/**", Access::Public, ""),
        scoped("/public/mine/**", Access::Authenticated, ""),
        scoped("GET /read/**", Access::Authenticated, ""),
        scoped("/Users/{id}", Access::Public, ""),
        scoped("/users/{id}", Access::Authenticated, "users"),
        scoped("/files/{name}", Access::Authenticated, "files"),
        scoped("/files/Secret", Access::Denied, ""),
        scoped("own.test/**", Access::Authenticated, ""),
    ];
    let table = RouteTable::build(routes, (Access::Authenticated, 0)).unwrap();
    for (method, host, path, found) in [
        ("GET", "", "/api/X", "/api/**"),
        ("GET", "", "/API/x", "400"),
        ("GET", "", "/aPi", "400"),
        ("GET", "", "/APIs", "default"),
        ("GET", "", "/PUBLIC/x", "default"),
        ("GET", "", "/public/MINE/x", "400"),
        ("GET", "", "/public/THEIRS/x", "/public/**"),
        ("GET", "", "/READ/x", "default"),
        ("POST", "", "/READ/x", "400"),
        ("GET", "", "/Users/1", "/Users/{id}"),
        ("GET", "", "/users/1", "/users/{id}"),
        ("GET", "", "/USERS/1", "400"),
        ("GET", "", "/files/secret", "400"),
        ("GET", "", "/files/other", "/files/{name}"),
        ("GET", "own.test", "/API/x", "own.test/**"),
    ] {
        assert_eq!(find(&table, method, host, path), found, "{method} {host}{path}");
    }
}
