//! Does the gateway get on with Redis as people run it: with TLS, users, replicas, Sentinel, a cluster?

pub(crate) mod cluster;
mod confirm;
mod sentinel;
mod survey;
pub(crate) mod tls;
pub(crate) mod users;

use std::sync::Arc;

use gatepass::clock::Clock;
use gatepass::revocation::{Revocations, Settings, Store};
use gatepass::secret::Secret;

use crate::contract::revocation::{is_revoked, order, revoke, settings, token, until};

/// The log at this URL.
fn at(url: impl Into<String>) -> Settings {
    settings(Store::Redis(Secret::from(url.into())))
}

/// A handle, ready or not.
async fn handle(settings: &Settings) -> Arc<Revocations> {
    Revocations::open(settings, Clock::system()).await.unwrap()
}

/// What a write there says no with.
async fn refusal(settings: &Settings) -> String {
    let revocations = handle(settings).await;
    assert!(!revocations.is_ready());
    let mine = token("ada", "mine", "mine");
    let error = revocations.revoke(order(gatepass::revocation::Scope::Token, &mine)).await.unwrap_err();
    error.to_string()
}
