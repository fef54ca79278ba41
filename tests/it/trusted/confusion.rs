//! Which key makes whose tokens? Every secret with every shape of token, as an attacker would try them.

use gatepass::token::TokenError::{
    AlgorithmNotAllowed, BadSignature, MissingClaim, UnknownKey, WrongAudience, WrongIssuer, WrongType,
};
use serde_json::{Value, json};

use super::{Keeper, LEGACY, NOW, TUTORIAL, by_legacy, error, good, kid, ours, plain, tutorial, verifier};
use crate::world::SECRET;
use crate::world::tokens::sign;

#[test]
fn a_secret_of_theirs_makes_no_token_of_ours() {
    let verifier = verifier(&Keeper::new().entry("legacy", LEGACY, TUTORIAL));
    let at = json!({ "alg": "HS256", "typ": "at+jwt" });
    let with_kid = json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid() });
    let other_kid = json!({ "alg": "HS256", "typ": "JWT", "kid": "their-key-1" });
    let (our_claims, theirs) = (ours(&json!({})), tutorial(&json!({})));
    for (what, header, claims, secret, expected) in [
        ("ours", &with_kid, &our_claims, SECRET, None),
        ("ours, without kid", &at, &our_claims, SECRET, None),
        ("theirs", &plain(), &theirs, LEGACY, None),
        ("theirs, with a kid of their own", &other_kid, &theirs, LEGACY, None),
        ("their secret, our claims", &at, &our_claims, LEGACY, Some(WrongIssuer)),
        ("their secret, our claims, JWT", &plain(), &our_claims, LEGACY, Some(WrongType)),
        ("their secret, our claims, our kid", &with_kid, &our_claims, LEGACY, Some(BadSignature)),
        ("their secret, their claims, our kid", &with_kid, &theirs, LEGACY, Some(BadSignature)),
        ("our secret, their claims", &plain(), &theirs, SECRET, Some(WrongType)),
        ("our secret, their claims, our kid", &with_kid, &theirs, SECRET, Some(MissingClaim("iss"))),
        ("our secret, their claims, our type", &at, &theirs, SECRET, Some(MissingClaim("iss"))),
        ("our secret, another kid", &other_kid, &our_claims, SECRET, Some(UnknownKey)),
        (
            "a secret of nobody's",
            &plain(),
            &theirs,
            "a secret that nobody here has heard of, ever",
            Some(BadSignature),
        ),
    ] {
        assert_eq!(error(&verifier, &sign(header, claims, secret.as_bytes())), expected, "{what}");
    }
}

#[test]
fn no_algorithm_but_the_one() {
    let verifier = verifier(&Keeper::new().entry("legacy", LEGACY, TUTORIAL));
    for alg in ["none", "None", "HS384", "RS256", "hs256"] {
        let token = sign(&json!({ "alg": alg, "typ": "JWT" }), &tutorial(&json!({})), LEGACY.as_bytes());
        assert_eq!(error(&verifier, &token), Some(AlgorithmNotAllowed), "{alg}");
    }
    let unsigned = by_legacy(&json!({})).rsplit_once('.').unwrap().0.to_owned() + ".";
    assert!(error(&verifier, &unsigned).is_some());
    for (name, value) in [("crit", json!(["exp"])), ("cty", json!("JWT")), ("zip", json!("DEF"))] {
        let header = json!({ "alg": "HS256", "typ": "JWT", name: value });
        assert_eq!(
            error(&verifier, &sign(&header, &tutorial(&json!({})), LEGACY.as_bytes())),
            Some(WrongType)
        );
    }
}

#[test]
fn with_one_secret_the_issuer_tells_who_made_it() {
    // The application shares our very secret: `iss` is all that tells its tokens from ours.
    let verifier = verifier(&Keeper::new().entry("legacy", SECRET, TUTORIAL));
    let by_us = |header: &Value, claims: &Value| sign(header, claims, SECRET.as_bytes());
    let with_kid = json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid() });
    let mine = good(&verifier, &by_us(&with_kid, &ours(&json!({}))));
    assert_eq!((mine.trusted(), mine.scopes().as_str()), (None, "admin event:read"));
    for header in [plain(), with_kid.clone()] {
        let theirs = good(&verifier, &by_us(&header, &tutorial(&json!({ "scope": "admin items" }))));
        assert_eq!(
            (theirs.trusted(), theirs.scopes().as_str()),
            (Some("legacy"), "items"),
            "cut to the ceiling"
        );
    }
    for (what, header, claims, expected) in [
        ("ours is no JWT of any kind", plain(), ours(&json!({})), WrongType),
        ("ours lacks nothing", with_kid.clone(), ours(&json!({"jti": null})), MissingClaim("jti")),
        (
            "ours without iss is theirs, and for nobody",
            with_kid.clone(),
            ours(&json!({"iss": null})),
            WrongAudience,
        ),
        ("an issuer that nobody is", plain(), tutorial(&json!({"iss": "https://evil.test"})), WrongType),
        (
            "the same, as an access token",
            with_kid,
            tutorial(&json!({"iss": "https://evil.test"})),
            WrongIssuer,
        ),
        (
            "no issuer but something in its place",
            plain(),
            tutorial(&json!({"iss": null, "aud": 7})),
            WrongAudience,
        ),
    ] {
        assert_eq!(error(&verifier, &by_us(&header, &claims)), Some(expected), "{what}");
    }
}

#[test]
fn what_is_looser_for_one_issuer_is_so_for_no_other() {
    let keeper = Keeper::new();
    let strict =
        "issuer = \"https://strict.test\"\naudience = \"app\"\noptional = [\"typ\"]\nsubject_prefix = \"s:\"";
    let loose = format!("issuer = \"https://loose.test\"{TUTORIAL}").replace("[\"iss\", ", "[");
    let verifier =
        verifier(&(keeper.entry("strict", LEGACY, strict) + &keeper.entry("loose", LEGACY, &loose)));
    let full = json!({ "iss": "https://strict.test", "aud": "app", "jti": "j", "iat": NOW });
    assert_eq!(good(&verifier, &by_legacy(&full)).subject().as_str(), "s:ada");
    assert_eq!(
        good(&verifier, &by_legacy(&json!({ "iss": "https://loose.test" }))).subject().as_str(),
        "ada"
    );
    for (what, changes, expected) in [
        ("no iss", json!({}), WrongType),
        (
            "strict needs jti",
            json!({ "iss": "https://strict.test", "aud": "app", "iat": NOW }),
            MissingClaim("jti"),
        ),
        (
            "strict needs iat",
            json!({ "iss": "https://strict.test", "aud": "app", "jti": "j" }),
            MissingClaim("iat"),
        ),
        (
            "strict needs aud",
            json!({ "iss": "https://strict.test", "jti": "j", "iat": NOW }),
            MissingClaim("aud"),
        ),
        ("loose has none", json!({ "iss": "https://loose.test", "aud": "app" }), WrongAudience),
    ] {
        assert_eq!(error(&verifier, &by_legacy(&changes)), Some(expected), "{what}");
    }
}

#[test]
fn each_secret_makes_the_tokens_of_its_own_entry() {
    // A rotation at the application: the weak old secret for a while, beside the strong new one.
    let keeper = Keeper::new();
    let old = "secret";
    let weak = format!("{TUTORIAL}weak_secret = true\n").replace("\"items\"", "\"read\"");
    let verifier = verifier(&(keeper.entry("new", LEGACY, TUTORIAL) + &keeper.entry("old", old, &weak)));
    let claims = tutorial(&json!({ "scope": "me items read" }));
    let scopes =
        |secret: &str| good(&verifier, &sign(&plain(), &claims, secret.as_bytes())).scopes().to_string();
    assert_eq!((scopes(LEGACY), scopes(old)), ("items me".to_owned(), "me read".to_owned()));
    let mixed = sign(&json!({ "alg": "HS256", "typ": "at+jwt" }), &ours(&json!({})), old.as_bytes());
    assert_eq!(error(&verifier, &mixed), Some(WrongIssuer));
}

#[test]
fn a_secret_that_was_ours_is_only_theirs_for_their_tokens() {
    let keeper = Keeper::new();
    let text =
        crate::world::config_text(([127, 0, 0, 1], 9).into(), &keeper.entry("legacy", LEGACY, TUTORIAL));
    let previous = format!("previous = [{{ file = \"{}\" }}]\n", keeper.file(LEGACY).display());
    let text = text.replace("max_lifetime = \"24h\"\n", &format!("max_lifetime = \"24h\"\n{previous}"));
    let verifier = super::verifier_of(&text);
    assert_eq!(good(&verifier, &by_legacy(&json!({}))).trusted(), Some("legacy"));
    // Two keys of ours and no kid: which was meant is never guessed.
    let at = json!({ "alg": "HS256", "typ": "at+jwt" });
    assert_eq!(error(&verifier, &sign(&at, &ours(&json!({})), LEGACY.as_bytes())), Some(WrongIssuer));
    let former = gatepass::token::key_of(&LEGACY.into()).as_str().to_owned();
    let at = json!({ "alg": "HS256", "typ": "at+jwt", "kid": former });
    assert_eq!(good(&verifier, &sign(&at, &ours(&json!({})), LEGACY.as_bytes())).trusted(), None);
}
