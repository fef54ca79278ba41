//! Do all backends of a vault keep the same promises? One suite per vault, mounted on each.

pub(crate) mod revocation;
mod throttle;
mod users;
