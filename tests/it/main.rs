//! Does Gatepass keep its promises? One binary; every test is its own world.
#![expect(clippy::unwrap_used, reason = "in a test a panic is a finding")]
#![expect(clippy::type_complexity, reason = "the columns of a table of cases are best read where it stands")]

mod accounts;
mod architecture;
mod attacks;
mod cli;
mod config;
mod contract;
mod demo;
mod direct;
mod errors;
mod faults;
mod forwarding;
mod matrix;
mod passwords;
mod process;
mod properties;
mod redis;
mod secrets;
mod sessions;
mod signin;
mod signup;
mod streams;
mod supply;
mod trusted;
mod world;
