//! Does a bad token ever cost more than a good one, and do many of them drive good ones out of memory?

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::tests::{Bench, bench, grant};
use super::work::{self, Work};
use super::*;
use crate::token::tests::settings;

/// Header and claims as JSON, signed with the key that verifies.
fn sign(bench: &Bench, header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mac = bench.verifier.keys.signer().mac(&signed);
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
}

fn spoilt(token: &str) -> String {
    let (signed, _) = token.rsplit_once('.').unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode([7; 32]))
}

fn verifying(bench: &Bench, token: &str) -> (Result<(), TokenError>, Work) {
    let mut outcome = Err(TokenError::Malformed);
    let work = work::of(|| outcome = bench.verifier.verify(token).map(drop));
    (outcome, work)
}

/// A good token of about `length` bytes that is as cheap as one of its length can be: one long text.
fn plain(bench: &Bench, length: usize) -> String {
    let token = bench.issuer.issue(grant("u-1")).token;
    let (header, mut claims) = Verifier::inspect(&token).unwrap();
    claims["padding"] = "x".repeat(length.saturating_sub(token.len() + 24) * 3 / 4).into();
    sign(bench, &header.to_string(), &claims.to_string())
}

#[test]
fn a_refused_token_takes_no_more_steps_than_an_accepted_one() {
    let bench = bench(&Settings { cache_bytes: 0, ..settings() });
    let good = bench.issuer.issue(grant("u-1")).token;
    let (header, claims) = Verifier::inspect(&good).unwrap();
    let (outcome, accepted) = verifying(&bench, &good);
    outcome.unwrap();
    assert_eq!(accepted.kept, 1, "{accepted:?}");
    assert!(
        accepted.signed < good.len() && accepted.decoded < good.len() && accepted.values > 10,
        "{accepted:?}"
    );

    let says = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        sign(&bench, &header.to_string(), &claims.to_string())
    };
    let head = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        sign(&bench, &header.to_string(), &claims.to_string())
    };
    let unsigned = |header: String| format!("{}.{}", URL_SAFE_NO_PAD.encode(header), "A".repeat(43));
    let deep = format!(r#"{{"alg":"HS256","x":{}{}}}"#, "[".repeat(2000), "]".repeat(2000));
    let refused = [
        ("bad signature", spoilt(&good)),
        ("another issuer", says("iss", json!("https://gateway.tess"))),
        ("another audience", says("aud", json!("painter"))),
        ("no subject", says("sub", json!(""))),
        ("expired", says("exp", json!(1_700_000_000))),
        ("not yet", says("nbf", json!(1_900_000_000))),
        ("too long a life", says("exp", json!(1_900_000_000))),
        ("another type", head("typ", json!("JWT"))),
        ("critical", head("crit", json!(["exp"]))),
        ("another algorithm", head("alg", json!("HS384"))),
        ("no algorithm", head("alg", json!("none"))),
        ("no such key", head("kid", json!("0123456789abcdef"))),
        ("a signature of 8 KB", format!("{}.{}", good.rsplit_once('.').unwrap().0, "A".repeat(7000))),
        ("garbage", "x".repeat(good.len())),
        ("garbage in three parts", format!("{0}.{0}.{0}", "x".repeat(good.len() / 3))),
        ("dots", ".".repeat(8000)),
        ("too long", format!("{good}{}", "x".repeat(100_000))),
        ("8 KB, bad signature", spoilt(&plain(&bench, 8000))),
        ("a header of 8 KB", unsigned(json!({"alg": "HS256", "x": "x".repeat(5500)}).to_string())),
        ("a header of many members", {
            let members = (0..600).map(|n| (n.to_string(), json!(0))).chain([("alg".into(), json!("HS256"))]);
            unsigned(Value::Object(members.collect()).to_string())
        }),
        ("a header of many elements", head("x", (0..2000).collect())),
        ("a header of just not too many", spoilt(&head("x", (0..60).collect()))),
        ("a deep header", unsigned(deep)),
        ("claims of many members, bad signature", {
            let members = (0..400).map(|n| (n.to_string(), json!(0)));
            let crowd: Value = members.chain(claims.as_object().unwrap().clone()).collect();
            spoilt(&sign(&bench, &header.to_string(), &crowd.to_string()))
        }),
    ];
    for (name, token) in refused {
        let (outcome, work) = verifying(&bench, &token);
        let error = outcome.expect_err(name);
        let (outcome, accepted) = verifying(&bench, &plain(&bench, token.len().min(LONGEST)));
        outcome.unwrap();
        assert!(
            work.signed <= accepted.signed + 32 && work.decoded <= accepted.decoded + 32,
            "{name}: {work:?}, more than {accepted:?}"
        );
        // What an accepted one goes on to do weighs more than the few values a header may have beyond it.
        assert!(work.values <= accepted.values + parts::MOST_VALUES, "{name}: {work:?}");
        assert!(work.kept == 0 || error.step() >= TokenError::Expired.step(), "{name}: {error}");
        if error.step() < TokenError::WrongType.step() {
            assert!(
                work.values <= parts::MOST_VALUES,
                "{name}: claims are read once they are known to be somebody's"
            );
        }
    }
}

#[test]
fn what_is_too_long_is_not_looked_at() {
    let bench = bench(&settings());
    assert_eq!(verifying(&bench, &"x".repeat(LONGEST + 1)), (Err(TokenError::Malformed), Work::default()));
    assert!(verifying(&bench, &plain(&bench, LONGEST - 8)).0.is_ok(), "and what is not is");
}

/// Those of `tokens` that are remembered: for the others a signature is computed.
fn remembered(bench: &Bench, tokens: &[String]) -> usize {
    let known = |token: &&String| {
        let (outcome, work) = verifying(bench, token);
        outcome.unwrap();
        work == Work::default()
    };
    tokens.iter().filter(known).count()
}

fn good_ones(bench: &Bench, count: usize) -> Vec<String> {
    (0..count).map(|n| bench.issuer.issue(grant(&format!("u-{n}"))).token).collect()
}

#[test]
fn bad_tokens_drive_no_good_one_out() {
    let bench = bench(&settings());
    // Nearly as many as there is room for.
    let good = good_ones(&bench, 400);
    assert_eq!(remembered(&bench, &good), 0);
    let before = remembered(&bench, &good);
    assert!(before > 350, "there is room for them: {before}");
    let bytes = bench.verifier.cache.bytes();
    for number in 0..100_000_usize {
        // Known tokens with other signatures, other claims under known signatures, and plain garbage.
        let known = &good[number % good.len()];
        let (signed, signature) = known.rsplit_once('.').unwrap();
        let bad = match number % 3 {
            0 => format!("{signed}.{number:043}"),
            1 => format!("{}{number:08}.{signature}", &signed[..signed.len() - 8]),
            _ => format!("{number}{known}"),
        };
        assert!(bench.verifier.verify(&bad).is_err(), "{bad}");
    }
    assert_eq!(bench.verifier.cache.bytes(), bytes);
    assert_eq!(remembered(&bench, &good), before, "every one that was known still is");
}

#[test]
fn a_flood_of_good_tokens_drives_out_none_in_use() {
    let settings = Settings { cache_bytes: 1 << 20, ..settings() };
    let bench = bench(&settings);
    let in_use = good_ones(&bench, 50);
    for _ in 0..3 {
        remembered(&bench, &in_use);
    }
    let mut asked_again = 0;
    for number in 0..5_000 {
        bench.verifier.verify(&bench.issuer.issue(grant(&format!("v-{number}"))).token).unwrap();
        if number % 250 == 0 {
            asked_again += in_use.len() - remembered(&bench, &in_use);
        }
        assert!(bench.verifier.cache.bytes() <= 1 << 20);
    }
    assert_eq!(asked_again, 0, "signatures computed again for tokens in use");
}

#[test]
fn the_same_signature_under_other_words_is_another_token() {
    let bench = bench(&settings());
    let token = bench.issuer.issue(grant("u-1")).token;
    bench.verifier.verify(&token).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    for other in
        [format!("{signed}A.{signature}"), format!("A{token}"), signature.into(), format!(".{signature}")]
    {
        let (outcome, _) = verifying(&bench, &other);
        assert!(outcome.is_err(), "{other}");
    }
    assert_eq!(verifying(&bench, &token), (Ok(()), Work::default()));
}
