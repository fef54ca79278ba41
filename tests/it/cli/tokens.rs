//! Tokens are made, looked into and ended on the command line, with no gateway running.

use std::fs;

use serde_json::Value;

use super::{Home, gatepass};

#[test]
fn a_minted_token_says_what_was_asked() {
    let home = Home::new();
    let token = home.minted(&["--scope", "drive park", "--lifetime", "1h", "--client-id", "fleet"]);
    let said = home.gatepass(&["token", "inspect", "-"], &token).yes();
    assert!(said.err.contains("nothing of it verified") && said.err.contains("a good token"), "{said:?}");
    let claims = &said.json()["claims"];
    assert_eq!((&claims["sub"], &claims["scope"]), (&Value::from("car:42"), &Value::from("drive park")));
    assert_eq!(claims["client_id"], "fleet");
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
    assert_eq!(said.json()["header"]["alg"], "HS256");

    // Without a configuration there is nothing to judge it by.
    let elsewhere = gatepass(&["token", "inspect", &token]).yes();
    assert!(!elsewhere.err.contains("verdict"), "{elsewhere:?}");
    // Another gateway does not believe it.
    let other = Home::new();
    fs::write(other.0.path().join("gatepass.secret"), "another secret of more than thirty-two bytes\n")
        .unwrap();
    let said = other.gatepass(&["token", "inspect", &token], "").yes();
    assert!(said.err.contains("not a good token"), "{said:?}");
    gatepass(&["token", "inspect", "nonsense"]).no(1);
}

#[test]
fn a_token_may_not_outlive_the_bound() {
    let home = Home::new();
    let said = home.gatepass(&["token", "mint", "--sub", "a", "--lifetime", "25h"], "").no(2);
    assert!(said.err.contains("max_lifetime"), "{said:?}");
    home.gatepass(&["token", "mint", "--sub", "a", "--lifetime", "0s"], "").no(2);
}

#[test]
fn revoked_without_a_gateway_is_revoked() {
    let home = Home::new();
    let explain = |token: &str| {
        home.gatepass(&["explain", "GET", "/event/", "--token-stdin", "--format", "json"], token)
    };
    let (one, other) = (home.minted(&[]), home.minted(&[]));
    assert_eq!(explain(&one).yes().json()["reason"], "authenticated");

    let said = home.gatepass(&["token", "revoke", "-"], &one).yes();
    assert!(said.out.contains("no gateway is running here"), "{said:?}");
    let refused = explain(&one);
    assert_eq!(refused.code, 1);
    assert_eq!(refused.json()["reason"], "revoked_token");
    assert_eq!(refused.json()["status"], 401);
    assert_eq!(explain(&other).yes().json()["reason"], "authenticated");

    home.gatepass(&["token", "revoke", "nonsense"], "").no(1);
    home.gatepass(&["token", "revoke", "--user", "nobody"], "").no(1);
    home.gatepass(&["token", "revoke", "--login", "not a sid"], "").no(2);
    home.gatepass(&["token", "revoke", "--login", "0Zr3VbZ5T6iVn0YlOQpU2w"], "").yes();
}
