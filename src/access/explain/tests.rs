//! Does the order of checks decide as the rules say?

use super::*;

fn route(access: Access, scopes: ScopeRule) -> Route {
    Route {
        id: 0,
        name: "r".into(),
        access,
        scopes,
        upstream: 0,
        timeout: None,
        body_limit: None,
        forward_authorization: None,
        on_stale: None,
        streams: crate::route::StreamRules::default(),
        line: 1,
    }
}

fn missing() -> Result<Arc<Verified>, Denial> {
    Err(Denial::of(Reason::MissingToken))
}

#[test]
fn a_route_decides_what_a_missing_token_means() {
    let scopes = ScopeRule::All(crate::identity::Scopes::parse("a").unwrap());
    let reason = |route: &Route| match admit(route, missing) {
        Ok(permit) => permit.reason(),
        Err(denial) => denial.reason,
    };
    assert_eq!(reason(&route(Access::Public, ScopeRule::None)), Reason::Public);
    assert_eq!(reason(&route(Access::Optional, ScopeRule::None)), Reason::Anonymous);
    assert_eq!(reason(&route(Access::Authenticated, ScopeRule::None)), Reason::MissingToken);
    assert_eq!(reason(&route(Access::Denied, ScopeRule::None)), Reason::RouteDenied);
    // Scopes on a route that lets strangers in: they hold none.
    assert_eq!(reason(&route(Access::Optional, scopes.clone())), Reason::MissingToken);
    assert_eq!(reason(&route(Access::Public, scopes)), Reason::MissingToken);
}

#[test]
fn no_standing_objects_but_clear() {
    use crate::revocation::Scope;
    assert_eq!(objection(Standing::Clear), None);
    assert_eq!(objection(Standing::Stale), Some(Reason::RevocationStale));
    for (scope, reason) in [
        (Scope::Token, Reason::RevokedToken),
        (Scope::Login, Reason::RevokedLogin),
        (Scope::User, Reason::RevokedUser),
        (Scope::Key, Reason::RevokedKey),
    ] {
        assert_eq!(objection(Standing::Revoked(scope)), Some(reason));
    }
}
