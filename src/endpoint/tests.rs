//! Which paths are ours, and does each endpoint answer as its RFC says?

mod answers;

use super::*;

pub(super) fn settings() -> Settings {
    let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
    Settings {
        token: paths(&["/token", "/user/signin"]),
        signup: paths(&["/user/signup"]),
        password: paths(&["/auth/password"]),
        logout: paths(&["/auth/logout"]),
        revoke: paths(&["/auth/revoke", "/token"]),
        userinfo: paths(&["/auth/{user}/info"]),
        sessions: paths(&["/auth/sessions"]),
        metadata: paths(&["/.well-known/oauth-authorization-server"]),
        token_type: "Bearer".to_owned(),
        signin: paths(&["/auth/signin"]),
        signout: paths(&["/auth/signout"]),
        page: None,
        sign_up: SignUpRules::default(),
    }
}

#[test]
fn a_path_is_taken_as_it_stands() {
    let found = by_path(&settings());
    assert_eq!(found.get("/token"), Some(&"token"), "the first that claims it");
    assert_eq!(found.get("/user/signin"), Some(&"token"));
    assert_eq!(found.get("/auth/{user}/info"), Some(&"userinfo"));
    for other in ["/auth/ada/info", "/token/", "/Token", "/signup", "/"] {
        assert_eq!(found.get(other), None, "{other}");
    }
}

#[test]
fn an_alias_keeps_its_query() {
    for name in Endpoints::NAMES {
        let uri = internal(name, &Uri::from_static("/elsewhere?a=%20b&all=true")).unwrap();
        assert_eq!(uri.to_string(), format!("/{name}?a=%20b&all=true"));
        assert_eq!(internal(name, &Uri::from_static("/elsewhere")).unwrap().to_string(), format!("/{name}"));
    }
}

#[test]
fn metadata_names_what_is_there() {
    let document = metadata::document(&settings(), "https://example.org/");
    assert_eq!(
        document,
        serde_json::json!({
            "issuer": "https://example.org/",
            "token_endpoint": "https://example.org/token",
            "revocation_endpoint": "https://example.org/auth/revoke",
            "userinfo_endpoint": "https://example.org/auth/{user}/info",
            "response_types_supported": [],
            "grant_types_supported": ["password"],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
        })
    );
    let none = Settings { revoke: Vec::new(), ..settings() };
    let document = metadata::document(&none, "https://example.org");
    assert!(document.get("revocation_endpoint").is_none());
    assert!(document.get("revocation_endpoint_auth_methods_supported").is_none());
}
