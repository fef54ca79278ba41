//! The published failures of other gateways, tried on this one. Each test carries the identifiers of its cases;
//! `attacks/cases.txt` lists them all.

mod ada;
mod answers;
mod cases;
mod endpoints;
mod frames;
mod framing;
mod headers;
mod logged;
mod login;
mod paths;
mod resources;
mod tokens;
mod upstream;
mod wires;
