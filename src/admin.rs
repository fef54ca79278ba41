//! How does the gateway do? Read-only HTTP for operators and their machines: metrics, health, readiness.
//!
//! `/healthz` says that the process serves, `/readyz` that it should be sent requests, `/metrics` is for Prometheus,
//! `/` for a person. Nothing here changes anything, and nothing may be kept by a cache.

mod page;
mod visit;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;

use self::visit::Visits;
use crate::observe::Metrics;

/// How long one connection may last.
const LONGEST_VISIT: Duration = Duration::from_secs(60);

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The text exposition format.
const EXPOSITION: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What the admin listener knows.
#[derive(Clone)]
pub struct Admin {
    /// What `/metrics` renders.
    pub metrics: Arc<Metrics>,
    /// Whether requests should be sent here; if not, one line that says why.
    pub ready: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
    /// The version on the page.
    pub version: &'static str,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Serves on `listener` until `stop` is done, then finishes the answers under way.
pub async fn serve(
    listener: TcpListener,
    state: Admin,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_for(LONGEST_VISIT, listener, state, stop).await
}

async fn serve_for(
    longest: Duration,
    listener: TcpListener,
    state: Admin,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(Visits { listener, longest }, router(state)).with_graceful_shutdown(stop).await
}

fn router(state: Admin) -> Router {
    Router::new()
        .route("/", get(status_page))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(nothing_here)
        // The router adds `Allow`.
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(unkept))
        .with_state(state)
}

async fn metrics(State(admin): State<Admin>) -> Response {
    said(StatusCode::OK, EXPOSITION, admin.metrics.render())
}

async fn healthz() -> Response {
    said(StatusCode::OK, TEXT, "ok\n")
}

async fn readyz(State(admin): State<Admin>) -> Response {
    match (admin.ready)() {
        Ok(()) => said(StatusCode::OK, TEXT, "ready\n"),
        Err(why) => said(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("not ready: {why}\n")),
    }
}

async fn status_page(State(admin): State<Admin>) -> Response {
    said(StatusCode::OK, HTML, page::render(admin.version, &(admin.ready)()))
}

async fn nothing_here() -> Response {
    fault(StatusCode::NOT_FOUND, "not_found", "there is /, /metrics, /healthz and /readyz")
}

async fn wrong_method() -> Response {
    fault(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "everything here is read-only: GET it")
}

fn fault(status: StatusCode, error: &str, description: &str) -> Response {
    said(status, JSON, json!({"error": error, "error_description": description}).to_string())
}

fn said(status: StatusCode, kind: HeaderValue, body: impl Into<Body>) -> Response {
    (status, [(CONTENT_TYPE, kind)], body.into()).into_response()
}

/// What every answer says to caches and browsers.
async fn unkept(request: Request, next: Next) -> Result<Response, Infallible> {
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Ok(answer)
}

#[cfg(test)]
mod tests;
