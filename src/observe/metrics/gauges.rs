//! How do things stand? Gauges that are sampled when the metrics are asked for.

use std::time::Duration;

use prometheus::{Gauge, IntCounter, IntGauge, IntGaugeVec, Registry};

use super::families::{counter, gauge, gauges, seconds};

/// What a sampler may set.
pub struct Gauges {
    log_dropped: IntCounter,
    password_queue: IntGauge,
    revocation_entries: IntGauge,
    revocation_staleness: Gauge,
    account_staleness: Gauge,
    warnings: IntGaugeVec,
    stores: IntGaugeVec,
    servers: IntGaugeVec,
}

impl Gauges {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            log_dropped: counter(
                registry,
                "access_log_dropped_total",
                "Lines of the access log that nobody took in time.",
            ),
            password_queue: gauge(registry, "password_queue", "Passwords that wait to be hashed or checked."),
            revocation_entries: gauge(registry, "revocation_entries", "Revocations held in memory."),
            revocation_staleness: seconds(
                registry,
                "revocation_staleness_seconds",
                "How long ago the revocations in memory were last known to be all there are.",
            ),
            account_staleness: seconds(
                registry,
                "account_check_staleness_seconds",
                "How long ago the users in use were last all known to be as the user store has them.",
            ),
            warnings: gauges(
                registry,
                "revocation_store_warning",
                "Whether a setting of the revocation store may cost revocations; the log says what to change.",
                &["warning"],
            ),
            stores: gauges(registry, "store_up", "Whether the store answered last time.", &["store"]),
            servers: gauges(registry, "upstream_up", "Whether the server is asked.", &["upstream", "server"]),
        }
    }

    /// `gatepass_access_log_dropped_total`: so many lines since the start.
    pub fn access_log_dropped(&self, lines: u64) {
        self.log_dropped.inc_by(lines.saturating_sub(self.log_dropped.get()));
    }

    /// `gatepass_password_queue`.
    pub fn password_queue(&self, waiting: usize) {
        self.password_queue.set(integer(waiting));
    }

    /// `gatepass_revocation_entries` and `gatepass_revocation_staleness_seconds`.
    pub fn revocation(&self, entries: usize, staleness: Duration) {
        self.revocation_entries.set(integer(entries));
        self.revocation_staleness.set(staleness.as_secs_f64());
    }

    /// `gatepass_account_check_staleness_seconds`.
    pub fn account_check(&self, staleness: Duration) {
        self.account_staleness.set(staleness.as_secs_f64());
    }

    /// `gatepass_revocation_store_warning{warning}`: of these there are, no others.
    pub fn revocation_store_warnings(&self, warnings: impl Iterator<Item = &'static str>) {
        self.warnings.reset();
        for warning in warnings {
            self.warnings.with_label_values(&[warning]).set(1);
        }
    }

    /// `gatepass_store_up{store}`: `users`, `revocation`.
    pub fn store_up(&self, store: &str, up: bool) {
        self.stores.with_label_values(&[store]).set(i64::from(up));
    }

    /// `gatepass_upstream_up{upstream,server}`.
    pub fn upstream_up(&self, upstream: &str, server: &str, up: bool) {
        self.servers.with_label_values(&[upstream, server]).set(i64::from(up));
    }
}

fn integer(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
