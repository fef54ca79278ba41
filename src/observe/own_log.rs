//! The gateway's own log: what an operator reads on stderr.
//!
//! Our own lines follow the configured level. The libraries' stay at warnings whatever it is: at debug, the engine
//! prints whole requests with their credentials. The balancer's warnings go too: that a server takes no connections
//! is a line of ours already.
//!
//! Whatever clients or a broken store bring about, one place in the code writes so many lines a second, and how many it
//! has left out. What people did (info: signed in, failed to, signed out, revoked) is always told: each of these cost the
//! gateway more than the line.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock;

/// Lines one place writes within [`WINDOW`].
const LINES: u32 = 10;
const WINDOW: Duration = Duration::from_secs(1);

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
        .event_format(Sparing::new(Format::default().with_ansi(false).with_target(false)))
        .try_init();
}

/// Writes as `format` does, and only so many lines.
struct Sparing<F> {
    format: F,
    places: Mutex<HashMap<Identifier, Place>>,
}

/// A place in the code that writes lines.
struct Place {
    since: Instant,
    lines: u32,
    left_out: u64,
}

impl Place {
    /// How many lines were left out since the last, if one may be written now.
    fn admits(&mut self, now: Instant) -> Option<u64> {
        if now.saturating_duration_since(self.since) >= WINDOW {
            (self.since, self.lines) = (now, 0);
        }
        if self.lines == LINES {
            self.left_out += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

impl<F> Sparing<F> {
    fn new(format: F) -> Self {
        Self { format, places: Mutex::default() }
    }

    fn admits(&self, place: Identifier) -> Option<u64> {
        let now = clock::instant();
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(place).or_insert(Place { since: now, lines: 0, left_out: 0 }).admits(now)
    }
}

impl<S, N, F> FormatEvent<S, N> for Sparing<F>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let told_whole = *event.metadata().level() == Level::INFO;
        match if told_whole { Some(0) } else { self.admits(event.metadata().callsite()) } {
            None => return Ok(()),
            Some(0) => {}
            Some(left_out) => writeln!(writer, "({left_out} lines like the next one were left out)")?,
        }
        self.format.format_event(context, writer, event)
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn a_flood_is_a_few_lines_and_a_number() {
        let start = clock::instant();
        let mut place = Place { since: start, lines: 0, left_out: 0 };
        let written = (0..5_000).filter(|_| place.admits(start).is_some()).count();
        assert_eq!(written, LINES as usize);
        assert_eq!(place.admits(start + WINDOW), Some(4_990));
        assert_eq!(place.admits(start + WINDOW), Some(0));
    }

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
