//! Users come, change and go on the command line; passwords only ever come in on standard input.

use super::{Home, gatepass_in};

#[test]
fn a_users_life() {
    let home = Home::with_ada();
    let listed = home.gatepass(&["user", "list", "--format", "json"], "").yes().json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["login"], "ada@example.org");
    assert_eq!(listed[0]["email"], "ada@example.org");
    assert_eq!(listed[0]["scopes"], serde_json::json!(["event:read", "event:write"]));
    assert_eq!(listed[0]["disabled"], false);
    let id = listed[0]["id"].as_str().unwrap();

    let shown = home.gatepass(&["user", "show", "ADA@example.org"], "").yes();
    assert!(shown.out.contains(id) && !shown.out.contains('$'), "{shown:?}");
    assert!(home.gatepass(&["user", "list"], "").yes().out.contains(id));

    let again =
        home.gatepass(&["user", "add", "ada@example.org", "--password-stdin"], "correct horse\n").no(1);
    assert!(again.err.contains("already"), "{again:?}");
    home.gatepass(&["user", "passwd", "ada@example.org", "--password-stdin"], "battery staple\n").yes();

    let disabled = home.gatepass(&["user", "disable", "ada@example.org"], "").yes();
    assert!(disabled.out.contains("no gateway is running here"), "{disabled:?}");
    let state = |home: &Home| {
        home.gatepass(&["user", "show", "ada@example.org", "--format", "json"], "").yes().json()["disabled"]
            .clone()
    };
    assert_eq!(state(&home), true);
    home.gatepass(&["user", "enable", "ada@example.org"], "").yes();
    assert_eq!(state(&home), false);

    home.gatepass(&["user", "delete", "ada@example.org"], "").yes();
    let gone = home.gatepass(&["user", "show", "ada@example.org"], "").no(1);
    assert!(gone.err.contains("there is no user ada@example.org"), "{gone:?}");
    assert_eq!(home.gatepass(&["user", "list", "--format", "json"], "").yes().json(), serde_json::json!([]));
}

#[test]
fn a_password_that_breaks_a_rule_is_refused() {
    let home = Home::new();
    for bad in
        ["short\n", "\n", "", "nul\0in the middle\n", "two\nlines of it\n", &format!("{}\n", "x".repeat(72))]
    {
        home.gatepass(&["user", "add", "ada", "--password-stdin"], bad).no(2);
    }
    home.gatepass(&["user", "add", "ada", "--email", "nonsense", "--password-stdin"], "correct horse\n")
        .no(2);
    assert_eq!(home.gatepass(&["user", "list", "--format", "json"], "").yes().json(), serde_json::json!([]));
}

#[test]
fn a_hash_verifies() {
    let said =
        gatepass_in(tempfile::tempdir().unwrap().path(), &["hash", "--password-stdin"], "correct horse\n")
            .yes();
    let hash = said.out.trim_end();
    assert!(hash.starts_with("$2b$12$"), "{said:?}");
    assert!(bcrypt::verify("correct horse", hash).unwrap());
    assert!(!bcrypt::verify("correct horse\n", hash).unwrap());
    let configured = Home::new().gatepass(&["hash", "--password-stdin"], "correct horse\n").yes();
    assert!(configured.out.starts_with("$2b$10$"), "{configured:?}");
}
