//! What happened? Metrics, one access-log line a request, and the gateway's own log.

mod access_log;
mod metrics;
mod own_log;

pub use access_log::{AccessEntry, AccessLog, Writer};
pub use metrics::{Finished, Gauges, MethodLabel, Metrics, Sampler};
pub use own_log::{log_filter, start_log};
