//! Do all backends of a vault keep the same promises? One suite per vault, mounted on each.

mod revocation;
mod users;
