//! Tokens and scopes: what is issued is verified as it was meant, and nothing else is verified at all.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepass::clock::{Clock, UnixTime};
use gatepass::identity::{Claims, LoginId, Scopes, Subject};
use gatepass::secret::Secret;
use gatepass::token::{Grant, Issuer, KeyRing, Minting, Settings, SubjectForm, Verifier};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use super::cases;
use super::claims::Rules;

const SECRET: &str = "a secret that only this test knows, of some length";
const NOW: u64 = 1_800_000_000;

fn settings() -> Settings {
    Settings {
        issuer: "https://gateway.test".into(),
        audience: "planner".into(),
        lifetime: Duration::from_secs(1800),
        max_lifetime: Duration::from_secs(86_400),
        leeway: Duration::ZERO,
        secret: Secret::from(SECRET),
        previous: Vec::new(),
        subject: SubjectForm::Id,
        cache_bytes: 1 << 16,
        minting: Minting::default(),
        trusted: Vec::new(),
        claims: Vec::new(),
    }
}

fn pair() -> (Issuer, Verifier) {
    let settings = settings();
    let clock = Clock::manual(UnixTime::from_secs(NOW)).0;
    let keys = Arc::new(KeyRing::new(&settings));
    (Issuer::new(&settings, Arc::clone(&keys), clock.clone()), Verifier::new(&settings, keys, clock))
}

/// Signs claims as they are, without the gateway's own issuer.
fn sign(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "at+jwt"})), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes())))
}

fn scopes() -> impl Strategy<Value = BTreeSet<String>> {
    btree_set("[a-z:]{1,6}", 0..5)
}

fn of(set: &BTreeSet<String>) -> Scopes {
    Scopes::parse(&set.iter().cloned().collect::<Vec<_>>().join(" ")).unwrap()
}

/// What may stand in a claim's place: nothing, something odd, or a moment near the edges.
fn odd() -> impl Strategy<Value = Option<Value>> {
    let moment = select(
        &[0, NOW - 1, NOW, NOW + 1, NOW + 5, NOW + 6, NOW + 86_400, NOW + 86_401, 1_000_000_000_001][..],
    );
    prop_oneof![
        2 => Just(None),
        4 => moment.prop_map(|second| Some(json!(second))),
        1 => any::<f64>().prop_map(|number| Some(json!(number))),
        1 => any::<i64>().prop_map(|number| Some(json!(number))),
        2 => ".{0,8}".prop_map(|text| Some(json!(text))),
        2 => select(&["planner", "https://gateway.test", "a b", "t-1"][..]).prop_map(|text| Some(json!(text))),
        1 => vec(select(&["planner", "other"][..]), 0..3).prop_map(|list| Some(json!(list))),
        1 => Just(Some(json!({"planner": true}))),
        1 => Just(Some(Value::Null)),
        1 => any::<bool>().prop_map(|truth| Some(json!(truth))),
    ]
}

/// What the rules say of claims that are rightly signed.
fn acceptable(claims: &Map<String, Value>) -> bool {
    Rules { issuer: "https://gateway.test", audience: "planner", now: NOW }.accept(claims)
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn what_is_issued_is_verified_as_it_was_meant(
        subject in "[a-zA-Zé0-9:@._-]{1,40}",
        email in proptest::option::of("[a-z]{1,9}@[a-z]{1,9}\\.test"),
        scopes in scopes(),
        login in proptest::option::of(("[a-zA-Z0-9_-]{1,22}", any::<u64>())),
        lifetime in proptest::option::of(1_u64..100_000),
    ) {
        let (issuer, verifier) = pair();
        let grant = Grant {
            subject: Subject::parse(&subject).unwrap(),
            preferred_username: Some(subject.clone()),
            email: email.clone(),
            scopes: of(&scopes),
            login: login.as_ref().map(|(id, version)| (LoginId::parse(id).unwrap(), *version)),
            client_id: "web".into(),
            lifetime: lifetime.map(Duration::from_secs),
            claims: Claims::default(),
        };
        let issued = issuer.issue(grant);
        let verified = verifier.verify(&issued.token);
        prop_assert!(verified.is_ok(), "{:?}", verified);
        let verified = verified.unwrap();
        prop_assert_eq!(verified.claim("sub"), Some(&*subject));
        prop_assert_eq!(verified.claim("preferred_username"), Some(&*subject));
        prop_assert_eq!(verified.claim("email"), email.as_deref());
        prop_assert_eq!(verified.scopes(), &of(&scopes));
        prop_assert_eq!(verified.token_id(), Some(&issued.token_id));
        prop_assert_eq!(verified.login_id().map(LoginId::as_str), login.as_ref().map(|(id, _)| &**id));
        prop_assert_eq!(verified.login_version(), login.as_ref().map(|(_, version)| *version));
        prop_assert_eq!(issued.expires_in, lifetime.unwrap_or(1800).min(86_400));
        prop_assert_eq!(verified.expires(), UnixTime::from_secs(NOW + issued.expires_in));
    }

    #[test]
    fn a_changed_token_is_refused(at in any::<Index>(), with in any::<char>(), how in 0..4) {
        let (issuer, verifier) = pair();
        let token = issuer.issue(Grant {
            subject: Subject::parse("u-1").unwrap(),
            preferred_username: None,
            email: None,
            scopes: Scopes::default(),
            login: None,
            client_id: "web".into(),
            lifetime: None,
            claims: Claims::default(),
        }).token;
        prop_assert!(verifier.verify(&token).is_ok());
        let at = at.index(token.len());
        let changed = match how {
            0 => format!("{}{with}{}", &token[..at], &token[at + 1..]),
            1 => format!("{}{with}{}", &token[..at], &token[at..]),
            2 => format!("{}{}", &token[..at], &token[at + 1..]),
            _ => token[..at].to_owned(),
        };
        prop_assert!(changed == token || verifier.verify(&changed).is_err(), "{}", changed);
    }

    #[test]
    fn any_text_is_verified_or_refused(token in prop_oneof![".{0,60}", "[a-zA-Z0-9_.-]{0,60}", "eyJ[a-zA-Z0-9]{0,9}\\.[a-zA-Z0-9_-]{0,9}\\.x"]) {
        let verifier = pair().1;
        prop_assert!(verifier.verify(&token).is_err());
        prop_assert!(!verifier.explain(&token).is_empty());
        let _ = Verifier::inspect(&token);
    }

    #[test]
    fn a_set_of_scopes_is_a_set(one in scopes(), other in scopes()) {
        let (left, right) = (of(&one), of(&other));
        let expected = Scopes::parse(left.as_str());
        prop_assert_eq!(expected.as_ref(), Ok(&left));
        prop_assert_eq!(left.iter().map(|scope| scope.as_str().to_owned()).collect::<BTreeSet<_>>(), one.clone());
        prop_assert_eq!(left.contains_all(&right), one.is_superset(&other));
        prop_assert_eq!(left.contains_any(&right), !one.is_disjoint(&other));
        prop_assert_eq!(left.intersection(&right), of(&one.intersection(&other).cloned().collect()));
    }

    #[test]
    fn any_text_is_scopes_or_refused(text in ".{0,40}") {
        if let Ok(scopes) = Scopes::parse(&text) {
            prop_assert!(scopes.iter().all(|scope| text.split(' ').any(|word| word == scope.as_str())));
        }
    }
}

proptest! {
    #![proptest_config(cases(4096))]

    #[test]
    fn signed_claims_are_accepted_exactly_by_the_rules(
        changes in vec((select(&["iss", "aud", "sub", "exp", "iat", "nbf", "jti", "sid", "email", "preferred_username", "client_id", "scope", "login_version", "x"][..]), odd()), 0..3),
    ) {
        let mut claims = json!({"iss": "https://gateway.test", "aud": "planner", "sub": "u-1", "exp": NOW + 60, "iat": NOW, "jti": "t-1"});
        let claims_map = claims.as_object_mut().unwrap();
        for (name, value) in changes {
            match value {
                Some(value) => drop(claims_map.insert(name.into(), value)),
                None => drop(claims_map.remove(name)),
            }
        }
        let expected = acceptable(claims_map);
        let found = pair().1.verify(&sign(&claims));
        prop_assert_eq!(found.is_ok(), expected, "{} {:?}", claims, found);
    }
}
