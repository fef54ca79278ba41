//! Is this answer one of ours, and the one that the case asks for? The shorthand of the cases, as checks.

use crate::world::SECRET;
use crate::world::raw::{Answer, Raw};

/// What no answer may tell: where stores and files are, keys, and who wrote the libraries.
const UNTOLD: [&str; 14] = [
    "127.0.0.1",
    "/tmp",
    "gatepass.secret",
    "gatepass.db",
    "redis",
    "sqlite",
    SECRET,
    "$2b$",
    "jsonwebtoken",
    "pingora",
    "hyper",
    "panicked",
    ".rs:",
    "eyj",
];

/// What holds of every answer the gateway makes itself (`GEN`).
pub(super) fn made_by_us(answer: &Answer) {
    framed(answer, "GET");
}

/// The same for the answer to a `HEAD`, which has a length and no body.
pub(super) fn made_by_us_without_its_body(answer: &Answer) {
    framed(answer, "HEAD");
}

fn framed(answer: &Answer, method: &str) {
    assert_eq!(answer.values("cache-control"), ["no-store"], "{answer:?}");
    assert!(answer.values("server").is_empty(), "{answer:?}");
    assert_eq!(answer.values("x-request-id").len(), 1, "{answer:?}");
    let lengths = answer.values("content-length");
    match (answer.status, method) {
        (204, _) => assert!(lengths.is_empty() && answer.body.is_empty(), "{answer:?}"),
        (_, "HEAD") => assert!(lengths.len() == 1 && answer.body.is_empty(), "{answer:?}"),
        _ => assert_eq!(lengths, [answer.body.len().to_string()], "{answer:?}"),
    }
    let fields = answer.fields.iter().map(|(name, value)| format!("{name}: {value}\n"));
    let told = format!("{}{}", fields.collect::<String>(), answer.text()).to_lowercase();
    // A success of the token endpoint is there to hand a token out.
    let handed_out = answer.status == 200 && told.contains("\"access_token\"");
    for untold in UNTOLD.iter().filter(|untold| !(handed_out && **untold == "eyj")) {
        assert!(!told.contains(untold), "{untold:?} is told: {answer:?}");
    }
}

/// The connection after `answer` is closed or correctly framed: a second request on it has an answer of its own.
pub(super) async fn leaves_the_connection_in_order(raw: &mut Raw, answer: &Answer) {
    if answer.value("connection").eq_ignore_ascii_case("close") {
        assert!(raw.is_closed().await, "{answer:?}");
        return;
    }
    let next = raw.ask("GET /public/next HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.expect("a second answer");
    assert_eq!(next.status, 200, "after {answer:?}");
}

/// `401n`: nobody has tried to sign in yet.
pub(super) fn is_401n(answer: &Answer) {
    assert_eq!(answer.status, 401, "{answer:?}");
    let challenges = answer.values("www-authenticate");
    assert!(
        matches!(challenges[..], [one] if one.starts_with("Bearer realm=\"") && !one.contains("error")),
        "{answer:?}"
    );
}

/// `401t`: the token is no good, and nothing is said of why beyond the documented word.
pub(super) fn is_401t(answer: &Answer) {
    assert_eq!(answer.status, 401, "{answer:?}");
    made_by_us(answer);
    let challenges = answer.values("www-authenticate");
    assert!(
        matches!(challenges[..], [one] if one.starts_with("Bearer realm=\"") && one.contains("error=\"invalid_token\"")),
        "{answer:?}"
    );
    assert_eq!(answer.json()["error"], "invalid_token", "{answer:?}");
}

/// `400r`.
pub(super) fn is_400r(answer: &Answer) {
    assert_eq!(
        (answer.status, answer.json()["error"].as_str()),
        (400, Some("invalid_request")),
        "{answer:?}"
    );
    made_by_us(answer);
}

/// `403s`.
pub(super) fn is_403s(answer: &Answer, scope: &str) {
    assert_eq!(answer.status, 403, "{answer:?}");
    made_by_us(answer);
    let challenges = answer.values("www-authenticate");
    let named = format!("scope=\"{scope}\"");
    assert!(
        matches!(challenges[..], [one] if one.contains("error=\"insufficient_scope\"") && one.contains(&named)),
        "{answer:?}"
    );
}

/// `503f`: try again later; never the token's fault.
pub(super) fn is_503f(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    made_by_us(answer);
    assert!(answer.value("retry-after").parse::<u32>().is_ok(), "{answer:?}");
    assert!(!answer.text().contains("invalid_token"), "{answer:?}");
}
