//! What else is said of a user? Claims of the store's own, beside those every token of ours has.
//!
//! They come from a column, a document or a sign-up form, and end in tokens and headers: their names cannot be those
//! that decide anything, and all of them together stay small, because every request carries them.

use std::collections::BTreeMap;

use serde_json::Value;

/// Claims that mean something to us or to other verifiers (RFC 7519 §4.1, RFC 9068 §2.2, `OpenID` Connect Core §5.1.2).
const RESERVED: [&str; 30] = [
    "acr",
    "active",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "client_id",
    "cnf",
    "email",
    "entitlements",
    "exp",
    "iat",
    "iss",
    "jti",
    "login_version",
    "may_act",
    "act",
    "nbf",
    "nonce",
    "password",
    "preferred_username",
    "pwv",
    "scope",
    "scopes",
    "sid",
    "sub",
    "token_use",
    "typ",
];

/// Why something cannot be a claim of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadClaim {
    /// The name means something in every token.
    #[error("has a name that tokens use for themselves")]
    Reserved,
    /// Not 1 to 64 letters, digits, `_`, `-`, `.`, `:` or `/`.
    #[error("has a name that is not 1 to 64 letters, digits, `_`, `-`, `.`, `:` or `/`")]
    Name,
    /// Not a text, a number, a truth value or a list of texts.
    #[error("is not a text, a number, true or false, or a list of texts")]
    Kind,
    /// A control character in a text.
    #[error("holds a control character")]
    Control,
    /// More bytes than a user's claims may have together.
    #[error("makes the claims of this user longer than {} bytes", Claims::MOST)]
    TooLong,
}

/// A user's further claims, by name. A value that exists is fit for a token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    members: BTreeMap<Box<str>, Value>,
    bytes: usize,
}

impl Claims {
    /// Bytes of all names and values together, as JSON.
    pub const MOST: usize = 2048;

    /// Whether `name` may be the name of a claim.
    pub fn check_name(name: &str) -> Result<(), BadClaim> {
        if RESERVED.contains(&name) {
            return Err(BadClaim::Reserved);
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:/".contains(&b);
        if (1..=64).contains(&name.len()) && name.bytes().all(plain) { Ok(()) } else { Err(BadClaim::Name) }
    }

    /// Adds one, or puts it in the place of the one of that name. A `null` says nothing and is left out.
    pub fn insert(&mut self, name: &str, value: Value) -> Result<(), BadClaim> {
        Self::check_name(name)?;
        let fit =
            |text: &str| if text.chars().any(char::is_control) { Err(BadClaim::Control) } else { Ok(()) };
        match &value {
            Value::Null => {
                self.bytes -= self.members.remove(name).map_or(0, |old| length(name, &old));
                return Ok(());
            }
            Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => fit(text)?,
            Value::Array(list) => {
                list.iter().try_for_each(|text| fit(text.as_str().ok_or(BadClaim::Kind)?))?;
            }
            Value::Object(_) => return Err(BadClaim::Kind),
        }
        let former = self.members.get(name).map_or(0, |old| length(name, old));
        let bytes = self.bytes - former + length(name, &value);
        if bytes > Self::MOST {
            return Err(BadClaim::TooLong);
        }
        self.bytes = bytes;
        self.members.insert(name.into(), value);
        Ok(())
    }

    /// The claim of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.members.iter().map(|(name, value)| (&**name, value))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Bytes of names and values, for whoever bounds what it holds.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The text a header can carry for a value: a list joined by spaces, a number or truth value as JSON has it; none for
    /// the empty text.
    pub fn text(value: &Value) -> Option<String> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
            other => other.to_string(),
        };
        Some(text).filter(|text| !text.is_empty())
    }
}

fn length(name: &str, value: &Value) -> usize {
    // Quotes, colon and comma.
    name.len() + value.to_string().len() + 4
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_decides_anything_cannot_be_given() {
        let mut claims = Claims::default();
        for name in ["sub", "scope", "exp", "login_version", "email", "password"] {
            assert_eq!(claims.insert(name, json!("x")), Err(BadClaim::Reserved), "{name}");
        }
        for name in ["", "a b", "a\"", "é", &"x".repeat(65)] {
            assert_eq!(claims.insert(name, json!("x")), Err(BadClaim::Name), "{name}");
        }
        assert!(claims.is_empty());
    }

    #[test]
    fn values_are_flat_and_presentable() {
        let mut claims = Claims::default();
        assert_eq!(claims.insert("a", json!({"b": 1})), Err(BadClaim::Kind));
        assert_eq!(claims.insert("a", json!(["b", 1])), Err(BadClaim::Kind));
        assert_eq!(claims.insert("a", json!("x\r\nX-Admin: 1")), Err(BadClaim::Control));
        for (value, text) in
            [(json!(" Sales "), "Sales"), (json!(7), "7"), (json!(true), "true"), (json!(["a", "b"]), "a b")]
        {
            claims.insert("a", value).unwrap();
            assert_eq!(Claims::text(claims.get("a").unwrap()).as_deref(), Some(text));
        }
        assert_eq!(Claims::text(&json!("")), None);
    }

    #[test]
    fn all_together_stay_small_and_are_counted() {
        let mut claims = Claims::default();
        let long = "x".repeat(Claims::MOST / 2);
        claims.insert("a", json!(long)).unwrap();
        claims.insert("a", json!(long)).unwrap();
        assert_eq!(claims.insert("b", json!(long)), Err(BadClaim::TooLong));
        claims.insert("a", Value::Null).unwrap();
        assert_eq!((claims.bytes(), claims.is_empty()), (0, true));
    }
}
