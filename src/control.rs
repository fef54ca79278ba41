//! How does the command line reach a running gateway? A Unix socket, mode 0600, one JSON line each way.
//!
//! Who can open the socket can revoke: only the user the gateway runs as, and root. A connection carries one request
//! of at most 64 KiB and ends within five seconds. Both sides name the version of the protocol, so that a command and
//! a gateway of different ages refuse each other in words.

mod client;
mod line;
mod listener;
mod message;

pub use client::{Client, ClientError};
pub use listener::{Listener, bind};
pub use message::{Listed, Problem, Status, VERSION};

use std::time::Duration;

/// How long one connection may take, from accept to close.
const DEADLINE: Duration = Duration::from_secs(5);
