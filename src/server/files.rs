//! How many connections can this process hold? Each is an open file, and most have another to an upstream.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::proxy::Limits;

/// Open files for everything else: stores, listeners, logs, idle connections to upstreams.
const OTHERS: u64 = 256;

/// Asks the system for as many open files as it allows, and lowers `connections` to what fits: turning a connection away
/// is better than to accept it and have no file left for its upstream.
pub(super) fn fit(limits: &mut Limits) {
    let Some(files) = raise() else { return };
    let most = most(files);
    if limits.connections > most {
        tracing::warn!(
            "{} connections do not fit into {files} open files: {most} are taken at once; raise the limit of the process \
             (LimitNOFILE=, ulimit -n) or lower limits.connections",
            limits.connections
        );
        limits.connections = most;
    }
}

/// Raises the limit on open files as far as we may, and says what it is; `None` without one.
fn raise() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        // Some systems have a lower limit than they say.
        Err(_) => current,
    }
}

/// The connections that fit into so many files.
fn most(files: u64) -> usize {
    usize::try_from(files.saturating_sub(OTHERS).max(files / 2) / 2).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_takes_two_files() {
        assert_eq!(most(65_536), 32_640);
        assert_eq!(most(1024), 384);
        assert_eq!(most(64), 16);
        assert_eq!(most(0), 1);
    }

    #[test]
    fn connections_are_lowered_to_what_fits_and_never_raised() {
        let files = raise();
        let mut limits = Limits { connections: usize::MAX, ..Limits::default() };
        fit(&mut limits);
        assert_eq!(limits.connections, files.map_or(usize::MAX, most));
        limits.connections = 3;
        fit(&mut limits);
        assert_eq!(limits.connections, 3);
    }
}
