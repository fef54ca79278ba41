//! What must a store of users do? One suite of promises ([`suite`]), mounted on every store there is.

mod htpasswd;
#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;
mod sqlite_mapped;
mod suite;
