//! Which routes does an endpoint of ours stand in front of? An endpoint is answered before any route is looked at.

use super::endpoints::Endpoints;
use super::reading::Reading;
use super::routes::Routes;

/// Warns of routes that can never match, and of parts of routes that never reach their upstream.
pub(super) fn check(reading: &mut Reading, endpoints: &Endpoints, routes: &Routes) {
    for (spec, span) in routes.specs.iter().zip(&routes.spans) {
        let pattern = spec.pattern.as_str();
        for path in &endpoints.paths {
            if pattern == path.value {
                reading.problems.warn(
                    Some(span.clone()),
                    "this route can never match: the gateway answers the path itself",
                    "remove the route, or move the endpoint in [endpoints]",
                );
            } else if !spec.pattern.is_everything() && covers(pattern, &path.value) {
                reading.problems.warn(
                    Some(span.clone()),
                    format!("`{}` is under this route, but the gateway answers it itself", path.value),
                    "right if the backend has no such path; else move the endpoint in [endpoints]",
                );
            }
        }
    }
}

/// Whether `path` falls under `pattern`, segment by segment.
fn covers(pattern: &str, path: &str) -> bool {
    let mut path = path.split('/');
    for wanted in pattern.split('/') {
        match (wanted, path.next()) {
            ("**", _) => return true,
            (wanted, Some(found)) if wanted == found => {}
            (wanted, Some(found))
                if wanted.starts_with('{') && wanted.ends_with('}') && !found.is_empty() => {}
            _ => return false,
        }
    }
    path.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_paths() {
        for (pattern, path) in
            [("/user/**", "/user/signup"), ("/token/**", "/token"), ("/{a}/logout", "/auth/logout")]
        {
            assert!(covers(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in
            [("/user", "/user/signup"), ("/user/x", "/user"), ("/{a}", "/"), ("/u/**", "/user")]
        {
            assert!(!covers(pattern, path), "{pattern} {path}");
        }
    }
}
