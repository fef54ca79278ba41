//! Do our own tokens suit a verifier that we did not write? Without `aud`, and with claims under further names.

use gatepass::identity::{Claims, Scopes, Subject};
use gatepass::token::{Grant, Issuer, KeyRing, TokenError, Verifier};
use serde_json::{Value, json};

use super::{NOW, error, gateway_saying, good, ours, verifier_of};
use crate::world::tokens::sign;
use crate::world::{ROUTES, SECRET, config_text, load};

const ALSO: &str = r#"
omit = ["aud"]
also = { user = "preferred_username", expires = "exp", scopes = "scopes", mail = "email" }
"#;

fn text(tokens: &str) -> String {
    let text = config_text(([127, 0, 0, 1], 9).into(), ROUTES);
    text.replace("max_lifetime = \"24h\"\n", &format!("max_lifetime = \"24h\"\n{tokens}\n"))
}

#[test]
fn a_token_without_audience_is_ours_only_if_we_make_such() {
    let with_kid = json!({ "alg": "HS256", "typ": "at+jwt", "kid": super::kid() });
    let token = |changes: &Value| sign(&with_kid, &ours(changes), SECRET.as_bytes());
    let (usual, without) = (verifier_of(&text("")), verifier_of(&text(ALSO)));
    assert_eq!(error(&usual, &token(&json!({ "aud": null }))), Some(TokenError::MissingClaim("aud")));
    assert_eq!(error(&without, &token(&json!({ "aud": null }))), None);
    assert_eq!(error(&without, &token(&json!({}))), None, "those of before the change");
    assert_eq!(error(&without, &token(&json!({ "aud": "other" }))), Some(TokenError::WrongAudience));
    assert_eq!(error(&without, &token(&json!({ "aud": 7 }))), Some(TokenError::MissingClaim("aud")));
}

#[test]
fn a_token_says_it_again_under_other_names() {
    let dir = tempfile::tempdir().unwrap();
    let tokens = load(dir.path(), &text(ALSO)).tokens;
    let keys = std::sync::Arc::new(KeyRing::new(&tokens));
    let clock = gatepass::clock::Clock::manual(gatepass::clock::UnixTime::from_secs(NOW)).0;
    let mut claims = Claims::default();
    for (name, value) in [("department", json!("Sales")), ("user", json!("root")), ("floor", json!(3))] {
        claims.insert(name, value).unwrap();
    }
    let issued = Issuer::new(&tokens, keys, clock).issue(Grant {
        subject: Subject::parse("u-1").unwrap(),
        preferred_username: Some("ada".to_owned()),
        email: None,
        scopes: Scopes::parse("items me").unwrap(),
        login: None,
        client_id: "test".to_owned(),
        lifetime: None,
        claims,
    });
    let (_, said) = Verifier::inspect(&issued.token).expect("no member is there twice");
    let expected = json!({
        "user": "ada", "expires": NOW + 1800, "scopes": ["items", "me"], "department": "Sales", "floor": 3,
        "sub": "u-1", "scope": "items me", "exp": NOW + 1800, "iat": NOW,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&said[name], value, "{name}");
    }
    assert!(said.get("aud").is_none() && said.get("mail").is_none(), "{said}");
    good(&verifier_of(&text(ALSO)), &issued.token);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_gets_such_a_token_and_gets_in_with_it() {
    let world = gateway_saying(ALSO, "{ \"X-User\" = \"sub\" }", "").await;
    let password = "correct horse battery staple";
    assert_eq!(world.stranger().sign_up("ada@example.org", password).await.status, 200);
    let (answer, ada) = world.stranger().sign_in("ada@example.org", password).await;
    let (_, said) = Verifier::inspect(answer.json()["access_token"].as_str().unwrap()).unwrap();
    assert_eq!((&said["user"], &said["expires"]), (&json!("ada@example.org"), &said["exp"]));
    assert!(said.get("aud").is_none());
    assert_eq!(ada.unwrap().get("/event/1").await.status, 200);
}
