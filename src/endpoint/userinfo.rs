//! The userinfo endpoint: what the token says of its bearer, read by the gateway and not by the client.

use std::sync::Arc;

use axum::extract::{Extension, State};
use http::HeaderMap;
use serde_json::{Map, Value};

use super::Caller;
use super::desk::{Desk, Reply};

const CLAIMS: [&str; 5] = ["iss", "sub", "preferred_username", "email", "scope"];

/// `GET /auth/userinfo`.
pub(super) async fn answer(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Reply {
    let token = match desk.bearer(&headers).await {
        Ok(token) => token,
        Err(denial) => return desk.deny(&caller, &denial),
    };
    let claims = CLAIMS.iter().filter_map(|name| Some(((*name).to_owned(), Value::from(token.claim(name)?))));
    Reply::json(&caller, &claims.collect::<Map<_, _>>(), Some(token.subject().to_string()))
}
