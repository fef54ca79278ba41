//! `explain` says what a gateway would do, by the same word, check by check.

use super::{Home, Said};

#[test]
fn a_request_is_explained_check_by_check() {
    let home = Home::with_ada();
    let explain =
        |args: &[&str]| home.gatepass(&[&["explain"][..], args, &["--format", "json"]].concat(), "");
    let outcome = |said: &Said| {
        let answer = said.json();
        (said.code, answer["reason"].as_str().unwrap().to_owned(), answer["status"].as_u64().unwrap())
    };
    let is = |args: &[&str], code: i32, reason: &str, status: u64| {
        assert_eq!(outcome(&explain(args)), (code, reason.to_owned(), status), "{args:?}");
    };
    is(&["GET", "/docs"], 0, "public", 200);
    is(&["GET", "/event/"], 1, "missing_token", 401);
    is(&["GET", "/event/../docs"], 1, "bad_target", 400);
    is(&["GET", "/docs", "--host", "a b"], 1, "bad_host", 400);
    is(&["PATCH", "/event/1"], 1, "method_not_allowed", 405);
    is(&["PROPFIND", "/nowhere/named"], 1, "method_not_allowed", 405);
    is(&["POST", "/token"], 0, "endpoint", 200);
    is(&["GET", "/event/", "--token", "nonsense"], 1, "malformed_token", 401);
    is(&["POST", "/event/new", "--scopes", "event:read"], 1, "insufficient_scope", 403);
    is(&["POST", "/event/new", "--scopes", "event:write"], 0, "authenticated", 200);

    let answer = explain(&["POST", "/event/new", "--user", "ada@example.org"]).yes().json();
    assert_eq!(answer["upstream"]["headers"]["x-auth-user"], "ada@example.org");
    assert_eq!(answer["upstream"]["authorization_forwarded"], false);
    assert!(answer["route"]["line"].as_u64().unwrap() > 0);
    let checks: Vec<&str> =
        answer["steps"].as_array().unwrap().iter().map(|step| step["check"].as_str().unwrap()).collect();
    let order = ["target", "host", "endpoint", "route", "method", "credential", "token", "revoked", "scopes"];
    let places: Vec<usize> =
        order.iter().map(|check| checks.iter().position(|seen| seen == check).unwrap()).collect();
    assert!(places.is_sorted(), "{checks:?}");

    // Revoking and coming back: what was signed in before stays out, a new sign-in does not.
    home.gatepass(&["token", "revoke", "--user", "ada@example.org"], "").yes();
    is(&["POST", "/event/new", "--user", "ada@example.org"], 0, "authenticated", 200);
    home.gatepass(&["user", "disable", "ada@example.org"], "").yes();
    explain(&["POST", "/event/new", "--user", "ada@example.org"]).no(1);

    let text = home.gatepass(&["explain", "GET", "/event/"], "");
    assert_eq!(text.code, 1);
    assert!(text.out.contains("missed") && text.out.contains("missing_token"), "{text:?}");
}

#[test]
fn headers_are_told_as_the_upstream_gets_them() {
    let home = Home::new();
    home.gatepass(&["user", "add", "jürgen@example.org", "--password-stdin"], "correct horse battery\n")
        .yes();
    let answer =
        home.gatepass(&["explain", "GET", "/event/", "--user", "jürgen@example.org", "--format", "json"], "");
    assert_eq!(answer.yes().json()["upstream"]["headers"]["x-auth-user"], "j%C3%BCrgen@example.org");
}

#[test]
fn asking_makes_no_store() {
    let home = Home::new();
    home.gatepass(&["explain", "GET", "/event/", "--scopes", "x"], "").yes();
    assert!(!home.0.path().join("gatepass.db").exists());
}
