//! May this request pass? The order of checks, and the one word that says why not.

mod credential;
mod explain;
mod gate;
pub mod handshake;
mod reason;
mod second_look;

pub use credential::{Credential, CredentialError};
pub use explain::{Explanation, Mark, Question, Step, explain};
pub use gate::{Denial, Gate, Identity, Permit};
pub use reason::Reason;
