//! The gateway's own log: what an operator reads on stderr.
//!
//! Our own lines follow the configured level. The libraries' stay at warnings whatever it is: at debug, the engine
//! prints whole requests with their credentials. The balancer's warnings go too: that a server takes no connections
//! is a line of ours already.

use tracing_subscriber::EnvFilter;

/// Starts the log at `level` (`error`, `warn`, `info` or `debug`); a second call changes nothing.
pub fn start_log(level: &str) {
    let filter = EnvFilter::new(format!("warn,pingora_load_balancing=error,gatepass={level}"));
    // Only the first start of a process counts; a test may have several gateways.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .try_init();
}
