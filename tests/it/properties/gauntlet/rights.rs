//! What does a route of the gauntlet need, and who has it? The table of `world::ROUTES`, written out by hand.

use super::readers::Place;

/// What a path needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: a public route, and no identity.
    Nothing,
    /// A good token or none.
    Maybe,
    /// A good token.
    Somebody,
    /// A good token with this scope.
    Scope(&'static str),
    /// It is never forwarded.
    Never,
}

/// What somebody brought, as far as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Brought {
    Nothing,
    /// Credentials that are not good.
    Rubbish,
    /// A token that the rules let pass.
    Token {
        subject: String,
        scope: Option<String>,
        email: Option<String>,
    },
}

impl Brought {
    pub(super) fn is_enough(&self, need: Need) -> bool {
        match (need, self) {
            (Need::Nothing, _)
            | (Need::Maybe, Self::Nothing)
            | (Need::Maybe | Need::Somebody, Self::Token { .. }) => true,
            (Need::Scope(wanted), Self::Token { scope: Some(scope), .. }) => {
                scope.split(' ').any(|scope| scope == wanted)
            }
            _ => false,
        }
    }
}

/// The endpoints, by their segments.
const ENDPOINTS: [&[&str]; 8] = [
    &["token"],
    &["user", "signin"],
    &["user", "signup"],
    &["auth", "logout"],
    &["auth", "revoke"],
    &["auth", "userinfo"],
    &["auth", "sessions"],
    &[".well-known", "oauth-authorization-server"],
];

/// What `method` needs at `place`.
pub(super) fn need(method: &str, place: &Place) -> Need {
    let segments: Vec<&str> = place.segments.iter().map(|s| std::str::from_utf8(s).unwrap_or("?")).collect();
    if !place.trailing && ENDPOINTS.contains(&&segments[..]) {
        return Need::Never;
    }
    match (&segments[..], place.trailing, method) {
        ([] | ["public", ..], ..) | (["healthz"], false, _) => Need::Nothing,
        (["maybe", ..], ..) => Need::Maybe,
        (["api", "admin"], false, _) => Need::Scope("admin"),
        (["event", ..], _, "POST" | "PUT" | "DELETE") => Need::Scope("event:write"),
        (["event", ..], _, "GET") => Need::Somebody,
        (["event", ..], ..) => Need::Never,
        _ => Need::Somebody,
    }
}
