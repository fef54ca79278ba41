//! The gateway's own log: what an operator reads on stderr.
//!
//! Our own lines follow the configured level. The libraries' stay at warnings whatever it is: at debug, the engine
//! prints whole requests with their credentials. The balancer's warnings go too: that a server takes no connections
//! is a line of ours already.

use tracing_subscriber::EnvFilter;

/// What is let through at `level`, ours and the libraries'.
pub fn log_filter(level: &str) -> EnvFilter {
    EnvFilter::new(format!("warn,pingora_load_balancing=error,gatepass={level}"))
}

/// Starts the log at `level` (`error`, `warn`, `info` or `debug`); a second call changes nothing.
pub fn start_log(level: &str) {
    // Only the first start of a process counts; a test may have several gateways.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(log_filter(level))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .try_init();
}

#[cfg(test)]
mod tests {
    use tracing::Level;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::log_filter;

    /// What is let through of these libraries is asked of the filter itself: with them, each has printed a whole
    /// request with its `Authorization`, at the levels that are refused.
    #[test]
    fn no_level_lets_a_library_print_requests() {
        for level in ["error", "warn", "info", "debug", "trace"] {
            let subscriber = tracing_subscriber::registry().with(log_filter(level));
            tracing::subscriber::with_default(subscriber, || {
                macro_rules! silent {
                    ($($target:literal)*) => { $(
                        assert!(!tracing::enabled!(target: $target, Level::INFO), "{} at {level}", $target);
                        assert!(!tracing::enabled!(target: $target, Level::DEBUG), "{} at {level}", $target);
                        assert!(!tracing::enabled!(target: $target, Level::TRACE), "{} at {level}", $target);
                    )* };
                }
                silent!("pingora_proxy" "pingora_proxy::proxy_h1" "pingora_proxy::proxy_h2" "pingora_core::protocols::http"
                    "pingora_core::protocols::http::v1::server" "pingora_core::apps" "h2" "h2::codec" "rustls" "redis" "tower");
                assert!(tracing::enabled!(target: "pingora_proxy", Level::WARN), "{level}");
                assert!(tracing::enabled!(target: "gatepass::server", Level::ERROR), "{level}");
                assert_eq!(
                    tracing::enabled!(target: "gatepass::server", Level::DEBUG),
                    matches!(level, "debug" | "trace")
                );
            });
        }
    }
}
