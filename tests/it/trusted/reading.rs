//! What do an issuer's claims mean? Other names, other forms, what is missing, what is too much.

use gatepass::token::TokenError::{Expired, LifetimeTooLong, MissingClaim, NotYetValid, WrongType};
use serde_json::{Value, json};

use super::{Keeper, LEGACY, NOW, TUTORIAL, by_legacy, error, good, plain, verifier};
use crate::world::tokens::sign;

/// The token of the well-known event planner: no `exp`, no `sub`.
const PLANNER: &str = r#"
optional = ["iss", "aud", "jti", "iat", "typ"]
claims = { sub = "user", exp = "expires", preferred_username = "user" }
"#;

fn by_planner(claims: &Value) -> String {
    sign(&plain(), claims, LEGACY.as_bytes())
}

#[test]
fn claims_have_their_own_names() {
    let verifier = verifier(&Keeper::new().entry("planner", LEGACY, PLANNER));
    let token = by_planner(&json!({ "user": "ada@example.org", "expires": 1_800_003_600.25 }));
    let read = good(&verifier, &token);
    assert_eq!(read.subject().as_str(), "planner:ada@example.org", "its people are not ours");
    assert_eq!(read.claim("preferred_username"), Some("planner:ada@example.org"));
    assert_eq!((read.expires().millis(), read.issuer()), (1_800_003_600_250, "planner"));
    assert_eq!((read.token_id(), read.claim("jti"), read.claim("email")), (None, None, None));
    let user = |expires: Value| json!({ "user": "ada", "expires": expires });
    for (claims, expected) in [
        (user(json!(NOW)), Expired),
        (user(json!(f64::from(1_799_999_999) + 0.9)), Expired),
        (user(json!(-1)), MissingClaim("exp")),
        (user(json!("1800003600")), MissingClaim("exp")),
        (user(json!(1e300)), MissingClaim("exp")),
        (user(json!(u64::MAX)), MissingClaim("exp")),
        (user(json!(null)), MissingClaim("exp")),
        (json!({ "user": "ada" }), MissingClaim("exp")),
        (json!({ "user": "ada", "exp": NOW + 60 }), MissingClaim("exp")),
        (json!({ "sub": "ada", "expires": NOW + 60 }), MissingClaim("sub")),
        (json!({ "user": "", "expires": NOW + 60 }), MissingClaim("sub")),
        (json!({ "user": " ", "expires": NOW + 60 }), MissingClaim("sub")),
        (json!({ "user": "a\r\nX-Admin: 1", "expires": NOW + 60 }), MissingClaim("sub")),
        (json!({ "user": ["ada"], "expires": NOW + 60 }), MissingClaim("sub")),
        (json!({ "user": "x".repeat(250), "expires": NOW + 60 }), MissingClaim("sub")),
        (user(json!(NOW + 86_401)), LifetimeTooLong),
    ] {
        assert_eq!(error(&verifier, &by_planner(&claims)), Some(expected), "{claims}");
    }
    let number = json!({ "user": 42, "expires": NOW + 60 });
    assert_eq!(good(&verifier, &by_planner(&number)).subject().as_str(), "planner:42");
}

#[test]
fn what_may_be_absent_may_not_be_malformed() {
    let verifier = verifier(&Keeper::new().entry("legacy", LEGACY, TUTORIAL));
    let issued = |iat: u64, exp: u64| json!({ "iat": iat, "exp": exp });
    assert_eq!(error(&verifier, &by_legacy(&issued(NOW - 86_000, NOW + 400))), None);
    for (changes, expected) in [
        (json!({ "jti": 7 }), MissingClaim("jti")),
        (json!({ "jti": "a b" }), MissingClaim("jti")),
        (json!({ "iat": "now" }), MissingClaim("iat")),
        (json!({ "nbf": "now" }), MissingClaim("nbf")),
        (json!({ "iat": NOW + 6 }), NotYetValid),
        (json!({ "nbf": NOW + 6 }), NotYetValid),
        (issued(NOW - 86_000, NOW + 401), LifetimeTooLong),
        (json!({ "sub": 7 }), MissingClaim("sub")),
    ] {
        assert_eq!(error(&verifier, &by_legacy(&changes)), Some(expected), "{changes}");
    }
    assert_eq!(good(&verifier, &by_legacy(&json!({ "jti": "j-1" }))).claim("jti"), Some("j-1"));
    for (typ, expected) in [
        (json!("jwt"), None),
        (json!("at+jwt"), None),
        (json!("refresh+jwt"), Some(WrongType)),
        (json!(7), Some(WrongType)),
    ] {
        let header = json!({ "alg": "HS256", "typ": typ });
        let token = sign(&header, &super::tutorial(&json!({})), LEGACY.as_bytes());
        assert_eq!(error(&verifier, &token), expected, "{typ}");
    }
    let untyped = sign(&json!({ "alg": "HS256" }), &super::tutorial(&json!({})), LEGACY.as_bytes());
    assert_eq!(error(&verifier, &untyped), None);
}

#[test]
fn scopes_may_be_a_list_and_are_cut() {
    let verifier = verifier(&Keeper::new().entry(
        "legacy",
        LEGACY,
        &format!("{TUTORIAL}claims = {{ scope = \"scopes\" }}"),
    ));
    let held = |scopes: Value| good(&verifier, &by_legacy(&json!({ "scopes": scopes }))).scopes().to_string();
    assert_eq!(held(json!(["items", "me", "admin"])), "items me");
    assert_eq!(held(json!("items admin")), "items");
    assert_eq!(held(json!(["admin"])), "");
    assert_eq!(held(json!([])), "");
    for bad in [json!(["a b"]), json!([7]), json!({"me": true}), json!(7), json!(null)] {
        let token = by_legacy(&json!({ "scopes": bad }));
        let refused = (!bad.is_null()).then_some(MissingClaim("scope"));
        assert_eq!(error(&verifier, &token), refused, "{bad}");
    }
}

#[test]
fn a_shorter_life_may_be_asked_of_an_issuer() {
    let verifier =
        verifier(&Keeper::new().entry("legacy", LEGACY, &format!("{TUTORIAL}max_lifetime = \"15m\"")));
    assert_eq!(error(&verifier, &by_legacy(&json!({ "exp": NOW + 900 }))), None);
    assert_eq!(error(&verifier, &by_legacy(&json!({ "exp": NOW + 901 }))), Some(LifetimeTooLong));
}

#[test]
fn only_its_access_tokens_are_access_tokens() {
    let entry = format!("{TUTORIAL}require = {{ type = \"access\" }}");
    let verifier = verifier(&Keeper::new().entry("legacy", LEGACY, &entry));
    assert_eq!(error(&verifier, &by_legacy(&json!({ "type": "access" }))), None);
    for other in [json!("refresh"), json!(null), json!(["access"]), json!("Access")] {
        assert_eq!(error(&verifier, &by_legacy(&json!({ "type": other }))), Some(WrongType), "{other}");
    }
}

#[test]
fn a_login_of_ours_is_revoked_in_every_spelling() {
    let under = |subject: &str, rest: &str| {
        let keeper = Keeper::new();
        let text = crate::world::config_text(
            ([127, 0, 0, 1], 9).into(),
            &keeper.entry("legacy", LEGACY, &format!("{TUTORIAL}{rest}")),
        );
        super::verifier_of(&text.replace("[users]\n", &format!("{subject}\n[users]\n")))
    };
    let user = |verifier: &gatepass::token::Verifier, sub: &str| {
        let read = good(verifier, &by_legacy(&json!({ "sub": sub })));
        (read.subject().to_string(), read.digests().user)
    };
    let digest = |sub: &str| {
        let subject = gatepass::identity::Subject::parse(sub).unwrap();
        gatepass::identity::Digest::of_user("https://gw.test", &subject)
    };
    let plain = under("subject = \"login\"", "");
    assert_eq!(user(&plain, "Ada@Example.ORG"), ("Ada@Example.ORG".to_owned(), digest("ada@example.org")));
    let prefixed = "subject = \"login\"\nsubject_prefix = \"User:\"";
    let added = under(prefixed, "subject_prefix = \"User:\"");
    assert_eq!(user(&added, "Ada"), ("User:Ada".to_owned(), digest("User:ada")));
    let theirs = under(prefixed, "");
    assert_eq!(user(&theirs, "User:Ada"), ("User:Ada".to_owned(), digest("User:ada")));
    assert_eq!(user(&theirs, "Ada"), ("Ada".to_owned(), digest("Ada")), "nobody of ours");
    // Identifiers are not logins: another spelling is another one.
    assert_eq!(
        user(&verifier(&Keeper::new().entry("legacy", LEGACY, TUTORIAL)), "Ada"),
        ("Ada".to_owned(), digest("Ada"))
    );
}

#[test]
fn an_issuer_with_people_of_its_own_says_nothing_of_ours() {
    let own = TUTORIAL.replace("subjects = \"shared\"", "");
    let everything = json!({
        "preferred_username": "root", "email": "root@ours.test", "client_id": "gatepass", "sid": "s-1",
        "login_version": u64::MAX >> 12,
    });
    let legacy = verifier(&Keeper::new().entry("legacy", LEGACY, &own));
    let read = good(&legacy, &by_legacy(&everything));
    assert_eq!(read.subject().as_str(), "legacy:ada");
    for name in ["preferred_username", "email", "client_id", "sid"] {
        assert_eq!((read.claim(name), read.header(name)), (None, None), "{name}");
    }
    assert_eq!((read.login_version(), read.login_id(), read.digests().login), (None, None, None));

    let shared = verifier(&Keeper::new().entry("legacy", LEGACY, TUTORIAL));
    let read = good(&shared, &by_legacy(&everything));
    assert_eq!(
        (read.claim("preferred_username"), read.claim("email")),
        (Some("root"), Some("root@ours.test"))
    );
    // A number of our own sequence would outlive every revocation, and a sign-in would be one of ours.
    assert_eq!((read.login_version(), read.login_id()), (None, None));

    let named = format!("{own}claims = {{ email = \"mail\" }}\nsubject_prefix = \"old/\"");
    let named = verifier(&Keeper::new().entry("legacy", LEGACY, &named));
    let read = good(&named, &by_legacy(&json!({ "mail": "ada@old.test", "email": "root@ours.test" })));
    assert_eq!((read.subject().as_str(), read.claim("email")), ("old/ada", Some("ada@old.test")));
}
