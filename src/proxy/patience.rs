//! How long is an upstream waited for, beyond what the configuration says?

use std::time::Duration;

use pingora::proxy::Session;

use super::decide::announced_length;

/// How long a keep-alive connection to an upstream may idle; uvicorn closes one after 5 s.
pub(crate) const UPSTREAM_IDLE: Duration = Duration::from_secs(4);

/// What a request's body may add to the wait for an answer. The engine's clock runs while the body is still being
/// sent, so that without this a long upload would be cut off as if the upstream were silent: one second for every
/// 64 KiB, and for a body of unknown length at most nine times the usual wait.
pub(super) fn upload_time(session: &mut Session, limit: u64, patience: Duration) -> Duration {
    const BYTES_A_SECOND: u64 = 64 * 1024;
    if session.is_body_empty() {
        return Duration::ZERO;
    }
    match announced_length(&session.req_header().headers) {
        Some(length) => Duration::from_secs(length / BYTES_A_SECOND),
        None => Duration::from_secs(limit / BYTES_A_SECOND).min(patience * 9),
    }
}
