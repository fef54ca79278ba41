//! What a token allows: scope tokens as RFC 6749 §3.3 writes them.

use std::fmt;

use super::BadText;

/// One scope token: visible ASCII without `"` and `\`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Box<str>);

impl Scope {
    /// Takes `text` if it is one scope token of at most 128 bytes.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        const MOST: usize = 128;
        if text.is_empty() {
            return Err(BadText::Empty);
        }
        if text.len() > MOST {
            return Err(BadText::TooLong(MOST));
        }
        if text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
            Ok(Self(text.into()))
        } else {
            Err(BadText::Character)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A set of scopes, in order, without repetition, with its text form ready (`"a b c"`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    sorted: Box<[Scope]>,
    text: Box<str>,
}

impl Scopes {
    /// Reads a space-delimited list; the empty text is the empty set.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        let found: Result<Vec<Scope>, BadText> =
            text.split(' ').filter(|part| !part.is_empty()).map(Scope::parse).collect();
        Ok(found?.into_iter().collect())
    }

    /// The space-delimited text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The scopes, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.sorted.iter()
    }

    /// Whether `scope` is in the set.
    pub fn contains(&self, scope: &Scope) -> bool {
        self.sorted.binary_search(scope).is_ok()
    }

    /// Whether every scope of `needed` is in the set.
    pub fn contains_all(&self, needed: &Self) -> bool {
        needed.iter().all(|scope| self.contains(scope))
    }

    /// Whether at least one scope of `accepted` is in the set.
    pub fn contains_any(&self, accepted: &Self) -> bool {
        accepted.iter().any(|scope| self.contains(scope))
    }

    /// What both sets hold.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.iter().filter(|scope| other.contains(scope)).cloned().collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut sorted: Vec<Scope> = scopes.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        let text = sorted.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ");
        Self { sorted: sorted.into(), text: text.into() }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_compared_as_sets() {
        let held = Scopes::parse("event:write  event:read event:read").unwrap();
        assert_eq!(held.as_str(), "event:read event:write");
        assert!(held.contains_all(&Scopes::parse("event:read").unwrap()));
        assert!(!held.contains_all(&Scopes::parse("event:read admin").unwrap()));
        assert!(held.contains_any(&Scopes::parse("admin event:read").unwrap()));
        assert!(held.contains_all(&Scopes::default()));
        assert_eq!(held.intersection(&Scopes::parse("event:read x").unwrap()).as_str(), "event:read");
    }

    #[test]
    fn a_quote_is_not_a_scope() {
        assert!(Scopes::parse("a \"b").is_err());
        assert!(Scopes::parse("a\\b").is_err());
        assert!(Scopes::parse("a\u{e9}").is_err());
    }
}
