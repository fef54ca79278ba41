//! The metadata endpoint: where a client finds the others (RFC 8414 §2).

use std::sync::Arc;

use axum::extract::{Extension, State};
use serde_json::{Map, Value, json};

use super::desk::{Desk, Reply};
use super::{Caller, Settings};

/// `GET /.well-known/oauth-authorization-server`.
pub(super) async fn answer(State(desk): State<Arc<Desk>>, Extension(caller): Extension<Caller>) -> Reply {
    Reply::json(&caller, &desk.metadata, None)
}

/// The document: only what is there is named, each by its first path.
pub(super) fn document(settings: &Settings, issuer: &str) -> Value {
    let mut members = Map::from_iter([("issuer".to_owned(), Value::from(issuer))]);
    let base = issuer.trim_end_matches('/');
    let endpoints = [
        ("token_endpoint", &settings.token),
        ("revocation_endpoint", &settings.revoke),
        ("userinfo_endpoint", &settings.userinfo),
    ];
    for (name, paths) in endpoints {
        if let Some(path) = paths.first() {
            members.insert(name.to_owned(), Value::from(format!("{base}{path}")));
        }
    }
    // There is no authorization endpoint, so no response type; and no client authenticates itself. The defaults of
    // RFC 8414 would say otherwise.
    members.insert("response_types_supported".to_owned(), json!([]));
    members.insert("grant_types_supported".to_owned(), json!(["password"]));
    members.insert("token_endpoint_auth_methods_supported".to_owned(), json!(["none"]));
    if members.contains_key("revocation_endpoint") {
        members.insert("revocation_endpoint_auth_methods_supported".to_owned(), json!(["none"]));
    }
    Value::Object(members)
}
