//! What does each endpoint answer, with real stores behind it?

use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::*;
use crate::login::trial::{PASSWORD, Trial};

const FORM: &str = "application/x-www-form-urlencoded";

struct Desktop {
    endpoints: Endpoints,
    metrics: Arc<Metrics>,
    trial: Trial,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    outcome: Outcome,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    fn told(&self) -> (u16, String) {
        (self.status, self.json()["error"].as_str().unwrap_or_default().to_owned())
    }
}

impl Desktop {
    fn of(trial: Trial) -> Self {
        let metrics = Arc::new(Metrics::new(&[], &[]));
        let (logins, gate) = (Arc::clone(&trial.logins), Arc::clone(&trial.gate));
        let issuer = "https://gate.example";
        let endpoints =
            Endpoints::new(&settings(), logins, gate, ErrorBody::OAuth, issuer, Arc::clone(&metrics));
        Self { endpoints, metrics, trial }
    }

    async fn ask(
        &self,
        method: Method,
        target: &str,
        headers: &[(http::HeaderName, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::new(Bytes::copy_from_slice(body.as_bytes()));
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().unwrap();
        request
            .headers_mut()
            .extend(headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())));
        let caller = Caller { request_id: "req-1".into(), client: None, https: true };
        let (head, body) = self.endpoints.answer(request, caller).await.into_parts();
        assert_eq!(head.headers["x-request-id"], "req-1");
        assert_eq!(head.headers["cache-control"], "no-store");
        let outcome = head.extensions.get::<Outcome>().unwrap().clone();
        Answer { status: head.status.as_u16(), headers: head.headers, body, outcome }
    }

    async fn form(&self, target: &str, body: &str) -> Answer {
        self.ask(Method::POST, target, &[(CONTENT_TYPE, FORM)], body).await
    }

    async fn sign_up(&self, body: &str) -> Answer {
        self.ask(Method::POST, "/user/signup", &[(CONTENT_TYPE, "application/json")], body).await
    }

    async fn with_token(&self, method: Method, target: &str, token: &str) -> Answer {
        self.ask(method, target, &[(AUTHORIZATION, &format!("Bearer {token}"))], "").await
    }

    async fn token(&self) -> String {
        let answer = self.form("/user/signin", "username=ada%40example.org&password=correct+horse").await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }
}

async fn desktop() -> Desktop {
    let desktop = Desktop::of(Trial::start().await);
    desktop.trial.sign_up("ada@example.org").await;
    desktop
}

#[tokio::test]
async fn sign_up_sign_in_look_sign_out() {
    let desktop = Desktop::of(Trial::start().await);
    let ada = json!({"email": "ada@example.org", "password": PASSWORD}).to_string();
    let created = desktop.sign_up(&ada).await;
    assert_eq!((created.status, created.json()), (200, json!({"message": "User created successfully"})));
    assert_eq!(desktop.sign_up(&ada).await.told(), (409, "user_exists".into()));

    let answer =
        desktop.form("/token", "grant_type=password&username=ada%40example.org&password=correct+horse").await;
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["token_type"], &body["expires_in"]),
        (200, &json!("Bearer"), &json!(1800))
    );
    assert_eq!(body["scope"], "event:read event:write");
    assert_eq!(answer.headers["pragma"], "no-cache");
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(
        (answer.outcome.reason, &answer.outcome.subject),
        (Reason::Endpoint, &created.outcome.subject)
    );

    let token = body["access_token"].as_str().unwrap();
    let looked = desktop.with_token(Method::GET, "/auth/{user}/info", token).await;
    assert_eq!(
        looked.json(),
        json!({"iss": "https://gate.example", "sub": created.outcome.subject, "email": "ada@example.org",
            "preferred_username": "ada@example.org", "scope": "event:read event:write"})
    );
    let out = desktop.with_token(Method::POST, "/auth/logout", token).await;
    assert_eq!((out.status, out.body.len(), out.headers.get(CONTENT_LENGTH)), (204, 0, None));
    let again = desktop.with_token(Method::POST, "/auth/logout", token).await;
    assert_eq!((again.status, again.outcome.reason), (401, Reason::RevokedLogin));
    assert!(again.json()["error_description"].as_str().unwrap().starts_with("revoked_login"));
    assert!(again.headers["www-authenticate"].to_str().unwrap().contains("error=\"invalid_token\""));

    let counted = desktop.metrics.render();
    for line in [
        "gatepass_logins_total{result=\"success\"} 1",
        "gatepass_tokens_issued_total{grant=\"password\"} 1",
        "gatepass_revocations_total{scope=\"login\"} 1",
    ] {
        assert!(counted.lines().any(|found| found == line), "{line}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_one_answer() {
    let desktop = desktop().await;
    let wrong = desktop.form("/token", "username=ada%40example.org&password=wrong").await;
    let unknown = desktop.form("/token", "username=bob%40example.org&password=wrong").await;
    assert_eq!(wrong.told(), (400, "invalid_grant".into()));
    assert_eq!((wrong.headers, wrong.body), (unknown.headers, unknown.body));
    let counted = desktop.metrics.render();
    assert!(counted.contains("gatepass_logins_total{result=\"invalid_grant\"} 2"));
}

#[tokio::test]
async fn signing_out_everywhere_is_asked_for_plainly() {
    let desktop = desktop().await;
    let (phone, desk) = (desktop.token().await, desktop.token().await);
    let unclear = desktop.with_token(Method::POST, "/auth/logout?all=yes", &phone).await;
    assert_eq!(unclear.told(), (400, "invalid_request".into()));
    assert_eq!(desktop.with_token(Method::POST, "/auth/logout?all=true", &phone).await.status, 204);
    let other = desktop.with_token(Method::GET, "/auth/{user}/info", &desk).await;
    assert_eq!(other.outcome.reason, Reason::RevokedUser);
    assert!(other.outcome.subject.is_some(), "it is known whose it was");
}

#[tokio::test]
async fn revoking_is_never_refused_to_who_holds_the_token() {
    let desktop = desktop().await;
    let token = desktop.token().await;
    let revoked = desktop.form("/auth/revoke", &format!("token={token}&token_type_hint=nonsense")).await;
    assert_eq!(
        (revoked.status, revoked.body.len(), &revoked.headers[CONTENT_LENGTH]),
        (200, 0, &"0".parse().unwrap())
    );
    let refused = desktop.with_token(Method::GET, "/auth/{user}/info", &token).await;
    assert_eq!(refused.outcome.reason, Reason::RevokedToken);
    assert_eq!(desktop.form("/auth/revoke", "token=garbage").await.status, 200);
    assert_eq!(desktop.form("/auth/revoke", "").await.told(), (400, "invalid_request".into()));
}

#[tokio::test]
async fn a_sign_up_is_told_field_and_rule() {
    let desktop = desktop().await;
    for (body, status, field) in [
        (r#"{"email":"bob","password":"long enough"}"#, 422, "email"),
        (r#"{"email":"bob@example.org","password":"short"}"#, 422, "password"),
        (r#"{"email":"bob@example.org","password":"long enough","admin":true}"#, 422, "admin"),
        (r#"{"email":"bob@example.org"}"#, 422, "password"),
    ] {
        let answer = desktop.sign_up(body).await;
        assert_eq!(answer.told(), (status, "invalid_request".into()), "{body}");
        assert_eq!(answer.json()["field"], field);
        assert!(answer.json()["error_description"].as_str().unwrap().starts_with(field));
    }
    assert_eq!(desktop.sign_up("{").await.status, 400);
    let form = desktop.form("/user/signup", "email=bob%40example.org&password=long+enough").await;
    assert_eq!(form.status, 415);
}

#[tokio::test]
async fn each_endpoint_names_its_methods() {
    let desktop = desktop().await;
    for (path, allowed) in [
        ("/token", "POST"),
        ("/user/signup", "POST"),
        ("/auth/logout", "POST"),
        ("/auth/revoke", "POST"),
        ("/auth/{user}/info", "GET,HEAD"),
        ("/.well-known/oauth-authorization-server", "GET,HEAD"),
    ] {
        let wrong = if allowed == "POST" { Method::GET } else { Method::POST };
        for method in [wrong, Method::DELETE, Method::TRACE, Method::from_bytes(b"BREW").unwrap()] {
            let answer = desktop.ask(method, path, &[], "").await;
            assert_eq!((answer.status, &answer.headers[ALLOW]), (405, &allowed.parse().unwrap()), "{path}");
            assert_eq!(answer.outcome.reason, Reason::MethodNotAllowed);
            assert_eq!(answer.json()["request_id"], "req-1");
        }
        let asked = desktop.ask(Method::OPTIONS, path, &[], "").await;
        assert_eq!((asked.status, &asked.headers[ALLOW]), (204, &allowed.parse().unwrap()), "{path}");
    }
    let query = desktop.ask(Method::GET, "/token?username=ada%40example.org&password=x", &[], "").await;
    assert_eq!(query.status, 405);
}

#[tokio::test]
async fn a_head_has_the_length_of_what_it_leaves_out() {
    let desktop = desktop().await;
    let path = "/.well-known/oauth-authorization-server";
    let full = desktop.ask(Method::GET, path, &[], "").await;
    let head = desktop.ask(Method::HEAD, path, &[], "").await;
    assert_eq!((full.status, &full.json()["issuer"]), (200, &json!("https://gate.example")));
    assert_eq!(full.headers[CONTENT_LENGTH], full.body.len().to_string().as_str());
    assert_eq!((head.status, head.body.len(), head.headers), (200, 0, full.headers));
    let refused = desktop.ask(Method::HEAD, "/auth/{user}/info", &[], "").await;
    assert_eq!((refused.status, refused.body.len(), refused.outcome.reason), (401, 0, Reason::MissingToken));
    assert_eq!(refused.headers["www-authenticate"], "Bearer realm=\"gatepass\"");
}

#[tokio::test]
async fn a_body_has_its_limit() {
    let desktop = desktop().await;
    let answer = desktop.form("/token", &"x".repeat(Endpoints::BODY_LIMIT + 1)).await;
    assert_eq!((answer.status, answer.outcome.reason), (413, Reason::TooLarge));
}

#[tokio::test]
async fn without_the_log_it_is_try_again_and_never_done() {
    let desktop = Desktop::of(Trial::without_redis().await);
    desktop.trial.sign_up("ada@example.org").await;
    let answer = desktop.form("/token", "username=ada%40example.org&password=correct+horse").await;
    assert_eq!(answer.told(), (503, "temporarily_unavailable".into()));
    assert_eq!(
        (&answer.headers["retry-after"], answer.outcome.reason),
        (&"5".parse().unwrap(), Reason::StoreUnavailable)
    );
    let token = desktop.trial.minted();
    let revoked = desktop.form("/auth/revoke", &format!("token={token}")).await;
    assert_eq!(
        (revoked.told(), revoked.headers.contains_key("retry-after")),
        ((503, "temporarily_unavailable".into()), true)
    );
    let out = desktop.with_token(Method::POST, "/auth/logout", &token).await;
    assert_eq!((out.status, out.outcome.reason), (503, Reason::RevocationStale));
}
