//! What does a person type to sign in, and which spellings of it are one login? The one place that says so.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use super::{BadText, presentable};

/// A login: an e-mail address or a user name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginName(Box<str>);

impl LoginName {
    /// The one spelling of all that mean the same login: in Unicode's composed form (NFC), without white space around
    /// it, in lower case.
    pub fn canonical(text: &str) -> String {
        // Composed again at the end: lower case of a composed text need not be composed.
        composed(&composed(text).to_lowercase())
    }

    /// Takes the [canonical](Self::canonical) form of `text` if it is presentable.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        Self::as_stored(&Self::canonical(text))
    }

    /// Takes a login as another application spells it, if it is presentable.
    pub fn as_stored(text: &str) -> Result<Self, BadText> {
        presentable(text)?;
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A login that somebody asks for: as it was typed, and canonical. Another application may have stored either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedLogin {
    typed: LoginName,
    canonical: LoginName,
}

impl AskedLogin {
    /// Takes what was typed, if its canonical form is presentable. White space around it was not meant.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        Ok(Self { typed: LoginName::as_stored(&composed(text))?, canonical: LoginName::parse(text)? })
    }

    /// As it was typed, composed (NFC) and trimmed.
    pub const fn typed(&self) -> &LoginName {
        &self.typed
    }

    /// The [canonical](LoginName::canonical) spelling.
    pub const fn canonical(&self) -> &LoginName {
        &self.canonical
    }

    /// Both spellings, the typed one first; one if they are the same.
    pub fn spellings(&self) -> impl Iterator<Item = &LoginName> {
        std::iter::once(&self.typed)
            .chain(Some(&self.canonical).filter(|canonical| **canonical != self.typed))
    }
}

impl From<LoginName> for AskedLogin {
    /// Asks for a login that is stored.
    fn from(stored: LoginName) -> Self {
        let canonical = LoginName::parse(stored.as_str()).unwrap_or_else(|_| stored.clone());
        Self { typed: stored, canonical }
    }
}

fn composed(text: &str) -> String {
    text.trim().nfc().collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_name_has_one_spelling() {
        assert_eq!(LoginName::parse("  Ada@Example.ORG "), LoginName::parse("ada@example.org"));
        let composed = LoginName::parse("J\u{fc}rgen").unwrap();
        assert_eq!(LoginName::parse("Ju\u{308}rgen").unwrap(), composed);
        for text in ["\u{130}stanbul", "\u{1e9e}", "A\u{30a}", "\u{212b}", "x\u{3000}"] {
            let once = LoginName::canonical(text);
            assert_eq!(LoginName::canonical(&once), once, "{text:?}");
        }
    }

    #[test]
    fn what_is_typed_is_asked_for_as_it_is_and_canonical() {
        let asked = AskedLogin::parse(" Ada@Example.org ").unwrap();
        let spellings: Vec<_> = asked.spellings().map(LoginName::as_str).collect();
        assert_eq!(spellings, ["Ada@Example.org", "ada@example.org"]);
        assert_eq!(AskedLogin::parse("ada").unwrap().spellings().count(), 1);
        assert!(AskedLogin::parse("a\r\nb").is_err());
        assert!(AskedLogin::parse(&"x".repeat(100_000)).is_err());
        assert_eq!(AskedLogin::from(LoginName::as_stored("Ada").unwrap()).canonical().as_str(), "ada");
    }
}
