//! Has somebody ended it? For commands that have something to clear away first.

use tokio::signal::unix::{SignalKind, signal};

use super::Failure;

/// Waits for Ctrl-C, SIGTERM, or the end of the terminal; from this call on none of them ends the process by itself.
pub(super) fn until_told() -> Result<impl Future<Output = ()>, Failure> {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::no(format!("cannot listen for signals: {error}")));
    let (mut interrupt, mut terminate, mut hangup) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?, listen(SignalKind::hangup())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}
