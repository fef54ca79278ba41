//! May this request pass? The order of checks, and the one word that says why not.

mod changes;
pub mod cookie;
mod credential;
mod denial;
mod explain;
mod gate;
pub mod handshake;
mod reason;
mod second_look;

pub use changes::Changes;
pub use cookie::{Asked, TokenCookie};
pub use credential::{Credential, CredentialError};
pub use denial::Denial;
pub use explain::{Explanation, Mark, Question, Step, explain};
pub use gate::{Gate, Identity, Permit};
pub use reason::Reason;
