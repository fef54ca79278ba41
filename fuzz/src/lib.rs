//! What must hold for every input of a fuzz target? Each function is one target's rule; a rule that does not hold panics.
//!
//! The rules share no code with the gateway: what they know of paths and claims, the property tests know too, and it is
//! kept there.

mod files;
mod heads;
mod paths;
mod tokens;

#[path = "../../tests/it/properties/claims.rs"]
mod claims;
#[path = "../../tests/it/properties/gauntlet/readers.rs"]
mod readers;

pub use files::{config, journal, password, redis};
pub use heads::{chunks, credential, form, head};
pub use paths::{host, target};
pub use tokens::{token_claims, token_text};
