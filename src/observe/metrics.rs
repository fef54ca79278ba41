//! What can an operator count? The Prometheus metrics, their names and labels.
//!
//! Labels are route names, never paths. A request finds its handles by index: the cells of a route are made at its
//! first request and kept, so that counting is a few atomic additions and no look-up by label.

mod cells;
mod families;
mod gauges;

pub use gauges::Gauges;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{Encoder as _, Histogram, TextEncoder};

use crate::access::Reason;
use crate::revocation::Scope;
use cells::RouteCells;
use families::{Families, Results};

/// A request's method as a label: those of RFC 9110 §9 and RFC 5789 that a backend serves, and all others as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its method")]
pub enum MethodLabel {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Other,
}

impl MethodLabel {
    const COUNT: usize = 8;

    const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other => "other",
        }
    }
}

impl From<&http::Method> for MethodLabel {
    fn from(method: &http::Method) -> Self {
        match method.as_str() {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            "OPTIONS" => Self::Options,
            _ => Self::Other,
        }
    }
}

/// A request that has ended, whatever way.
#[derive(Clone, Copy, Debug)]
pub struct Finished {
    /// Index of its route among the names given to [`Metrics::new`], or one that [`Metrics::route`] gave.
    pub route: usize,
    /// The method; `Other` if none was read.
    pub method: MethodLabel,
    /// The status answered; 0 if the client went before there was one.
    pub status: u16,
    /// Why it was let through or not.
    pub reason: Reason,
    /// From its first byte to the end of the answer.
    pub seconds: f64,
    /// What deciding took, if it came to that.
    pub auth_seconds: Option<f64>,
    /// Index of the upstream asked, and the seconds to the first byte of its answer.
    pub upstream: Option<(usize, f64)>,
}

/// What samples gauges when the metrics are asked for.
pub type Sampler = Box<dyn Fn(&Gauges) + Send + Sync>;

/// Every metric we keep.
pub struct Metrics {
    families: Families,
    gauges: Gauges,
    routes: Vec<RouteCells>,
    by_name: HashMap<String, usize>,
    upstreams: Vec<Histogram>,
    logins: Results<6>,
    tokens: Results<2>,
    rehashes: Results<4>,
    revocations: Results<4>,
    streams: Results<8>,
    samplers: Mutex<Vec<Sampler>>,
}

impl Metrics {
    /// The route of requests that never got as far as one: malformed heads, and those whose index is out of range.
    pub const REFUSED: &str = "gatepass:refused";

    /// Registers all metrics, with one set of handles per route name (in the order given, so that a route's id is its
    /// index) and upstream. [`Self::REFUSED`] is added if it is not among the names.
    pub fn new(routes: &[String], upstreams: &[String]) -> Self {
        let families = Families::new();
        let refused = (!routes.iter().any(|name| name == Self::REFUSED)).then(|| Self::REFUSED.to_owned());
        let names: Vec<String> = routes.iter().cloned().chain(refused).collect();
        let by_name = names.iter().enumerate().rev().map(|(id, name)| (name.clone(), id)).collect();
        Self {
            gauges: Gauges::new(families.registry()),
            upstreams: upstreams.iter().map(|name| families.upstream_duration(name)).collect(),
            logins: families.logins(),
            tokens: families.tokens(),
            rehashes: families.rehashes(),
            revocations: families.revocations(),
            streams: families.streams(),
            routes: names.into_iter().map(RouteCells::new).collect(),
            by_name,
            samplers: Mutex::new(Vec::new()),
            families,
        }
    }

    /// The gauges, for those who know when one changes and need not be asked.
    pub const fn gauges(&self) -> &Gauges {
        &self.gauges
    }

    /// The index of a route name, for [`Finished::route`]; resolve it once.
    pub fn route(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// `gatepass_requests_in_flight` goes up; exactly one [`Self::request_finished`] must follow.
    pub fn request_started(&self) {
        self.families.in_flight.inc();
    }

    /// Counts a request that has ended: `gatepass_requests_in_flight`, `gatepass_requests_total`,
    /// `gatepass_request_duration_seconds`, `gatepass_decisions_total`, and where they apply
    /// `gatepass_auth_duration_seconds` and `gatepass_upstream_duration_seconds`.
    pub fn request_finished(&self, request: &Finished) {
        let route =
            self.routes.get(request.route).or_else(|| self.routes.get(*self.by_name.get(Self::REFUSED)?));
        if let Some(route) = route {
            route.count(&self.families, request);
        }
        if let Some(seconds) = request.auth_seconds {
            self.families.auth_duration.observe(seconds);
        }
        if let Some((upstream, seconds)) = request.upstream
            && let Some(histogram) = self.upstreams.get(upstream)
        {
            histogram.observe(seconds);
        }
        // Last, so that who sees nothing in flight sees all of it counted.
        self.families.in_flight.dec();
    }

    /// `gatepass_logins_total{result}`: `success`, `invalid_grant`, `invalid_scope`, `rate_limited`, `overloaded`,
    /// `store_unavailable`.
    pub fn login(&self, result: &'static str) {
        self.logins.count(result);
    }

    /// `gatepass_tokens_issued_total{grant}`: `password`, `mint`.
    pub fn token_issued(&self, grant: &'static str) {
        self.tokens.count(grant);
    }

    /// `gatepass_revocations_total{scope}`.
    pub fn revocation(&self, scope: Scope) {
        self.revocations.count(scope.as_str());
    }

    /// `gatepass_streams_closed_total{reason}`: an exchange that was let through, and ended when its token was.
    pub fn stream_closed(&self, reason: Reason) {
        self.streams.count(reason.as_str());
    }

    /// `gatepass_password_hash_seconds`.
    pub fn password_hash(&self, seconds: f64) {
        self.families.password_hash.observe(seconds);
    }

    /// `gatepass_password_rehashes_total{result}`: `replaced`, `changed` (by somebody else meanwhile), `overloaded` (no
    /// thread was free for it), `store_unavailable`.
    pub fn password_rehash(&self, result: &'static str) {
        self.rehashes.count(result);
    }

    /// Has `sampler` set gauges each time the metrics are rendered. It must not hold these metrics themselves.
    pub fn on_render(&self, sampler: Sampler) {
        self.samplers.lock().unwrap_or_else(PoisonError::into_inner).push(sampler);
    }

    /// The text exposition format, gauges as of now.
    pub fn render(&self) -> String {
        for sampler in self.samplers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            sampler(&self.gauges);
        }
        let mut text = Vec::with_capacity(16 * 1024);
        if let Err(error) = TextEncoder::new().encode(&self.families.registry().gather(), &mut text) {
            tracing::error!("the metrics cannot be written: {error}");
        }
        String::from_utf8(text).unwrap_or_default()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").field("routes", &self.routes.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
