//! How long is an upstream waited for, and how long a client, beyond what the configuration says?

use std::time::Duration;

use pingora::protocols::http::ServerSession;
use pingora::proxy::Session;

use super::Limits;
use super::connection::piece_time;
use super::decide::announced_length;
use super::exchange::Admitted;
use super::lasting::Lasting;
use crate::route::Route;

/// How long a keep-alive connection to an upstream may idle; uvicorn closes one after 5 s.
pub(crate) const UPSTREAM_IDLE: Duration = Duration::from_secs(4);

/// How long one request's upstream is waited for.
pub(super) struct Patience {
    head: Duration,
    silence: Option<Duration>,
}

impl Patience {
    pub(super) fn with(session: &mut Session, admitted: &Admitted, route: &Route, limits: &Limits) -> Self {
        let usual = direct_patience(route, limits);
        let idle = || route.streams.idle_timeout.unwrap_or(limits.stream_idle);
        Self {
            head: usual + upload_time(session, admitted.body_limit, usual),
            silence: (admitted.lasting != Lasting::No).then(idle),
        }
    }

    /// From asking to the head of the answer.
    pub(super) const fn to_the_head(&self) -> Duration {
        self.head
    }

    /// Between two reads, the first of which waits for the head.
    pub(super) fn between_reads(&self) -> Duration {
        self.silence.map_or(self.head, |silence| silence.max(self.head))
    }
}

/// How long an upstream is waited for, for its head and between two reads, by a request that is here whole.
pub(super) fn direct_patience(route: &Route, limits: &Limits) -> Duration {
    route.timeout.unwrap_or(limits.request_time)
}

/// Sets what the engine itself can bound of the waits for a client; the watchdog sees to the rest.
pub(super) fn with_client(session: &mut Session, limits: &Limits) {
    // What is left of a refused request's body.
    session.set_total_drain_timeout(Some(limits.head_time));
    match session.as_downstream_mut() {
        // For one read. The watchdog has the better word, and comes first.
        ServerSession::H1(session) => session.set_read_timeout(Some(limits.body_grace * 2)),
        // On the wire a stream that is stuck looks like one that has nothing to say.
        ServerSession::H2(session) => session.set_write_timeout(Some(piece_time(limits))),
        _ => {}
    }
}

/// What a request's body may add to the wait for an answer. The engine's clock runs while the body is still being
/// sent, so that without this a long upload would be cut off as if the upstream were silent: one second for every
/// 64 KiB, and for a body of unknown length at most nine times the usual wait.
fn upload_time(session: &mut Session, limit: u64, patience: Duration) -> Duration {
    const BYTES_A_SECOND: u64 = 64 * 1024;
    if session.is_body_empty() {
        return Duration::ZERO;
    }
    match announced_length(&session.req_header().headers) {
        Some(length) => Duration::from_secs(length / BYTES_A_SECOND),
        None => Duration::from_secs(limit / BYTES_A_SECOND).min(patience * 9),
    }
}
