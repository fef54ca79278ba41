//! Credentials and headers that must not be believed: group B.

mod credentials;
mod identity;
mod proxies;
