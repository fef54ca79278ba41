//! Issued and verified, remembered and forgotten.

use super::*;
use crate::clock::ManualClock;
use crate::identity::{Claims, Digest, LoginId, Scopes, Subject};
use crate::secret::Secret;
use crate::token::tests::settings;
use crate::token::{Grant, Issued, Issuer};

pub(super) struct Bench {
    pub(super) issuer: Issuer,
    pub(super) verifier: Verifier,
    hand: ManualClock,
}

pub(super) fn bench(settings: &Settings) -> Bench {
    let (clock, hand) = Clock::manual(UnixTime::from_millis(1_800_000_000_700));
    let keys = Arc::new(KeyRing::new(settings));
    Bench {
        issuer: Issuer::new(settings, Arc::clone(&keys), clock.clone()),
        verifier: Verifier::new(settings, keys, clock),
        hand,
    }
}

pub(super) fn grant(subject: &str) -> Grant {
    Grant {
        subject: Subject::parse(subject).unwrap(),
        preferred_username: Some("ada".into()),
        email: None,
        scopes: Scopes::parse("event:read").unwrap(),
        login: Some((LoginId::parse("s-1").unwrap(), 3)),
        client_id: "web".into(),
        lifetime: None,
        claims: Claims::default(),
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn what_is_issued_is_verified_and_says_the_same() {
    let settings = settings();
    let bench = bench(&settings);
    let issued = bench.issuer.issue(grant("u-1"));
    let verified = bench.verifier.verify(&issued.token).unwrap();
    assert_eq!(verified.token_id(), Some(&issued.token_id));
    assert_eq!(issued.expires_in, 1800);
    assert_eq!(verified.expires().secs() - verified.issued_at().secs(), issued.expires_in);
    assert_eq!(verified.subject().as_str(), "u-1");
    assert_eq!((verified.issuer(), verified.scopes().as_str()), ("https://gateway.test", "event:read"));
    assert_eq!((verified.claim("email"), verified.claim("client_id")), (None, Some("web")));
    assert_eq!((verified.login_id().map(LoginId::as_str), verified.login_version()), (Some("s-1"), Some(3)));
    let digests = verified.digests();
    assert_eq!(digests.token, Digest::of_token("https://gateway.test", &issued.token_id));
    assert_eq!(
        digests.login,
        Some(Digest::of_login("https://gateway.test", &LoginId::parse("s-1").unwrap()))
    );
    assert_eq!(digests.user, Digest::of_user("https://gateway.test", verified.subject()));
    assert_eq!(
        digests.key,
        Digest::of_key("https://gateway.test", KeyRing::new(&settings).current().as_str())
    );

    let (header, claims) = Verifier::inspect(&issued.token).unwrap();
    assert_eq!(header["typ"], "at+jwt");
    for name in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti", "nbf"] {
        assert!(claims.get(name).is_some(), "{name}");
    }
    assert!(!format!("{issued:?}{:?}", bench.verifier).contains(&issued.token));
}

#[test]
fn no_two_tokens_share_an_identifier() {
    let bench = bench(&settings());
    let (one, other) = (bench.issuer.issue(grant("u-1")), bench.issuer.issue(grant("u-1")));
    assert_ne!(one.token_id, other.token_id);
    assert_ne!(one.token, other.token);
}

#[test]
fn an_empty_scope_is_no_claim() {
    let bench = bench(&settings());
    let issued = bench.issuer.issue(Grant { scopes: Scopes::default(), login: None, ..grant("u-1") });
    let verified = bench.verifier.verify(&issued.token).unwrap();
    assert_eq!(
        (verified.claim("scope"), verified.claim("sid"), verified.digests().login),
        (None, None, None)
    );
}

#[test]
fn a_remembered_token_dies_in_its_second() {
    for (leeway, grace) in [(0, 0), (5, 5), (60, 5)] {
        let settings = Settings { leeway: seconds(leeway), ..settings() };
        let bench = bench(&settings);
        let Issued { token, .. } = bench.issuer.issue(grant("u-1"));
        bench.verifier.verify(&token).unwrap();
        // Issued 700 ms into its first second.
        bench.hand.advance(seconds(1799 + grace) + Duration::from_millis(299));
        assert!(bench.verifier.verify(&token).is_ok());
        bench.hand.advance(Duration::from_millis(1));
        assert_eq!(bench.verifier.verify(&token).unwrap_err(), TokenError::Expired);
        assert_eq!(bench.verifier.cache.bytes(), 0, "what has expired is forgotten");
        assert_eq!(bench.verifier.verify(&token).unwrap_err(), TokenError::Expired);
    }
}

#[test]
fn no_token_is_asked_to_live_longer_than_any_is_accepted() {
    let bench = bench(&settings());
    let issued = bench.issuer.issue(Grant { lifetime: Some(seconds(1_000_000)), ..grant("u-1") });
    assert_eq!(issued.expires_in, 86_400);
    assert!(bench.verifier.verify(&issued.token).is_ok());

    let strict = Settings { max_lifetime: seconds(86_399), ..settings() };
    let strict = Verifier::new(&strict, Arc::new(KeyRing::new(&strict)), bench.verifier.clock.clone());
    assert_eq!(strict.verify(&issued.token).unwrap_err(), TokenError::LifetimeTooLong);
}

#[test]
fn the_second_look_is_the_remembered_one() {
    let bench = bench(&settings());
    let Issued { token, .. } = bench.issuer.issue(grant("u-1"));
    let first = bench.verifier.verify(&token).unwrap();
    assert!(Arc::ptr_eq(&first, &bench.verifier.verify(&token).unwrap()));
}

#[test]
fn what_is_refused_is_not_remembered() {
    let bench = bench(&settings());
    let Issued { token, .. } = bench.issuer.issue(grant("u-1"));
    for refused in [&token[..token.len() - 1], "a.b.c", ""] {
        assert!(bench.verifier.verify(refused).is_err());
    }
    assert_eq!(bench.verifier.cache.bytes(), 0);
}

#[test]
fn the_memory_is_bounded_in_bytes() {
    let settings = Settings { cache_bytes: 64 * 1024, ..settings() };
    let small = bench(&settings);
    for _ in 0..500 {
        small.verifier.verify(&small.issuer.issue(grant("u-1")).token).unwrap();
        assert!(small.verifier.cache.bytes() <= 64 * 1024);
    }
    assert!(small.verifier.cache.bytes() > 16 * 1024, "and it is used");

    let none = Settings { cache_bytes: 0, ..settings };
    let none = bench(&none);
    let Issued { token, .. } = none.issuer.issue(grant("u-1"));
    assert!(none.verifier.verify(&token).is_ok() && none.verifier.verify(&token).is_ok());
    assert_eq!(none.verifier.cache.bytes(), 0);
}

#[test]
fn every_token_keeps_its_own_answer() {
    let bench = Arc::new(bench(&settings()));
    let tokens: Arc<Vec<(String, String)>> = Arc::new(
        (0..32).map(|i| (format!("u-{i}"), bench.issuer.issue(grant(&format!("u-{i}"))).token)).collect(),
    );
    std::thread::scope(|scope| {
        for turn in 0..4 {
            let (bench, tokens) = (Arc::clone(&bench), Arc::clone(&tokens));
            scope.spawn(move || {
                for i in 0..1000 {
                    let (subject, token) = &tokens[(i * (turn + 1)) % tokens.len()];
                    assert_eq!(bench.verifier.verify(token).unwrap().subject().as_str(), subject);
                    assert!(bench.verifier.verify(&format!("{token}x")).is_err());
                }
            });
        }
    });
}

#[test]
fn a_former_secret_verifies_until_it_is_taken_away() {
    let before = settings();
    let Bench { issuer, verifier, .. } = bench(&before);
    let Issued { token, .. } = issuer.issue(grant("u-1"));
    let after = Settings {
        secret: Secret::from("a new secret, as long as the old one was"),
        previous: vec![before.secret.clone()],
        ..settings()
    };
    assert!(verifier.verify(&token).is_ok());
    assert!(bench(&after).verifier.verify(&token).is_ok());
    let gone = Settings { previous: Vec::new(), ..after };
    assert_eq!(bench(&gone).verifier.verify(&token).unwrap_err(), TokenError::UnknownKey);
}

#[test]
fn without_a_name_the_only_key_is_meant() {
    let settings = settings();
    let bench = bench(&settings);
    let (_, claims) = Verifier::inspect(&bench.issuer.issue(grant("u-1")).token).unwrap();
    let header = jsonwebtoken::Header {
        typ: Some("at+jwt".into()),
        ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256)
    };
    let key = jsonwebtoken::EncodingKey::from_secret(settings.secret.expose());
    let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
    assert!(bench.verifier.verify(&token).is_ok());
}

#[test]
fn every_step_is_told_up_to_the_one_that_fails() {
    let bench = bench(&settings());
    let Issued { token, .. } = bench.issuer.issue(grant("u-1"));
    let steps = bench.verifier.explain(&token);
    assert!(steps.len() == STEPS.len() && steps.iter().all(|(_, outcome)| outcome.is_ok()));
    bench.hand.advance(seconds(1800));
    let steps = bench.verifier.explain(&token);
    assert_eq!(steps.last(), Some(&("time", Err(TokenError::Expired))));
    assert_eq!(steps.len(), 9);
    assert_eq!(bench.verifier.explain(&"x".repeat(9000)), [("format", Err(TokenError::Malformed))]);
}
