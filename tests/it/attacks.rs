//! The published failures of other gateways, tried on this one. Each test carries the identifier of its case.

mod endpoints;
mod framing;
mod headers;
mod login;
mod paths;
mod resources;
mod tokens;
