//! What the token endpoint and the metadata say.

use crate::attacks::ada::{FORM, LOGIN, PASSWORD, in_world};
use crate::attacks::answers::made_by_us;
use crate::world::World;
use crate::world::recorder::Recorder;
use crate::world::{ROUTES, config_text};

#[tokio::test(flavor = "multi_thread")]
async fn h04_h05_a_token_answer_and_the_token_in_it() {
    let world = in_world(World::new().await).await;
    for (scope, granted) in [("", "event:read event:write"), ("&scope=event%3Aread", "event:read")] {
        let answer = world.stranger().post_form("/token", &format!("{FORM}{scope}")).await;
        made_by_us(&answer);
        let body = answer.json();
        assert_eq!((answer.status, answer.value("content-type")), (200, "application/json"));
        assert_eq!((answer.value("cache-control"), answer.value("pragma")), ("no-store", "no-cache"));
        assert_eq!((body["token_type"].as_str(), body["scope"].as_str()), (Some("Bearer"), Some(granted)));
        let token = body["access_token"].as_str().unwrap();
        let (header, claims) = gatepass::token::Verifier::inspect(token).unwrap();
        assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("HS256"), Some("at+jwt")));
        for name in ["iss", "sub", "aud", "jti", "sid", "scope", "client_id", "preferred_username"] {
            assert!(claims[name].is_string(), "{name}: {claims}");
        }
        for name in ["exp", "iat"] {
            assert!(claims[name].is_u64(), "{name}: {claims}");
        }
        assert_eq!(
            (claims["iss"].as_str(), claims["aud"].as_str()),
            (Some("https://gw.test"), Some("planner"))
        );
        assert_eq!(claims["scope"].as_str(), Some(granted));
        let lived = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert_eq!(body["expires_in"].as_u64(), Some(lived));
        assert_ne!(claims["sub"], claims["preferred_username"], "sub is the immutable id");
        // Nothing beyond: no password, no hash, no more of a person than their name and address.
        let known = [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "jti",
            "sid",
            "scope",
            "client_id",
            "preferred_username",
            "email",
            "login_version",
            "nbf",
            "pwv",
        ];
        for name in claims.as_object().unwrap().keys() {
            assert!(known.contains(&name.as_str()), "{name}: {claims}");
        }
        assert_eq!(
            claims["pwv"].as_str().map(str::len),
            Some(16),
            "96 bits, keyed: nothing to try passwords on"
        );
        let text = claims.to_string();
        assert!(!text.contains(PASSWORD) && !text.contains("$2b$"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h06a_the_errors_of_the_token_endpoint() {
    let world = in_world(World::new().await).await;
    let stranger = world.stranger();
    for (form, status, error) in [
        ("username=ada%40example.org".to_owned(), 400, "invalid_request"),
        (format!("{FORM}&client_id=app&client_secret=wrong"), 401, "invalid_client"),
        ("username=ada%40example.org&password=wrong".to_owned(), 400, "invalid_grant"),
        (format!("{FORM}&grant_type=authorization_code"), 400, "unsupported_grant_type"),
        (format!("{FORM}&scope=admin"), 400, "invalid_scope"),
        (format!("{FORM}&scope=%22"), 400, "invalid_scope"),
    ] {
        let answer = stranger.post_form("/token", &form).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(error)), "{form}");
        assert_eq!(answer.value("content-type"), "application/json");
        assert_eq!((answer.value("cache-control"), answer.value("pragma")), ("no-store", "no-cache"));
        made_by_us(&answer);
        let body = answer.json();
        let names: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["error", "error_description", "request_id"]);
        for detail in [LOGIN, PASSWORD, "bcrypt", "hash", "user store"] {
            assert!(!answer.text().contains(detail), "{answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h12a_the_metadata_names_what_is_there() {
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), ROUTES);
    let world = in_world(World::configured(recorder, &text).await).await;
    let answer = world.stranger().get("/.well-known/oauth-authorization-server").await;
    assert_eq!((answer.status, answer.value("content-type")), (200, "application/json"));
    made_by_us(&answer);
    let metadata = answer.json();
    let token = world.stranger().sign_in(LOGIN, PASSWORD).await.0.json()["access_token"].clone();
    let claims = gatepass::token::Verifier::inspect(token.as_str().unwrap()).unwrap().1;
    let issuer = metadata["issuer"].as_str().unwrap();
    assert_eq!(claims["iss"], issuer);
    assert!(!issuer.contains(['?', '#']));
    // The defaults of RFC 8414 would promise other grants, and clients that authenticate themselves.
    for (name, value) in [
        ("response_types_supported", serde_json::json!([])),
        ("grant_types_supported", serde_json::json!(["password"])),
        ("token_endpoint_auth_methods_supported", serde_json::json!(["none"])),
        ("revocation_endpoint_auth_methods_supported", serde_json::json!(["none"])),
    ] {
        assert_eq!(metadata[name], value, "{name}");
    }
    let mut named = 0;
    for (name, url) in metadata.as_object().unwrap() {
        if let Some(path) =
            name.strip_suffix("_endpoint").and(url.as_str()).and_then(|url| url.strip_prefix(issuer))
        {
            named += 1;
            let hits = world.recorder.hits();
            for method in ["GET", "POST"] {
                let answer = world.stranger().send(method, path, None).await;
                assert!(matches!(answer.status, 400 | 401 | 405), "{method} {path}: {answer:?}");
                made_by_us(&answer);
            }
            assert_eq!(world.recorder.hits(), hits, "{name} is not ours");
        }
    }
    assert!(named >= 3, "{metadata}");
}

/// RFC 9700 §2.4 says that the grant must not be used: whoever chooses it reads so first.
#[test]
fn h15_the_password_grant_is_called_what_it_is() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let plain = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plain.contains("RFC 9700") && plain.contains("MUST NOT be used"), "the README does not say so");
    for claim in
        ["OAuth 2.1 compliant", "OAuth 2.1 conformant", "conforms to RFC 9700", "complies with RFC 9700"]
    {
        assert!(!plain.contains(claim), "{claim}");
    }
}
