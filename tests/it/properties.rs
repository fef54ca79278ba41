//! What must hold for every input, listed anywhere or not.
//!
//! Each property is held against a second, simpler reckoning that shares no code with the gateway.

mod claims;
mod gauntlet;
mod routes;
mod targets;
mod tokens;

use proptest::test_runner::Config;

/// Enough to find what is wrong, few enough to run with every build; failing inputs are printed, not filed.
fn cases(count: u32) -> Config {
    Config { cases: count, failure_persistence: None, ..Config::default() }
}
