//! Our own endpoints under attack: groups E, F and H.

mod bodies;
mod challenges;
mod failing;
mod forms;
mod login;
mod logs;
mod revocation;
mod stores;
mod tokens;
