//! What becomes of this request? Canonical target → host → our own endpoint? → route and method → rights. Synchronous:
//! nothing here waits.

use http::{HeaderMap, HeaderValue, Method, Version, header};
use pingora::http::RequestHeader;

use super::connection::MOST_FIELDS;
use super::cors;
use super::exchange::{Admitted, Record};
use super::handshake::{self, is_handshake};
use super::lasting::Lasting;
use super::policy::{Place, Policy};
use crate::access::{Asked, Denial, Reason};
use crate::route::{Found, Host, LIKE_ANOTHER, Route, Target};

/// What becomes of a request.
pub(super) enum Decision {
    /// It goes upstream.
    Forward(Box<Admitted>),
    /// It goes upstream unless the user store objects, which has to be asked first.
    Unsettled(Box<Admitted>),
    /// It goes to an endpoint of ours.
    Endpoint,
    /// A preflight of an origin that may read: answered here.
    Preflight,
    /// `OPTIONS *` (RFC 9110 §9.3.7): answered here.
    Capabilities,
    /// Its head is longer, or has more fields, than is read: 431.
    HeadTooLarge,
    /// It is refused.
    Refuse { denial: Denial, allow: Option<HeaderValue>, detail: Option<&'static str> },
}

impl Decision {
    pub(super) fn refuse(reason: Reason) -> Self {
        Self::Refuse { denial: Denial::of(reason), allow: None, detail: None }
    }

    fn explained(reason: Reason, detail: &'static str) -> Self {
        Self::Refuse { denial: Denial::of(reason), allow: None, detail: Some(detail) }
    }
}

/// What a head comes to, as HTTP/2 counts it (RFC 9113 §6.5.2).
fn list_size(request: &RequestHeader) -> usize {
    let fields = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32);
    request.raw_path().len() + fields.sum::<usize>()
}

/// Decides, and notes in `record` what is learnt on the way.
pub(super) fn decide(policy: &Policy, request: &RequestHeader, record: &mut Record) -> Decision {
    let headers = &request.headers;
    record.method = request.method.clone();
    record.origin = policy.cors.allowed(headers);
    // Over HTTP/1.1 the door has counted already.
    if request.version == Version::HTTP_2
        && (headers.len() > MOST_FIELDS || list_size(request) > policy.limits.head)
    {
        return Decision::HeadTooLarge;
    }
    let raw = request.raw_path();
    if raw == b"*" && request.method == Method::OPTIONS {
        record.path = "*".into();
        return Decision::Capabilities;
    }
    let target = match Target::parse(raw) {
        Ok(target) => target,
        Err(bad) => {
            record.path = String::from_utf8_lossy(path_of(raw)).into();
            return Decision::explained(Reason::BadTarget, bad.0);
        }
    };
    record.path = target.path().into();
    // Both spellings Pingora keeps must be the one that was decided upon.
    if request.uri.path() != target.path() {
        return Decision::explained(Reason::BadTarget, "the target cannot be read in one way");
    }
    let host = match host(request) {
        Ok(host) => host,
        Err(detail) => return Decision::explained(Reason::BadHost, detail),
    };
    if !policy.routes.serves(&host) {
        return Decision::explained(Reason::BadHost, "this host is not served here");
    }
    if record.origin.is_some() && cors::is_preflight(&request.method, headers) {
        return Decision::Preflight;
    }
    if let Some(name) = policy.endpoints.name(target.path()) {
        let (id, name) = policy.endpoint_place(name);
        record.place = Place::Endpoint(id, name);
        return Decision::Endpoint;
    }
    match policy.routes.find(Some(&host), &request.method, target.path()) {
        Found::MethodNotAllowed(allow) => Decision::Refuse {
            denial: Denial::of(Reason::MethodNotAllowed),
            allow: Some(allow.clone()),
            detail: None,
        },
        Found::LikeAnother => Decision::explained(Reason::BadTarget, LIKE_ANOTHER),
        Found::Route(route) => admit(policy, route, request, record),
    }
}

fn admit(policy: &Policy, route: &Route, request: &RequestHeader, record: &mut Record) -> Decision {
    record.place = Place::Route(route.id);
    let headers = &request.headers;
    let handshake = route.streams.websocket && is_handshake(request);
    let asked = Asked {
        method: &request.method,
        headers,
        authority: request.uri.authority().map(http::uri::Authority::as_str),
        https: record.client.https,
    };
    let admitted = if handshake {
        policy.gate.admit_handshake(route, &asked, request.raw_path())
    } else {
        policy.gate.admit(route, &asked)
    };
    let permit = match admitted {
        Ok(permit) => permit,
        Err(denial) => return Decision::Refuse { denial, allow: None, detail: None },
    };
    let body_limit = route.body_limit.unwrap_or(policy.limits.body);
    if announced_length(headers).is_some_and(|length| length > body_limit) {
        return Decision::refuse(Reason::TooLarge);
    }
    record.reason = permit.reason();
    let settled = permit.is_settled();
    let admitted = Box::new(Admitted {
        permit,
        route: route.id,
        upstream: route.upstream,
        body_limit,
        body_seen: 0,
        tried: Vec::new(),
        lasting: if handshake { Lasting::WebSocket } else { Lasting::of(headers) },
    });
    if settled { Decision::Forward(admitted) } else { Decision::Unsettled(admitted) }
}

/// Whether a store has to be asked about what was decided.
pub(super) fn is_open(policy: &Policy, decision: &Decision) -> bool {
    matches!(decision, Decision::Unsettled(_)) || policy.gate.looks_twice()
}

/// Has the stores say of whom is let through that they are; everything else stays as decided.
pub(super) async fn look_again(policy: &Policy, decision: Decision) -> Decision {
    let (Decision::Forward(admitted) | Decision::Unsettled(admitted)) = decision else { return decision };
    match policy.gate.look_again(&admitted.permit).await {
        Ok(()) => Decision::Forward(admitted),
        Err(denial) => Decision::Refuse { denial, allow: None, detail: None },
    }
}

/// The `Content-Length`; one that is no number was refused with the head, or by h2.
pub(super) fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether the client ends the connection after this exchange: `close` in any of its `Connection` lines (RFC 9110
/// §7.6.1). The engine reads the first line only, and would keep waiting for a client that waits for the end.
pub(super) fn asks_to_close(headers: &HeaderMap) -> bool {
    handshake::names(headers, b"close")
}

/// Exactly one valid host: `:authority` or `Host` over h2 (RFC 9113 §8.3.1), `Host` otherwise.
fn host(request: &RequestHeader) -> Result<Host, &'static str> {
    let mut named = request.headers.get_all(header::HOST).iter();
    let field = named.next();
    if named.next().is_some() {
        return Err("more than one Host");
    }
    let value = match (request.version, request.uri.authority()) {
        (Version::HTTP_2, Some(authority)) => authority.as_str().as_bytes(),
        _ => field.ok_or("no Host")?.as_bytes(),
    };
    Host::parse(value).map_err(|bad| bad.0)
}

/// The path of a target that is not one, for the log: a query may hold a secret.
fn path_of(raw: &[u8]) -> &[u8] {
    raw.split(|&b| b == b'?').next().unwrap_or_default()
}
