//! Does the architecture test find what it looks for, and nothing else? Planted violations, and look-alikes.

use super::violations;

/// What is found in these files, in which everything else is in order.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<(String, String)> =
        files.iter().map(|(path, text)| ((*path).to_owned(), format!("//! What?\n{text}"))).collect();
    violations(&files)
}

#[track_caller]
fn assert_found(files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(found(files), expected);
}

#[test]
fn an_import_from_above_is_found() {
    assert_found(
        &[("token.rs", "use crate::clock;\nuse crate::revocation::Scope;")],
        &["token.rs:3: `token` imports `revocation`, which is not below it"],
    );
    assert_found(
        &[("users/sqlite.rs", "fn x() { crate::revocation::y() }")],
        &["users/sqlite.rs:2: `users` imports `revocation`, which is not below it"],
    );
    assert_found(
        &[("answer.rs", "use crate::{\n    clock::{Clock, proxy},\n    endpoint,\n};")],
        &["answer.rs:2: `answer` imports `endpoint`, which is not below it"],
    );
    assert_found(&[("clock.rs", "use crate::elsewhere::X;")], &["clock.rs:2: `crate::elsewhere` is no room"]);
    assert_found(&[("cellar.rs", "")], &["cellar.rs: the room `cellar` has no floor"]);
    assert_found(&[("cli.rs", "use crate::{server, config::Config, demo};\npub(crate) fn x() {}")], &[]);
}

#[test]
fn the_way_around_by_super_is_found() {
    let told = "reaches the crate's root by `super`: write `crate::`";
    assert_found(&[("token.rs", "use super::clock;")], &[&format!("token.rs:2: {told}")]);
    assert_found(&[("token/key.rs", "use super::super::proxy;")], &[&format!("token/key.rs:2: {told}")]);
    assert_found(&[("token/key.rs", "use super::Settings;")], &[]);
    assert_found(&[("route/table/tree.rs", "use super::super::pattern;")], &[]);
}

#[test]
fn a_circle_is_found() {
    let circle = found(&[("identity.rs", "use crate::secret;"), ("secret.rs", "use crate::identity;")]);
    assert!(circle.contains(&"rooms in a circle: identity → secret → identity".to_owned()), "{circle:?}");
    let longer = found(&[
        ("users.rs", "use crate::password;"),
        ("password.rs", "use crate::token;"),
        ("token.rs", "use crate::users;"),
    ]);
    assert!(longer.iter().any(|told| told.starts_with("rooms in a circle: ")), "{longer:?}");
}

#[test]
fn a_crate_outside_its_fence_is_found() {
    for (path, text, fence) in [
        ("access.rs", "use jsonwebtoken::decode;", "`jsonwebtoken` is fenced into token"),
        ("access.rs", "fn x() { ::jsonwebtoken::decode() }", "`jsonwebtoken` is fenced into token"),
        (
            "users.rs",
            "use rusqlite::Connection;",
            "`rusqlite` is fenced into sqlite, users/sqlite, revocation/sqlite, accounts/sqlite, sessions/sqlite, throttle/sqlite",
        ),
        (
            "revocation/sqlite_old.rs",
            "use redis;",
            "`redis` is fenced into redis_link, revocation/redis, accounts/redis, sessions/redis, throttle/redis",
        ),
        ("endpoint.rs", "use pingora::proxy::Session;", "`pingora` is fenced into proxy, upstream, server"),
        ("proxy.rs", "type X = axum::Router;", "`axum` is fenced into endpoint, admin, demo"),
    ] {
        let found = found(&[(path, text)]);
        assert!(found.len() == 1 && found[0].ends_with(fence), "{path}: {found:?}");
    }
    assert_found(
        &[("token/verify/claims.rs", "use jsonwebtoken::X;"), ("users/sqlite.rs", "use rusqlite::X;")],
        &[],
    );
    assert_found(
        &[("revocation.rs", "mod redis;\npub use redis::Log;"), ("revocation/redis_log.rs", "use redis::X;")],
        &[],
    );
    assert_found(
        &[("access.rs", "// jsonwebtoken::decode\nfn x() { say(\"axum::Router\", self::redis::y) }")],
        &[],
    );
}

#[test]
fn shortcuts_are_found_outside_tests() {
    assert_found(
        &[("token.rs", "fn x() { y().unwrap() }\n#[allow(dead_code)]\nfn z() {}")],
        &[
            "token.rs:2: `.unwrap()`: write `expect` with the invariant",
            "token.rs:3: `#[allow(`: write `#[expect(…, reason = …)]`",
        ],
    );
    let tests = "#[cfg(test)]\nmod tests {\n    fn x() { y(\"}\").unwrap() }\n}\n";
    assert_found(&[("token.rs", tests)], &[]);
    assert_found(
        &[("token.rs", &format!("{tests}fn after() {{ y().unwrap() }}"))],
        &["token.rs:6: `.unwrap()`: write `expect` with the invariant"],
    );
    assert_found(
        &[
            ("token.rs", "#[cfg(test)]\nmod tests;"),
            ("token/tests.rs", "use crate::cli;\nfn x() { y().unwrap() }"),
        ],
        &[],
    );
    assert_found(
        &[
            ("token.rs", "#[cfg(test)]\npub(crate) mod trial;"),
            ("token/trial.rs", "use crate::cli;\nfn x() { y().unwrap() }"),
        ],
        &[],
    );
    assert_found(
        &[("token.rs", "pub(crate) mod trial;"), ("token/trial.rs", "fn x() { y().unwrap() }")],
        &["token/trial.rs:2: `.unwrap()`: write `expect` with the invariant"],
    );
    assert_found(
        &[("token/tests.rs", "fn x() { y().unwrap() }")],
        &["token/tests.rs:2: `.unwrap()`: write `expect` with the invariant"],
    );
    let looks = "fn x<'a>(c: char) { let _ = ('\"', '\\'', \"// \\\" .unwrap()\", r#\".unwrap() \" \"#); /* .unwrap() /* */ */ }";
    assert_found(&[("token.rs", looks)], &[]);
    let behind = format!("{looks}\nfn z() {{ y().unwrap() }}");
    assert_found(&[("token.rs", &behind)], &["token.rs:3: `.unwrap()`: write `expect` with the invariant"]);
}

#[test]
fn a_file_without_a_face_is_found() {
    let told = violations(&[("token.rs".into(), "use std::fmt;\n".into())]);
    assert_eq!(told, ["token.rs: does not open with `//!` and the question it answers"]);
    assert_found(&[("token/util.rs", "")], &["token/util.rs: `util` does not say what is in it"]);
    assert_found(
        &[("users/helpers/x.rs", "")],
        &["users/helpers/x.rs: `helpers` does not say what is in it"],
    );
    assert_found(&[("users/mod.rs", "")], &["users/mod.rs: `mod` does not say what is in it"]);
}
