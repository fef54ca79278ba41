//! Tokens that another implementation made, each with the outcome it must have.

use serde::Deserialize;

use super::*;
use crate::secret::Secret;
use crate::token::tests::settings;

#[derive(Deserialize)]
struct Fixtures {
    secret: String,
    previous: String,
    kid: String,
    issuer: String,
    audience: String,
    now: u64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    outcome: String,
    token: String,
}

impl Fixtures {
    fn read() -> Self {
        serde_json::from_str(include_str!("../../../tests/it/tokens/tokens.json")).unwrap()
    }

    fn verifier(&self) -> Verifier {
        let settings = Settings {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            secret: Secret::from(&*self.secret),
            previous: vec![Secret::from(&*self.previous)],
            ..settings()
        };
        let keys = Arc::new(KeyRing::new(&settings));
        assert_eq!(keys.current().as_str(), self.kid);
        Verifier::new(&settings, keys, Clock::manual(UnixTime::from_secs(self.now)).0)
    }
}

/// The outcome's word; the claim's name with it, where there is one.
fn word(outcome: Result<(), TokenError>) -> String {
    match outcome {
        Ok(()) => "ok".into(),
        Err(TokenError::Malformed) => "malformed_token".into(),
        Err(TokenError::AlgorithmNotAllowed) => "algorithm_not_allowed".into(),
        Err(TokenError::UnknownKey) => "unknown_key".into(),
        Err(TokenError::BadSignature) => "bad_signature".into(),
        Err(TokenError::WrongType) => "wrong_type".into(),
        Err(TokenError::WrongIssuer) => "wrong_issuer".into(),
        Err(TokenError::WrongAudience) => "wrong_audience".into(),
        Err(TokenError::MissingClaim(name)) => format!("missing_claim {name}"),
        Err(TokenError::Expired) => "expired".into(),
        Err(TokenError::NotYetValid) => "not_yet_valid".into(),
        Err(TokenError::LifetimeTooLong) => "lifetime_too_long".into(),
    }
}

#[test]
fn every_frozen_token_has_its_outcome() {
    let fixtures = Fixtures::read();
    let verifier = fixtures.verifier();
    let mut wrong = Vec::new();
    for case in &fixtures.cases {
        // Twice: an answer does not change because the token was seen before.
        for round in ["first", "second"] {
            let found = word(verifier.verify(&case.token).map(drop));
            if found != case.outcome {
                wrong.push(format!("{} ({round} time): {found}, not {}", case.name, case.outcome));
            }
        }
        let (_, last) = *verifier.explain(&case.token).last().unwrap();
        if word(last) != case.outcome {
            wrong.push(format!("{} (explained): {}", case.name, word(last)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(fixtures.cases.len() > 150);
}

#[test]
fn a_frozen_token_says_what_it_says() {
    let fixtures = Fixtures::read();
    let token = &fixtures.cases[0].token;
    let verified = fixtures.verifier().verify(token).unwrap();
    for (name, value) in [
        ("iss", fixtures.issuer.as_str()),
        ("sub", "0192f0c1"),
        ("jti", "t-1"),
        ("sid", "s-1"),
        ("scope", "event:read event:write"),
        ("client_id", "web"),
        ("preferred_username", "ada@example.org"),
        ("email", "ada@example.org"),
    ] {
        assert_eq!(verified.claim(name), Some(value), "{name}");
    }
    assert_eq!((verified.claim("roles"), verified.claim("aud"), verified.claim("")), (None, None, None));
    assert_eq!(verified.login_version(), Some(7));
    assert_eq!(verified.issued_at().secs(), fixtures.now);
    assert_eq!(verified.expires().secs(), fixtures.now + 600);
    let (header, claims) = Verifier::inspect(token).unwrap();
    assert_eq!(
        (header["kid"].as_str(), claims["roles"][0].as_str()),
        (Some(&*fixtures.kid), Some("ignored"))
    );
    assert!(Verifier::inspect("a.b").is_none());
}

#[test]
fn one_changed_bit_is_one_too_many() {
    let fixtures = Fixtures::read();
    let verifier = fixtures.verifier();
    let token = fixtures.cases[0].token.as_bytes();
    verifier.verify(&fixtures.cases[0].token).unwrap();
    for at in 0..token.len() {
        for bit in 0..8 {
            let mut changed = token.to_vec();
            changed[at] ^= 1 << bit;
            if let Ok(text) = std::str::from_utf8(&changed) {
                assert!(verifier.verify(text).is_err(), "bit {bit} of byte {at}");
            }
        }
        assert!(verifier.verify(std::str::from_utf8(&token[..at]).unwrap()).is_err(), "cut at {at}");
    }
}
