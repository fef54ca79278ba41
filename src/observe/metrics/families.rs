//! Which metrics are there, with which labels, help texts and buckets?

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// Half a millisecond to a minute: from an answer of ours to the longest wait on an upstream.
const REQUEST: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// A microsecond to a hundredth: a look-up in memory, a signature, a thread that had to wait.
const DECISION: &[f64] =
    &[0.000_001, 0.000_002_5, 0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.001, 0.01];
/// Five milliseconds to ten seconds: bcrypt from the cheapest cost allowed to the dearest.
const HASH: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The families that requests, logins and revocations count into, and the registry of all.
pub(super) struct Families {
    registry: Registry,
    pub(super) requests: IntCounterVec,
    pub(super) durations: HistogramVec,
    pub(super) decisions: IntCounterVec,
    pub(super) in_flight: IntGauge,
    pub(super) auth_duration: Histogram,
    pub(super) password_hash: Histogram,
    upstream_durations: HistogramVec,
}

impl Families {
    pub(super) fn new() -> Self {
        let registry = Registry::new();
        let build = gauges(&registry, "build_info", "Which version this is; always 1.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Self {
            requests: counters(
                &registry,
                "requests_total",
                "Requests answered.",
                &["route", "method", "code"],
            ),
            durations: histograms(
                &registry,
                "request_duration_seconds",
                "From the first byte of a request to the end of its answer.",
                REQUEST,
                &["route"],
            ),
            decisions: counters(
                &registry,
                "decisions_total",
                "Requests let through or not, and why.",
                &["route", "decision", "reason"],
            ),
            in_flight: gauge(&registry, "requests_in_flight", "Requests being answered."),
            auth_duration: histogram(
                &registry,
                "auth_duration_seconds",
                "What deciding about a request took.",
                DECISION,
            ),
            password_hash: histogram(
                &registry,
                "password_hash_seconds",
                "What hashing or checking a password took, waiting excluded.",
                HASH,
            ),
            upstream_durations: histograms(
                &registry,
                "upstream_duration_seconds",
                "From asking an upstream to the first byte of its answer.",
                REQUEST,
                &["upstream"],
            ),
            registry,
        }
    }

    pub(super) const fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(super) fn upstream_duration(&self, name: &str) -> Histogram {
        self.upstream_durations.with_label_values(&[name])
    }

    pub(super) fn logins(&self) -> Results<6> {
        let results =
            ["success", "invalid_grant", "invalid_scope", "rate_limited", "overloaded", "store_unavailable"];
        Results::new(&self.registry, "logins_total", "Sign-ins tried, by how they ended.", "result", results)
    }

    pub(super) fn tokens(&self) -> Results<2> {
        let grants = ["password", "mint"];
        Results::new(&self.registry, "tokens_issued_total", "Tokens issued.", "grant", grants)
    }

    pub(super) fn rehashes(&self) -> Results<4> {
        let help = "Stored password hashes that were to be replaced at a sign-in, by what became of it.";
        let results = ["replaced", "changed", "overloaded", "store_unavailable"];
        Results::new(&self.registry, "password_rehashes_total", help, "result", results)
    }

    pub(super) fn streams(&self) -> Results<8> {
        let help = "Exchanges ended in the middle because their token was no longer good.";
        let reasons = [
            "expired",
            "revoked_token",
            "revoked_login",
            "revoked_user",
            "revoked_key",
            "user_disabled",
            "revocation_stale",
            "store_unavailable",
        ];
        Results::new(&self.registry, "streams_closed_total", help, "reason", reasons)
    }

    pub(super) fn revocations(&self) -> Results<4> {
        let scopes = ["token", "login", "user", "key"];
        Results::new(&self.registry, "revocations_total", "Revocations written to the log.", "scope", scopes)
    }
}

/// Counters of one label whose values are all known; each is exported from the start, so that a rate has a zero to
/// begin at.
pub(super) struct Results<const N: usize> {
    counters: [(&'static str, IntCounter); N],
}

impl<const N: usize> Results<N> {
    fn new(registry: &Registry, name: &str, help: &str, label: &str, values: [&'static str; N]) -> Self {
        let family = counters(registry, name, help, &[label]);
        Self { counters: values.map(|value| (value, family.with_label_values(&[value]))) }
    }

    /// Counts one; a value that is not in the contract is a mistake of ours and counts nowhere.
    pub(super) fn count(&self, value: &str) {
        let found = self.counters.iter().find(|(known, _)| *known == value);
        debug_assert!(found.is_some(), "no such label value: {value}");
        if let Some((_, counter)) = found {
            counter.inc();
        }
    }
}

fn named(name: &str, help: &str) -> Opts {
    Opts::new(format!("gatepass_{name}"), help)
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let family = made.expect("names and labels are constants that Prometheus allows");
    registry.register(Box::new(family.clone())).expect("each family is registered once");
    family
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    registered(registry, IntCounterVec::new(named(name, help), labels))
}

fn histograms(registry: &Registry, name: &str, help: &str, buckets: &[f64], labels: &[&str]) -> HistogramVec {
    let opts = HistogramOpts::from(named(name, help)).buckets(buckets.to_vec());
    registered(registry, HistogramVec::new(opts, labels))
}

fn histogram(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Histogram {
    let opts = HistogramOpts::from(named(name, help)).buckets(buckets.to_vec());
    registered(registry, Histogram::with_opts(opts))
}

pub(super) fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    registered(registry, IntGauge::with_opts(named(name, help)))
}

pub(super) fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    registered(registry, IntCounter::with_opts(named(name, help)))
}

pub(super) fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    registered(registry, IntGaugeVec::new(named(name, help), labels))
}

pub(super) fn seconds(registry: &Registry, name: &str, help: &str) -> prometheus::Gauge {
    registered(registry, prometheus::Gauge::with_opts(named(name, help)))
}
