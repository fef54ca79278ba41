//! `gatepass run`: a process around a gateway.

use std::io::Write as _;
use std::num::NonZero;

use tokio::signal::unix::{SignalKind, signal};

use super::{Gateway, StartError};
use crate::config::Config;
use crate::observe::start_log;

/// Tasks that a thread runs before it looks for some that came from elsewhere; the scheduler's own first guess.
const GLOBAL_QUEUE_INTERVAL: u32 = 61;

/// Starts, prints the banner on stderr, serves until SIGTERM or SIGINT (SIGHUP is survived), drains. A second
/// SIGINT or SIGTERM ends the wait.
pub fn run(config: Config) -> Result<(), StartError> {
    start_log(&config.log.level);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads())
        .thread_name("gatepass")
        // Fixed, or the scheduler works it out anew for every batch, with powers of floating-point numbers.
        .global_queue_interval(GLOBAL_QUEUE_INTERVAL)
        .enable_all()
        .build()
        .map_err(|error| {
            StartError::new(format!("cannot start threads: {error}"), "check the process limits")
        })?;
    let ran = runtime.block_on(serve(config));
    // Whatever still blocks a thread (a store that does not answer) is not waited for.
    runtime.shutdown_background();
    ran
}

async fn serve(config: Config) -> Result<(), StartError> {
    let broken =
        |error| StartError::new(format!("cannot listen for signals: {error}"), "check the process limits");
    let mut terminate = signal(SignalKind::terminate()).map_err(broken)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(broken)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(broken)?;
    let gateway = Gateway::start(config).await?;
    // Nobody reading it is no reason not to serve.
    let _ = std::io::stderr().lock().write_all(gateway.banner().as_bytes());
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => tracing::info!("SIGHUP: this version does not reload; restart to read the configuration again"),
        }
    }
    tracing::info!("shutting down: no new requests, those in flight may end");
    tokio::select! {
        () = gateway.shutdown() => tracing::info!("nothing is in flight any more: goodbye"),
        _ = terminate.recv() => tracing::warn!("told twice: requests in flight are cut"),
        _ = interrupt.recv() => tracing::warn!("told twice: requests in flight are cut"),
    }
    Ok(())
}

/// One thread a core that we may use.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
