//! `[identity]` and `[cors]`: what is the backend told, and whose pages may ask?

use http::HeaderName;
use toml::de::DeValue;

use super::problem::Span;
use super::reading::Reading;
use super::section::{Section, as_string, suggestion};
use crate::identity::{BadClaim, Claims};
use crate::proxy::{CorsSettings, IdentitySettings};
use crate::token::Settings as TokenSettings;

const HEADERS: &str = "{ \"X-Auth-User\" = \"preferred_username\", \"X-Auth-Subject\" = \"sub\" }";

/// What every token says that a header can carry; a user's own claims come to it.
const CLAIMS: &[&str] = &["sub", "preferred_username", "email", "scope", "sid", "jti", "client_id", "iss"];

/// Headers that mean something to HTTP itself or to the proxy: an identity in one of them would break the exchange.
const TAKEN: &[&str] = &[
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "max-forwards",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "www-authenticate",
    "x-request-id",
];

/// Reads `[identity]`.
pub(super) fn read(reading: &mut Reading, top: &mut Section<'_>) -> IdentitySettings {
    let mut section = top.section(reading, "identity", "identity");
    let headers = match section.value("headers") {
        None => default_headers(),
        Some(value) => {
            if let DeValue::Table(table) = value.get_ref() {
                let table = Section::new("identity.headers", "headers".to_owned(), value.span(), table);
                headers(reading, &table)
            } else {
                reading.wrong_type(value, "a table of header and claim", &format!("headers = {HEADERS}"));
                Vec::new()
            }
        }
    };
    let forward = section.boolean(reading, "forward_authorization");
    section.finish(reading);
    IdentitySettings { headers, forward_authorization: forward.is_some_and(|forward| forward.value) }
}

fn default_headers() -> Vec<(HeaderName, String)> {
    let pairs =
        [("x-auth-user", "preferred_username"), ("x-auth-subject", "sub"), ("x-auth-scopes", "scope")];
    pairs.into_iter().map(|(header, claim)| (HeaderName::from_static(header), claim.to_owned())).collect()
}

fn headers(reading: &mut Reading, table: &Section<'_>) -> Vec<(HeaderName, String)> {
    let mut found: Vec<(HeaderName, String)> = Vec::new();
    let mut spans: Vec<(String, Span)> = Vec::new();
    for (key, value) in table.entries() {
        let Ok(header) = HeaderName::from_bytes(key.value.as_bytes()) else {
            let help = "letters, digits and `-`: \"X-Auth-User\"";
            reading.problems.error(key.span, "this is not the name of a header", help);
            continue;
        };
        // A CGI-style backend reads `X_Auth_User` and `X-Auth-User` as one.
        let folded = header.as_str().replace('_', "-");
        if TAKEN.contains(&folded.as_str()) || folded.starts_with("x-forwarded-") {
            let message = format!("`{header}` has a meaning of its own and cannot carry an identity");
            reading.problems.error(key.span, message, "a name of your own: \"X-Auth-User\"");
            continue;
        }
        if let Some((_, first)) = spans.iter().find(|(other, _)| *other == folded) {
            reading.problems.collision(
                key.span,
                (first.clone(), "the first one"),
                "backends may read these two headers as one",
                "keep one of the two",
            );
            continue;
        }
        spans.push((folded, key.span));
        let Some(claim) = as_string(value) else {
            reading.wrong_type(value, "the name of a claim", &format!("\"{header}\" = \"sub\""));
            continue;
        };
        if let Err(bad) = claim_name(claim.value) {
            let help = format!("one of: {}; or a claim of your users' own", CLAIMS.join(", "));
            reading.problems.error(claim.span, bad, help);
            continue;
        }
        let alike = suggestion(claim.value, CLAIMS);
        if !CLAIMS.contains(&claim.value) && !alike.is_empty() {
            let message = format!("`{}` is a claim of your users' own, if any{alike}", claim.value);
            let help = "a header whose claim a token does not have is left out";
            reading.problems.warn(Some(claim.span), message, help);
        }
        found.push((header, claim.value.to_owned()));
    }
    found
}

/// Whether a header can carry the claim of this name.
fn claim_name(name: &str) -> Result<(), String> {
    if CLAIMS.contains(&name) {
        return Ok(());
    }
    Claims::check_name(name).map_err(|bad| match bad {
        BadClaim::Reserved => format!("no header can carry `{name}`{}", suggestion(name, CLAIMS)),
        _ => format!("this claim {bad}"),
    })
}

/// The settings of `[tokens]`, with the claims of users' own that the headers want.
pub(super) fn with_claims(mut tokens: TokenSettings, identity: &IdentitySettings) -> TokenSettings {
    let claims = identity.headers.iter().map(|(_, claim)| claim);
    tokens.claims = claims.filter(|claim| !CLAIMS.contains(&claim.as_str())).cloned().collect();
    tokens.claims.sort_unstable();
    tokens.claims.dedup();
    tokens
}

/// Reads `[cors]`.
pub(super) fn cors(reading: &mut Reading, top: &mut Section<'_>) -> CorsSettings {
    let mut section = top.section(reading, "cors", "cors");
    let mut origins: Vec<String> = Vec::new();
    let list = section.strings(reading, "origins", "[\"https://app.example.org\"]");
    for text in list.map(|list| list.value).unwrap_or_default() {
        let help = "scheme, host and port as a browser sends them, in lower case, without a path: \
                    \"https://app.example.org\"";
        if text.value == "*" {
            reading.problems.error(text.span, "every page of the web would be let in", help);
        } else if !is_origin(text.value) {
            reading.problems.error(text.span, "this is not an origin", help);
        } else if origins.iter().any(|other| other == text.value) {
            reading.problems.error(text.span, "this origin is listed twice", "remove one of the two");
        } else {
            origins.push(text.value.to_owned());
        }
    }
    section.finish(reading);
    CorsSettings { origins }
}

/// As RFC 6454 §6.2 serializes one: no default port, no path.
fn is_origin(text: &str) -> bool {
    let (place, default) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(place), _) => (place, ":443"),
        (_, Some(place)) => (place, ":80"),
        _ => return false,
    };
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._:[]".contains(&b);
    let Ok(authority) = place.parse::<http::uri::Authority>() else { return false };
    let port_is_written_well =
        place.ends_with(authority.host()) || authority.port_u16().is_some_and(|port| port > 0);
    !authority.host().is_empty()
        && place.bytes().all(plain)
        && !place.ends_with(default)
        && port_is_written_well
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        for good in ["https://app.example.org", "http://localhost:5173", "http://[::1]:3000"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "app.example.org",
            "https://",
            "https://App.example.org",
            "https://a/",
            "https://a:443",
            "null",
            "http://a:x",
            "http://a:",
            "https://*.a.org",
            "https://u@a",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
