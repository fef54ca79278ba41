//! Everything a request is decided by, and told to.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::browser::Browsers;
use super::client::{Client, resolve};
use super::cors::Cors;
use super::forward::Forward;
use super::{CorsSettings, IdentitySettings, Limits};
use crate::access::Gate;
use crate::answer::ErrorBody;
use crate::clock::Clock;
use crate::endpoint::Endpoints;
use crate::observe::{AccessLog, Metrics};
use crate::route::RouteTable;
use crate::upstream::Upstreams;

/// What a policy is made of; put together by the server.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) routes: RouteTable,
    pub(crate) gate: Arc<Gate>,
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) upstreams: Upstreams,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log: AccessLog,
    pub(crate) identity: IdentitySettings,
    pub(crate) cors: CorsSettings,
    pub(crate) limits: Limits,
    pub(crate) errors: ErrorBody,
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// The path of the sign-in page, if there is one.
    pub(crate) sign_in: Option<String>,
}

/// The rules in force, and those who are told.
pub(crate) struct Policy {
    pub(super) clock: Clock,
    pub(super) routes: RouteTable,
    pub(super) gate: Arc<Gate>,
    pub(super) endpoints: Arc<Endpoints>,
    pub(super) upstreams: Upstreams,
    pub(super) metrics: Arc<Metrics>,
    pub(super) log: AccessLog,
    pub(super) forward: Forward,
    pub(super) browsers: Browsers,
    pub(super) cors: Cors,
    pub(super) limits: Limits,
    pub(super) errors: ErrorBody,
    trusted: Vec<IpNet>,
    /// Where requests that never got as far as a route are counted.
    pub(super) nowhere: usize,
    /// Where requests to our endpoints are counted: endpoint, index, route name.
    endpoint_places: Vec<(&'static str, usize, &'static str)>,
}

/// Our endpoints, and the route names under which they are counted and logged.
pub(crate) const ENDPOINT_ROUTES: [(&str, &str); 10] = [
    ("token", "gatepass:token"),
    ("signup", "gatepass:signup"),
    ("password", "gatepass:password"),
    ("logout", "gatepass:logout"),
    ("revoke", "gatepass:revoke"),
    ("userinfo", "gatepass:userinfo"),
    ("sessions", "gatepass:sessions"),
    ("metadata", "gatepass:metadata"),
    ("signin", "gatepass:signin"),
    ("signout", "gatepass:signout"),
];

impl Policy {
    pub(crate) fn new(parts: Parts) -> Self {
        let place = |(endpoint, route)| Some((endpoint, parts.metrics.route(route)?, route));
        Self {
            endpoint_places: ENDPOINT_ROUTES.into_iter().filter_map(place).collect(),
            nowhere: parts.metrics.route(Metrics::REFUSED).unwrap_or(usize::MAX),
            forward: Forward::new(&parts.identity),
            browsers: Browsers::new(parts.sign_in.as_deref(), parts.gate.cookie()),
            cors: Cors::new(&parts.cors),
            clock: parts.clock,
            routes: parts.routes,
            gate: parts.gate,
            endpoints: parts.endpoints,
            upstreams: parts.upstreams,
            metrics: parts.metrics,
            log: parts.log,
            limits: parts.limits,
            errors: parts.errors,
            trusted: parts.trusted_proxies,
        }
    }

    /// Who is asking, as far as we believe it.
    pub(super) fn client(&self, peer: Option<IpAddr>, tls: bool, headers: &http::HeaderMap) -> Client {
        resolve(peer, tls, headers, &self.trusted)
    }

    /// Where requests to an endpoint of ours are counted.
    pub(super) fn endpoint_place(&self, endpoint: &'static str) -> (usize, &'static str) {
        let found = self.endpoint_places.iter().find(|(name, _, _)| *name == endpoint);
        found.map_or((self.nowhere, endpoint), |(_, id, route)| (*id, *route))
    }

    /// The name of a route for the log.
    pub(super) fn route_name(&self, route: Place) -> &str {
        match route {
            Place::Route(id) => self.routes.routes().get(id).map_or(Metrics::REFUSED, |route| &route.name),
            Place::Endpoint(_, name) => name,
            Place::Nowhere => Metrics::REFUSED,
        }
    }
}

/// Where a request was going when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: it was refused before a route was found.
    Nowhere,
    /// To an endpoint of ours: its index in the metrics, and its name.
    Endpoint(usize, &'static str),
    /// To a route: its index in the table.
    Route(usize),
}
