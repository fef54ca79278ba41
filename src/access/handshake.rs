//! Where may a WebSocket handshake bring its token? Browsers cannot set headers there: they can choose subprotocols
//! (RFC 6455 §1.9) and the URL.

use http::HeaderMap;
use http::header::SEC_WEBSOCKET_PROTOCOL;

/// The subprotocol that stands for "whatever the gateway makes of it": nothing the upstream needs to know.
pub const OWN_PROTOCOL: &str = "gatepass";

/// What the subprotocol begins with that is not one, but a token.
const TOKEN_PREFIX: &[u8] = b"gatepass.bearer.";

/// The subprotocols a client offers, in its order, over all lines of the header.
pub fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let entries = lines.flat_map(|line| line.as_bytes().split(|&b| b == b','));
    entries.map(<[u8]>::trim_ascii).filter(|entry| !entry.is_empty())
}

/// The token in a subprotocol, if it is one that carries a token.
pub fn protocol_token(protocol: &[u8]) -> Option<&[u8]> {
    protocol.strip_prefix(TOKEN_PREFIX)
}

/// The value of one `name=value` of a query, if it has this name.
pub fn query_token<'q>(pair: &'q [u8], name: &str) -> Option<&'q [u8]> {
    match pair.strip_prefix(name.as_bytes())? {
        [] => Some(&[]),
        [b'=', value @ ..] => Some(value),
        _ => None,
    }
}

/// The `name=value`s of a target's query.
pub fn query_pairs(target: &[u8]) -> impl Iterator<Item = &[u8]> {
    let at = target.iter().position(|&b| b == b'?');
    at.into_iter().flat_map(|at| target[at + 1..].split(|&b| b == b'&'))
}
