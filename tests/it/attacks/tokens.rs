//! Tokens that must not pass: group A.

mod claims;
mod headers;
mod keys;
mod memory;
mod signatures;
mod stores;

use serde_json::Value;

use super::answers::is_401t;
use super::wires::{Doors, WIRES};
use crate::world::SECRET;
use crate::world::tokens::{Mint, sign};

/// A token failure that tells a forger nothing, over both protocols, and the upstream not asked.
async fn refused(doors: &Doors, token: &str, what: &str) {
    let hits = doors.recorder.hits();
    for wire in WIRES {
        let answer = doors.get(wire, "/api/me", Some(token)).await;
        assert_eq!(answer.status, 401, "{what} over {wire:?}: {answer:?}");
        is_401t(&answer);
    }
    assert_eq!(doors.recorder.hits(), hits, "{what} reached the upstream");
}

/// A token that is good in all respects passes: without this, the refusals would show nothing.
async fn passes(doors: &Doors, token: &str, what: &str) {
    for wire in WIRES {
        let answer = doors.get(wire, "/api/me", Some(token)).await;
        assert_eq!(answer.status, 200, "{what} over {wire:?}: {answer:?}");
    }
}

async fn all_refused(doors: &Doors, claims: &[Value]) {
    for changes in claims {
        refused(doors, &doors.mint.with(changes), &changes.to_string()).await;
    }
}

/// A good token whose claim is there, and `null`.
fn with_null(doors: &Doors, claim: &str) -> String {
    let mut claims = Mint::claims();
    claims[claim] = Value::Null;
    sign(&doors.mint.header(), &claims, SECRET.as_bytes())
}
