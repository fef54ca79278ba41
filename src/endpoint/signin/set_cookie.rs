//! How is a cookie of ours written? For this host alone, over TLS alone, and out of every script's reach (RFC 6265bis).
//!
//! A name that begins with `__Host-` is the browser's word for that: it takes such a cookie only with `Secure`, `Path=/` and
//! without `Domain`, so no other host of the same site can have set it.

use std::fmt::Write as _;
use std::time::Duration;

use http::HeaderValue;

/// Bytes of a cookie, its name and value, that every browser takes.
const MOST: usize = 4096;

/// `same_site`: with which requests from elsewhere a cookie comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    /// With links that are followed here.
    #[default]
    Lax,
    /// With none: whoever follows a link here looks signed out until they go on from page to page.
    Strict,
}

impl SameSite {
    /// The attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
        }
    }
}

/// `Set-Cookie`, for that long or as long as the browser runs; none if browsers would drop it.
pub(super) fn set(
    name: &str,
    value: &str,
    same_site: SameSite,
    lives: Option<Duration>,
) -> Option<HeaderValue> {
    if name.len() + value.len() > MOST {
        return None;
    }
    let mut text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={}", same_site.as_str());
    if let Some(lives) = lives {
        let _ = write!(text, "; Max-Age={}", lives.as_secs());
    }
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// `Set-Cookie` that ends it.
pub(super) fn clear(name: &str, same_site: SameSite) -> Option<HeaderValue> {
    set(name, "", same_site, Some(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_for_this_host_alone() {
        let made = set("__Host-t", "a.b.c", SameSite::Strict, Some(Duration::from_secs(90))).unwrap();
        assert_eq!(made, "__Host-t=a.b.c; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=90");
        assert!(made.is_sensitive() && !format!("{made:?}").contains("a.b.c"));
        assert_eq!(
            set("__Host-f", "x", SameSite::Lax, None).unwrap(),
            "__Host-f=x; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            clear("__Host-t", SameSite::Lax).unwrap(),
            "__Host-t=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
        );
        assert_eq!(set("__Host-t", &"x".repeat(4096), SameSite::Lax, None), None);
    }
}
