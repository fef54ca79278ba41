//! Which tokens may pass at all? The rules once more, in the order of a reader and not of the verifier.

use gatepass::identity::Scopes;
use serde_json::{Map, Value, json};

/// Whom tokens are for, and when.
pub(crate) struct Rules<'r> {
    pub(crate) issuer: &'r str,
    pub(crate) audience: &'r str,
    pub(crate) now: u64,
}

/// The longest a token of ours may live, in seconds.
const LONGEST: f64 = 86_400.0;

/// Fractions below a millisecond are not looked at.
const GRAIN: f64 = 0.001;

impl Rules<'_> {
    /// Whether these claims, rightly signed, may be accepted.
    pub(crate) fn accept(&self, claims: &Map<String, Value>) -> bool {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let date =
            |name: &str| claims.get(name).and_then(Value::as_f64).filter(|date| (0.0..=1e12).contains(date));
        let absent_or = |name: &str, good: &dyn Fn(&Value) -> bool| claims.get(name).is_none_or(good);
        let plain_or_absent = |name: &str| absent_or(name, &|value| value.as_str().is_some_and(plain));
        #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
        let now = self.now as f64;
        let (Some(exp), Some(iat)) = (date("exp"), date("iat")) else { return false };
        text("iss") == Some(self.issuer)
            && (text("aud") == Some(self.audience) || claims.get("aud") == Some(&json!([self.audience])))
            && text("sub").is_some_and(plain)
            && text("jti").is_some_and(identifier)
            && absent_or("sid", &|sid| sid.as_str().is_some_and(identifier))
            && ["email", "preferred_username", "client_id"].into_iter().all(plain_or_absent)
            && absent_or("login_version", &Value::is_u64)
            && absent_or("scope", &|scope| scope.as_str().is_some_and(|scope| Scopes::parse(scope).is_ok()))
            && absent_or("nbf", &|_| date("nbf").is_some_and(|nbf| nbf < now + 5.0 + GRAIN))
            && exp > now
            && iat < now + 5.0 + GRAIN
            && exp - iat < LONGEST + GRAIN
    }
}

/// Whether a header asks for nothing but our own key, our algorithm and an access token.
pub(crate) fn header_accepted(header: &Map<String, Value>, kid: &str) -> bool {
    let typ = header.get("typ").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    header.get("alg") == Some(&json!("HS256"))
        && matches!(&*typ, "at+jwt" | "application/at+jwt")
        && header.get("kid").is_none_or(|named| named.as_str() == Some(kid))
        && ["crit", "b64", "zip", "enc", "cty"].iter().all(|name| !header.contains_key(*name))
}

fn plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && text.trim() == text && !text.chars().any(char::is_control)
}

fn identifier(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:@+/=|".contains(&b))
}
