//! Which requests ask for a token, and what is said to the others?

use super::*;
use crate::answer::ErrorBody;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

fn headers(authorization: &[&str]) -> HeaderMap {
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let mut headers: HeaderMap =
        authorization.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect();
    headers.insert(CONTENT_TYPE, form);
    headers
}

/// What the request asks for, or its error code.
fn ask(authorization: &[&str], body: &str) -> Result<(String, Option<String>), &'static str> {
    asked(&headers(authorization), None, body.as_bytes(), None)
        .map(|grant| (grant.username, grant.scope.map(|scopes| scopes.to_string())))
        .map_err(|error| error.error)
}

const GOOD: &str = "username=ada&password=pw";

#[test]
fn a_password_grant_is_read() {
    let ada = || Ok(("ada".to_owned(), None));
    assert_eq!(ask(&[], GOOD), ada());
    assert_eq!(ask(&[], &format!("grant_type=password&{GOOD}&extra=1")), ada());
    assert_eq!(ask(&[], &format!("grant_type=&scope=&{GOOD}&client_id=&client_secret=")), ada());
    assert_eq!(ask(&[], &format!("{GOOD}&scope=b+a")), Ok(("ada".to_owned(), Some("a b".to_owned()))));
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    for (body, error) in [
        ("username=ada", "invalid_request"),
        ("password=pw", "invalid_request"),
        ("username=&password=pw", "invalid_request"),
        ("username=ada&password=", "invalid_request"),
        ("grant_type=password&grant_type=password&username=ada&password=pw", "invalid_request"),
        ("grant_type=client_credentials&username=ada&password=pw", "unsupported_grant_type"),
        ("grant_type=Password&username=ada&password=pw", "unsupported_grant_type"),
        ("username=ada&password=pw&password=pw", "invalid_request"),
        ("username=ada&password=pw&scope=%22", "invalid_scope"),
        ("", "invalid_request"),
    ] {
        assert_eq!(ask(&[], body), Err(error), "{body}");
    }
    let in_query = asked(&headers(&[]), Some("username=ada&password=pw"), b"", None).unwrap_err();
    assert_eq!(in_query.error, "invalid_request");
}

#[test]
fn a_client_that_claims_a_secret_is_unknown() {
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    for nothing in [basic(":"), basic("web:"), "Bearer old.token.here".to_owned(), "Negotiate".to_owned()] {
        assert!(ask(&[&nothing], GOOD).is_ok(), "{nothing}");
    }
    assert_eq!(ask(&[&basic("web:s3cret")], GOOD), Err("invalid_client"));
    assert_eq!(ask(&[], &format!("{GOOD}&client_id=web&client_secret=s3cret")), Err("invalid_client"));
    assert!(ask(&[], &format!("{GOOD}&client_id=web")).is_ok());
    for (authorization, body) in [
        (vec![basic("web:s3cret")], format!("{GOOD}&client_id=web&client_secret=s3cret")),
        (vec![basic("web:s3cret")], format!("{GOOD}&client_id=web")),
        (vec![basic("web:")], format!("{GOOD}&client_id=web")),
        (vec![basic(":"), basic(":")], GOOD.to_owned()),
        (vec!["Basic ***".to_owned()], GOOD.to_owned()),
        (vec![basic("no colon")], GOOD.to_owned()),
    ] {
        let authorization: Vec<&str> = authorization.iter().map(String::as_str).collect();
        assert_eq!(ask(&authorization, &body), Err("invalid_request"), "{authorization:?} {body}");
    }
}

#[test]
fn each_failure_has_its_status() {
    let caller = Caller { request_id: "req-1".into(), client: None, https: true };
    for (error, status, code) in [
        (SignInError::InvalidGrant, 400, "invalid_grant"),
        (SignInError::InvalidScope, 400, "invalid_scope"),
        (SignInError::Overloaded, 503, "temporarily_unavailable"),
        (SignInError::StoreUnavailable, 503, "temporarily_unavailable"),
    ] {
        let answer = OAuthError::from(error).reply(&caller, ErrorBody::OAuth).into_inner();
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!((answer.status().as_u16(), &body["error"]), (status, &code.into()));
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["pragma"], "no-cache");
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers().contains_key("retry-after"), status == 503);
        assert_eq!(body.as_object().unwrap().len(), 3, "error, error_description, request_id");
    }
    let unknown = OAuthError::new("invalid_client", "x").reply(&caller, ErrorBody::OAuth).into_inner();
    assert_eq!(unknown.status(), 401);
    assert_eq!(unknown.headers()["www-authenticate"], "Basic realm=\"gatepass\"");
}
