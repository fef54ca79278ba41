//! Do our answers say what the RFCs ask, and no more than a client may know?

use super::*;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, SERVER};
use serde_json::{Value, json as value};

fn of(reason: Reason) -> Response<Bytes> {
    refusal(&Refusal::of(reason, "req-1", ErrorBody::OAuth))
}

fn body(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

fn header<'a>(answer: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    assert!(answer.headers().get_all(name).iter().count() <= 1, "{name} more than once");
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn every_refusal_has_the_frame() {
    for reason in Reason::ALL.into_iter().filter(|reason| !reason.allows()) {
        for shape in [ErrorBody::OAuth, ErrorBody::Problem] {
            let answer = refusal(&Refusal::of(reason, "req-1", shape));
            assert!(answer.status().is_client_error() || answer.status().is_server_error(), "{reason:?}");
            assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
            assert_eq!(answer.headers()[CONTENT_LENGTH], answer.body().len().to_string().as_str());
            assert_eq!(header(&answer, "x-request-id"), Some("req-1"));
            assert_eq!(body(&answer)["request_id"], "req-1");
            assert!(!answer.headers().contains_key(SERVER));
            let challenged = answer.headers().get_all(WWW_AUTHENTICATE).iter().count();
            assert!(challenged <= 1 && (answer.status() != 401 || challenged == 1), "{reason:?}");
            assert_eq!(
                answer.headers().contains_key(RETRY_AFTER),
                matches!(answer.status().as_u16(), 503 | 429)
            );
        }
    }
}

#[test]
fn nobody_tried_yet() {
    let answer = of(Reason::MissingToken);
    assert_eq!(answer.status(), 401);
    assert_eq!(header(&answer, "www-authenticate"), Some("Bearer realm=\"gatepass\""));
    assert_eq!(
        body(&answer),
        value!({"error": "missing_token", "error_description": "missing_token: a bearer token is needed", "request_id": "req-1"})
    );
}

#[test]
fn what_could_help_a_forger_is_one_answer() {
    let alike = of(Reason::BadSignature);
    assert_eq!(
        header(&alike, "www-authenticate"),
        Some("Bearer realm=\"gatepass\", error=\"invalid_token\", error_description=\"invalid token\"")
    );
    for reason in [
        Reason::MalformedToken,
        Reason::AlgorithmNotAllowed,
        Reason::UnknownKey,
        Reason::WrongType,
        Reason::WrongIssuer,
        Reason::WrongAudience,
        Reason::MissingClaim,
        Reason::NotYetValid,
        Reason::LifetimeTooLong,
    ] {
        let mut told = Refusal::of(reason, "req-1", ErrorBody::OAuth);
        told.detail = Some("the kid is k7");
        let answer = refusal(&told);
        assert_eq!(answer.status(), 401);
        assert_eq!((answer.headers(), answer.body()), (alike.headers(), alike.body()), "{reason:?}");
    }
}

#[test]
fn a_token_that_was_good_is_told_why() {
    for (reason, word) in [
        (Reason::Expired, "expired: "),
        (Reason::RevokedToken, "revoked_token: "),
        (Reason::RevokedLogin, "revoked_login: "),
        (Reason::RevokedUser, "revoked_user: "),
        (Reason::RevokedKey, "revoked_key: "),
        (Reason::UserDisabled, "user_disabled: "),
    ] {
        let answer = of(reason);
        assert_eq!(answer.status(), 401);
        let challenge = header(&answer, "www-authenticate").unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        assert!(challenge.contains(&format!("error_description=\"{word}")), "{challenge}");
        assert_eq!(body(&answer)["error"], "invalid_token");
        assert!(body(&answer)["error_description"].as_str().unwrap().starts_with(word));
    }
}

#[test]
fn malformed_credentials_are_the_clients_mistake() {
    for reason in [Reason::MalformedCredentials, Reason::MultipleCredentials] {
        let answer = of(reason);
        assert_eq!(answer.status(), 400);
        assert!(header(&answer, "www-authenticate").unwrap().contains("error=\"invalid_request\""));
    }
}

#[test]
fn a_missing_scope_is_named() {
    let mut lacking = Refusal::of(Reason::InsufficientScope, "req-1", ErrorBody::OAuth);
    lacking.needed_scope = Some("event:read event:write");
    let answer = refusal(&lacking);
    assert_eq!(answer.status(), 403);
    let challenge = header(&answer, "www-authenticate").unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\""));
    assert!(challenge.ends_with("scope=\"event:read event:write\""), "{challenge}");
}

#[test]
fn a_realm_cannot_break_out_of_its_quotes() {
    let mut odd = Refusal::of(Reason::MissingToken, "req-1", ErrorBody::OAuth);
    odd.realm = "a\", error=\"x\r\n\\é";
    assert_eq!(header(&refusal(&odd), "www-authenticate"), Some("Bearer realm=\"a, error=x\""));
}

#[test]
fn the_caller_may_choose_the_status_and_the_detail() {
    let large = refusal(&Refusal::head_too_large("req-1", ErrorBody::OAuth));
    assert_eq!(large.status(), 431);
    let mut dead = Refusal::of(Reason::UpstreamUnavailable, "req-1", ErrorBody::OAuth);
    assert_eq!(refusal(&dead).status(), 502);
    dead.status = Some(StatusCode::SERVICE_UNAVAILABLE);
    dead.detail = Some("planner: no server is alive");
    let answer = refusal(&dead);
    assert_eq!(answer.status(), 503);
    assert_eq!(header(&answer, "retry-after"), Some("5"));
    assert_eq!(body(&answer)["error_description"], "upstream_unavailable: planner: no server is alive");
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let allow = HeaderValue::from_static("GET, HEAD");
    let mut wrong = Refusal::of(Reason::MethodNotAllowed, "req-1", ErrorBody::OAuth);
    wrong.allow = Some(&allow);
    let answer = refusal(&wrong);
    assert_eq!((answer.status().as_u16(), header(&answer, "allow")), (405, Some("GET, HEAD")));
}

#[test]
fn a_problem_is_rfc_9457() {
    let answer = refusal(&Refusal::of(Reason::Expired, "req-1", ErrorBody::Problem));
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
    assert_eq!(
        body(&answer),
        value!({"type": "about:blank", "title": "Unauthorized", "status": 401, "reason": "expired",
            "detail": "expired: the token has expired", "request_id": "req-1"})
    );
    let forged = refusal(&Refusal::of(Reason::BadSignature, "req-1", ErrorBody::Problem));
    assert_eq!(body(&forged)["reason"], "invalid_token");
}

#[test]
fn nothing_has_no_length_but_an_empty_body_has() {
    let none = empty(StatusCode::NO_CONTENT, "req-1");
    assert!(!none.headers().contains_key(CONTENT_LENGTH) && !none.headers().contains_key(CONTENT_TYPE));
    assert_eq!(empty(StatusCode::OK, "req-1").headers()[CONTENT_LENGTH], "0");
}

#[test]
fn fastapi_has_its_own_texts_and_statuses() {
    let (unfit, none) = ("Could not validate credentials", None);
    for (reason, status, detail, challenge) in [
        (Reason::MissingToken, 401, "Not authenticated", Some("Bearer")),
        (Reason::MalformedCredentials, 401, unfit, Some("Bearer scope=\"me items\"")),
        (Reason::BadSignature, 401, unfit, Some("Bearer scope=\"me items\"")),
        (Reason::Expired, 401, unfit, Some("Bearer scope=\"me items\"")),
        (Reason::RevokedUser, 401, unfit, Some("Bearer scope=\"me items\"")),
        (Reason::InsufficientScope, 401, "Not enough permissions", Some("Bearer scope=\"me items\"")),
        (Reason::UserDisabled, 400, "Inactive user", none),
        (Reason::RouteDenied, 403, "Forbidden", none),
        (Reason::MethodNotAllowed, 405, "Method Not Allowed", none),
        (Reason::TooLarge, 413, "Content Too Large", none),
        (Reason::RateLimited, 429, "Too Many Requests", none),
        (Reason::Internal, 500, "Internal Server Error", none),
        (Reason::UpstreamUnavailable, 502, "Bad Gateway", none),
        (Reason::StoreUnavailable, 503, "Service Unavailable", none),
        (Reason::UpstreamTimeout, 504, "Gateway Timeout", none),
    ] {
        let mut asked = Refusal::of(reason, "req-1", ErrorBody::FastApi);
        (asked.needed_scope, asked.detail) = (Some("me items"), Some("where our stores are"));
        let answer = refusal(&asked);
        assert_eq!((answer.status().as_u16(), status_of(reason)), (status, status), "{reason:?}");
        assert_eq!(body(&answer), value!({ "detail": detail }), "{reason:?}");
        assert_eq!(header(&answer, "www-authenticate"), challenge, "{reason:?}");
        assert_eq!(header(&answer, "x-request-id"), Some("req-1"));
    }
}

fn status_of(reason: Reason) -> u16 {
    status(reason, ErrorBody::FastApi).as_u16()
}
