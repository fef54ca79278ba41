//! What becomes of this request? Canonical target → host → our own endpoint? → route and method → rights. Synchronous:
//! nothing here waits.

use http::{HeaderMap, Method, Version, header};
use pingora::http::RequestHeader;

use super::connection::MOST_FIELDS;
use super::cors;
use super::exchange::{Admitted, Record};
use super::handshake::{self, is_handshake};
use super::lasting::Lasting;
use super::ours::Ours;
use super::policy::{Place, Policy};
use crate::access::{Asked, Denial, Reason};
use crate::route::{Found, Host, LIKE_ANOTHER, Route, Target};

/// A request's head, as far as it is decided upon.
#[derive(Clone, Copy)]
pub(super) struct Asking<'r> {
    pub(super) method: &'r Method,
    pub(super) version: Version,
    pub(super) headers: &'r HeaderMap,
    /// The target, byte for byte what the upstream gets.
    pub(super) target: &'r [u8],
    /// `:authority` (RFC 9113 §8.3.1).
    pub(super) authority: Option<&'r str>,
    /// The path as the engine has read it, if it is the engine that will send it on.
    pub(super) path: Option<&'r str>,
}

impl<'r> Asking<'r> {
    /// One that the engine has read.
    pub(super) fn of(request: &'r RequestHeader) -> Self {
        Self {
            method: &request.method,
            version: request.version,
            headers: &request.headers,
            target: request.raw_path(),
            authority: request.uri.authority().map(http::uri::Authority::as_str),
            path: Some(request.uri.path()),
        }
    }
}

/// What becomes of a request.
pub(super) enum Decision {
    /// It goes upstream.
    Forward(Box<Admitted>),
    /// It goes upstream unless the user store objects, which has to be asked first.
    Unsettled(Box<Admitted>),
    /// It goes to an endpoint of ours.
    Endpoint,
    /// It is answered here.
    Ours(Ours),
}

impl Decision {
    pub(super) fn refuse(reason: Reason) -> Self {
        Self::denied(Denial::of(reason))
    }

    const fn denied(denial: Denial) -> Self {
        Self::Ours(Ours::Refusal { denial, allow: None, detail: None })
    }

    fn explained(reason: Reason, detail: &'static str) -> Self {
        Self::Ours(Ours::Refusal { denial: Denial::of(reason), allow: None, detail: Some(detail) })
    }
}

/// What a head comes to, as HTTP/2 counts it (RFC 9113 §6.5.2).
fn list_size(asking: &Asking<'_>) -> usize {
    let fields = asking.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32);
    asking.target.len() + fields.sum::<usize>()
}

/// Decides, and notes in `record` what is learnt on the way.
pub(super) fn decide(policy: &Policy, asking: &Asking<'_>, record: &mut Record) -> Decision {
    let headers = asking.headers;
    record.method = asking.method.clone();
    record.origin = policy.cors.allowed(headers);
    // Over HTTP/1.1 the door has counted already.
    if asking.version == Version::HTTP_2
        && (headers.len() > MOST_FIELDS || list_size(asking) > policy.limits.head)
    {
        return Decision::Ours(Ours::HeadTooLarge);
    }
    let raw = asking.target;
    if raw == b"*" && asking.method == Method::OPTIONS {
        record.path = "*".into();
        return Decision::Ours(Ours::Capabilities);
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
    if asking.path.is_some_and(|path| path != target.path()) {
        return Decision::explained(Reason::BadTarget, "the target cannot be read in one way");
    }
    let host = match host(asking) {
        Ok(host) => host,
        Err(detail) => return Decision::explained(Reason::BadHost, detail),
    };
    if !policy.routes.serves(&host) {
        return Decision::explained(Reason::BadHost, "this host is not served here");
    }
    if record.origin.is_some() && cors::is_preflight(asking.method, headers) {
        return Decision::Ours(Ours::Preflight);
    }
    if let Some(name) = policy.endpoints.name(target.path()) {
        let (id, name) = policy.endpoint_place(name);
        record.place = Place::Endpoint(id, name);
        return Decision::Endpoint;
    }
    match policy.routes.find(Some(&host), asking.method, target.path()) {
        Found::MethodNotAllowed(allow) => Decision::Ours(Ours::Refusal {
            denial: Denial::of(Reason::MethodNotAllowed),
            allow: Some(allow.clone()),
            detail: None,
        }),
        Found::LikeAnother => Decision::explained(Reason::BadTarget, LIKE_ANOTHER),
        Found::Route(route) => admit(policy, route, asking, record),
    }
}

fn admit(policy: &Policy, route: &Route, asking: &Asking<'_>, record: &mut Record) -> Decision {
    record.place = Place::Route(route.id);
    let headers = asking.headers;
    let handshake = route.streams.websocket && is_handshake(asking);
    let asked =
        Asked { method: asking.method, headers, authority: asking.authority, https: record.client.https };
    let admitted = if handshake {
        policy.gate.admit_handshake(route, &asked, asking.target)
    } else {
        policy.gate.admit(route, &asked)
    };
    let permit = match admitted {
        Ok(permit) => permit,
        Err(denial) => return Decision::denied(denial),
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
        Err(denial) => Decision::denied(denial),
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
fn host(asking: &Asking<'_>) -> Result<Host, &'static str> {
    let mut named = asking.headers.get_all(header::HOST).iter();
    let field = named.next();
    if named.next().is_some() {
        return Err("more than one Host");
    }
    let value = match (asking.version, asking.authority) {
        (Version::HTTP_2, Some(authority)) => authority.as_bytes(),
        _ => field.ok_or("no Host")?.as_bytes(),
    };
    Host::parse(value).map_err(|bad| bad.0)
}

/// The path of a target that is not one, for the log: a query may hold a secret.
fn path_of(raw: &[u8]) -> &[u8] {
    raw.split(|&b| b == b'?').next().unwrap_or_default()
}
