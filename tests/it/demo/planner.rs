//! The planner behind the gateway: owned events, checked bodies, and not a line about passwords or tokens.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// The planner, and who asks it in the gateway's words.
struct Planner(Router);

impl Planner {
    fn new() -> Self {
        Self(gatepass::demo::router())
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let answer = self.0.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn ask(&self, user: Option<&str>, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(user) = user {
            request = request.header("X-Auth-User", user);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).unwrap()).await
    }
}

fn launch() -> Value {
    json!({
        "title": "Launch",
        "image": "https://example.org/launch.png",
        "description": "We open the doors",
        "tags": ["rust"],
        "location": "Online",
    })
}

#[tokio::test]
async fn an_events_life() {
    let planner = Planner::new();
    assert_eq!(planner.ask(Some("ada"), "GET", "/event/", &Value::Null).await, (StatusCode::OK, json!([])));
    let (status, made) = planner.ask(Some("ada"), "POST", "/event/new", &launch()).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!((&made["id"], &made["creator"], &made["tags"]), (&json!(1), &json!("ada"), &json!(["rust"])));

    let (status, changed) =
        planner.ask(Some("ada"), "PUT", "/event/edit/1", &json!({"title": "Opening"})).await;
    assert_eq!(
        (status, &changed["title"], &changed["location"]),
        (StatusCode::OK, &json!("Opening"), &json!("Online"))
    );
    let (_, seen) = planner.ask(Some("grace"), "GET", "/event/1", &Value::Null).await;
    assert_eq!(seen, changed);

    assert_eq!(planner.ask(Some("ada"), "DELETE", "/event/1", &Value::Null).await.0, StatusCode::OK);
    assert_eq!(planner.ask(Some("ada"), "GET", "/event/1", &Value::Null).await.0, StatusCode::NOT_FOUND);
    assert_eq!(planner.ask(Some("ada"), "DELETE", "/event/1", &Value::Null).await.0, StatusCode::NOT_FOUND);
    // Numbers are not given twice.
    assert_eq!(planner.ask(Some("ada"), "POST", "/event/new", &launch()).await.1["id"], 2);
}

#[tokio::test]
async fn only_the_owner_changes_an_event() {
    let planner = Planner::new();
    planner.ask(Some("ada"), "POST", "/event/new", &launch()).await;
    planner.ask(Some("grace"), "POST", "/event/new", &launch()).await;
    for (method, path) in [("PUT", "/event/edit/1"), ("DELETE", "/event/1")] {
        let (status, answer) = planner.ask(Some("grace"), method, path, &launch()).await;
        assert_eq!((status, answer), (StatusCode::FORBIDDEN, json!({"detail": "Operation not allowed"})));
        assert_eq!(planner.ask(None, method, path, &launch()).await.0, StatusCode::FORBIDDEN);
    }
    assert_eq!(planner.ask(Some("grace"), "DELETE", "/event/", &Value::Null).await.0, StatusCode::OK);
    let (_, left) = planner.ask(Some("grace"), "GET", "/event/", &Value::Null).await;
    assert_eq!(left.as_array().unwrap().iter().map(|event| &event["creator"]).collect::<Vec<_>>(), ["ada"]);
}

#[tokio::test]
async fn without_the_gateway_nobody_owns_anything() {
    let planner = Planner::new();
    assert_eq!(planner.ask(None, "POST", "/event/new", &launch()).await.0, StatusCode::FORBIDDEN);
    let twice = Request::post("/event/new").header("X-Auth-User", "ada").header("X-Auth-User", "grace");
    let request = twice.body(Body::from(launch().to_string())).unwrap();
    assert_eq!(planner.send(request).await.0, StatusCode::FORBIDDEN);
    assert_eq!(planner.ask(None, "GET", "/event/", &Value::Null).await.1, json!([]));
}

#[tokio::test]
async fn a_body_is_checked_field_by_field() {
    let planner = Planner::new();
    let wrong = |answer: &Value| -> Vec<String> {
        let detail = answer["detail"].as_array().unwrap();
        detail.iter().map(|problem| problem["loc"][1].as_str().unwrap_or("-").to_owned()).collect()
    };
    let new = |body: Value| planner.ask_owned("/event/new", body);
    let (status, answer) = new(json!({"title": 5, "tags": ["a", 1], "image": ""})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong(&answer), ["title", "description", "tags", "location"]);
    for body in [json!([]), json!("text"), json!({"title": "x".repeat(4097)})] {
        assert_eq!(new(body).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let cut =
        Request::post("/event/new").header("X-Auth-User", "ada").body(Body::from("{\"title\"")).unwrap();
    let (status, answer) = planner.send(cut).await;
    assert_eq!((status, wrong(&answer)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["-".to_owned()]));
    assert_eq!(planner.ask(Some("ada"), "GET", "/event/", &Value::Null).await.1, json!([]));
    for path in ["/event/one", "/event/99999999999999999999"] {
        assert_eq!(
            planner.ask(Some("ada"), "GET", path, &Value::Null).await.0,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
}

impl Planner {
    async fn ask_owned(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.ask(Some("ada"), "POST", path, &body).await
    }
}

#[tokio::test]
async fn it_shows_what_it_was_told() {
    let planner = Planner::new();
    let request = Request::get("/whoami")
        .header("X-Auth-User", "ada")
        .header("X_Auth_Subject", "forged")
        .header("Authorization", "Bearer x")
        .header("Accept", "*/*");
    let (status, seen) = planner.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        seen,
        json!({"headers": {"x-auth-user": "ada", "x_auth_subject": "forged"}, "authorization": true})
    );
    assert_eq!(planner.ask(None, "GET", "/docs", &Value::Null).await.0, StatusCode::OK);
    assert_eq!(planner.ask(None, "GET", "/nowhere", &Value::Null).await.0, StatusCode::NOT_FOUND);
    assert_eq!(planner.ask(None, "PATCH", "/event/1", &Value::Null).await.0, StatusCode::METHOD_NOT_ALLOWED);
}
