//! The event planner: lists, shows, makes, changes and removes events. No passwords, no tokens: it believes the
//! identity header, because only the gateway can reach it.
//!
//! The routes and the JSON are those of the FastAPI application that many teams have.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::event::{Details, Event, Problems};

/// The header that names the user.
const USER: &str = "x-auth-user";

const DOCS: &str = "<!doctype html><title>Event planner</title><h1>Event planner</h1>\
<p>GET /event/ · GET /event/{id} · POST /event/new · PUT /event/edit/{id} · DELETE /event/{id} · DELETE /event/</p>\
<p>This page is public; the rest needs a token.</p>\n";

/// All events, in memory.
#[derive(Clone, Default)]
struct Planner(Arc<Mutex<Shelf>>);

#[derive(Default)]
struct Shelf {
    events: BTreeMap<i64, Event>,
    last: i64,
}

/// The application, with no events.
pub fn router() -> Router {
    Router::new()
        .route("/event/", get(list).delete(remove_own))
        .route("/event/new", post(create))
        .route("/event/edit/{id}", put(edit))
        .route("/event/{id}", get(show).delete(remove))
        .route("/docs", get(|| async { Html(DOCS) }))
        .route("/whoami", get(whoami))
        .fallback(|| async { Refusal::NotFound("Not Found") })
        .with_state(Planner::default())
}

/// Why the planner does not do it.
enum Refusal {
    NotFound(&'static str),
    NotTheOwner,
    NobodyNamed,
    Invalid(Problems),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Self::NotFound(text) => (StatusCode::NOT_FOUND, json!(text)),
            Self::NotTheOwner => (StatusCode::FORBIDDEN, json!("Operation not allowed")),
            Self::NobodyNamed => (StatusCode::FORBIDDEN, json!("No user is named: is the gateway in front?")),
            Self::Invalid(problems) => (StatusCode::UNPROCESSABLE_ENTITY, Value::Array(problems)),
        };
        (status, Json(json!({ "detail": detail }))).into_response()
    }
}

const UNKNOWN: Refusal = Refusal::NotFound("Event with supplied ID does not exist");

impl Planner {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // Every change is one step: what a panicking thread left behind is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    /// The event, if `user` made it.
    fn own(&mut self, id: i64, user: &str) -> Result<&mut Event, Refusal> {
        match self.events.get_mut(&id) {
            Some(event) if event.creator == user => Ok(event),
            Some(_) => Err(Refusal::NotTheOwner),
            None => Err(UNKNOWN),
        }
    }
}

/// Who asks, in the gateway's words.
fn user(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut named = headers.get_all(USER).iter();
    match (named.next(), named.next()) {
        (Some(name), None) => std::str::from_utf8(name.as_bytes()).map_err(|_| Refusal::NobodyNamed),
        _ => Err(Refusal::NobodyNamed),
    }
}

fn number(text: &str) -> Result<i64, Refusal> {
    text.parse().map_err(|_| {
        Refusal::Invalid(vec![
            json!({"loc": ["path", "id"], "msg": "value is not a valid integer", "type": "type_error.integer"}),
        ])
    })
}

async fn list(State(planner): State<Planner>) -> Json<Vec<Event>> {
    Json(planner.shelf().events.values().cloned().collect())
}

async fn show(State(planner): State<Planner>, Path(id): Path<String>) -> Result<Json<Event>, Refusal> {
    let id = number(&id)?;
    planner.shelf().events.get(&id).cloned().map(Json).ok_or(UNKNOWN)
}

async fn create(
    State(planner): State<Planner>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Event>), Refusal> {
    let creator = user(&headers)?.to_owned();
    let details = Details::read(&body).map_err(Refusal::Invalid)?;
    let mut shelf = planner.shelf();
    shelf.last += 1;
    let event = Event { id: shelf.last, details, creator };
    shelf.events.insert(event.id, event.clone());
    Ok((StatusCode::CREATED, Json(event)))
}

async fn edit(
    State(planner): State<Planner>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Event>, Refusal> {
    let user = user(&headers)?;
    let id = number(&id)?;
    let mut shelf = planner.shelf();
    let event = shelf.own(id, user)?;
    event.details = Details::changed(&body, &event.details).map_err(Refusal::Invalid)?;
    Ok(Json(event.clone()))
}

async fn remove(
    State(planner): State<Planner>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let user = user(&headers)?;
    let id = number(&id)?;
    let mut shelf = planner.shelf();
    shelf.own(id, user)?;
    shelf.events.remove(&id);
    Ok(Json(json!({"message": "Event deleted successfully"})))
}

async fn remove_own(State(planner): State<Planner>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    let user = user(&headers)?;
    planner.shelf().events.retain(|_, event| event.creator != user);
    Ok(Json(json!({"message": "Events deleted successfully"})))
}

/// What reached the planner of who asks: every header that some server would read as an identity header, in any
/// spelling, and whether a credential came with it.
async fn whoami(headers: HeaderMap) -> Json<Value> {
    let mut seen = Map::new();
    for name in headers.keys() {
        let folded = name.as_str().replace('_', "-");
        if folded.starts_with("x-auth-") {
            let values: Vec<_> =
                headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            seen.insert(name.as_str().to_owned(), json!(values.join(", ")));
        }
    }
    Json(json!({ "headers": seen, "authorization": headers.contains_key("authorization") }))
}
