//! Who is it, by what name, with what rights: the values every room speaks in.
//!
//! Each is made by its `parse`, once, at the edge; a value that exists is well formed.

mod claims;
mod digest;
mod header;
mod login;
mod scope;

pub use claims::{BadClaim, Claims};
pub use digest::{Digest, RevocationDigests};
pub(crate) use header::{header_text, header_value};
pub use login::{AskedLogin, LoginName};
pub use scope::{Scope, Scopes};

use std::fmt;

/// Why a text is not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Nothing but white space, or nothing at all.
    #[error("is empty")]
    Empty,
    /// More bytes than allowed.
    #[error("is longer than {0} bytes")]
    TooLong(usize),
    /// A control character, or white space at an end.
    #[error("holds a control character, or white space at an end")]
    Control,
    /// A character the place does not allow.
    #[error("holds a character that is not allowed")]
    Character,
}

/// Text that may become a header value: not empty, at most 255 bytes, no control character, no outer white space.
fn presentable(text: &str) -> Result<(), BadText> {
    const MOST: usize = 255;
    if text.trim().is_empty() {
        return Err(BadText::Empty);
    }
    if text.len() > MOST {
        return Err(BadText::TooLong(MOST));
    }
    if text.chars().any(char::is_control) || text.trim() != text {
        return Err(BadText::Control);
    }
    Ok(())
}

/// An identifier of ours or of another issuer's: visible ASCII without space, quote or backslash.
fn identifier(text: &str, most: usize) -> Result<(), BadText> {
    if text.is_empty() {
        return Err(BadText::Empty);
    }
    if text.len() > most {
        return Err(BadText::TooLong(most));
    }
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:@+/=|".contains(&b)) {
        Ok(())
    } else {
        Err(BadText::Character)
    }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Takes `text` if it is well formed.
            pub fn parse(text: &str) -> Result<Self, BadText> {
                let check: fn(&str) -> Result<(), BadText> = $check;
                check(text)?;
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type! {
    /// The `sub` of a token (RFC 7519 §4.1.2): who it speaks for.
    Subject, presentable
}
text_type! {
    /// A user's immutable identifier in the store.
    UserId, |text| identifier(text, 128)
}
text_type! {
    /// The `jti` of a token (RFC 7519 §4.1.7): what a revocation of one token names.
    TokenId, |text| identifier(text, 128)
}
text_type! {
    /// The `sid` of a token: one sign-in, shared by all tokens that come of it.
    LoginId, |text| identifier(text, 128)
}

impl UserId {
    /// A new identifier that nobody has and nobody can guess.
    pub fn new() -> Self {
        Self(crate::secret::random_id().into())
    }
}

impl Default for UserId {
    fn default() -> Self {
        Self::new()
    }
}

impl TokenId {
    /// A new identifier that nobody has and nobody can guess.
    pub fn new() -> Self {
        Self(crate::secret::random_id().into())
    }
}

impl Default for TokenId {
    fn default() -> Self {
        Self::new()
    }
}

impl LoginId {
    /// A new identifier that nobody has and nobody can guess.
    pub fn new() -> Self {
        Self(crate::secret::random_id().into())
    }
}

impl Default for LoginId {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_never_carries_a_control_character() {
        for bad in ["", " ", "alice\r\nX-Admin: 1", "a\0", "\u{85}x", " alice", "alice\t"] {
            assert!(Subject::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Subject::parse(&"x".repeat(256)).is_err());
        assert_eq!(Subject::parse("jürgen").unwrap().as_str(), "jürgen");
    }

    #[test]
    fn a_token_identifier_is_plain() {
        for bad in ["", "*", "a b", "a\r\nb", "é"] {
            assert!(TokenId::parse(bad).is_err(), "{bad:?}");
        }
        assert!(TokenId::parse("0192f0c1-7000-7000-8000-000000000001").is_ok());
    }
}
