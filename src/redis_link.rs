//! How is a Redis reached, as people run it: one server, behind Sentinel, or a cluster; with TLS; with users of its own?
//!
//! A [`Place`] is what the configuration says of it and what was last found out; any number of [`Link`]s, each one
//! connection, go there. Whoever holds the primary is asked anew at every connection and, behind Sentinel and in a
//! cluster, every second, so that a fail-over is followed even while the old primary still answers.

mod address;
mod advice;
mod dial;
#[cfg(fuzzing)]
mod fuzz;
mod link;
mod locate;
mod tls;

pub(crate) use address::Address;
pub use advice::Advice;
pub(crate) use advice::Survey;
#[cfg(fuzzing)]
pub use fuzz::read_redis_address;
pub(crate) use link::{Call, Link};
pub(crate) use locate::Place;

/// Why Redis did not do what it was asked. Never says where it is: the address may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failure(pub(crate) String);

impl From<&redis::RedisError> for Failure {
    fn from(error: &redis::RedisError) -> Self {
        let why = match error.code() {
            // What follows these words is an address, or repeats what was sent.
            Some(code @ ("MOVED" | "ASK" | "WRONGPASS")) => code.to_owned(),
            _ => error.to_string(),
        };
        Self(format!("Redis: {why}"))
    }
}
