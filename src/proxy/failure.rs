//! What went wrong after a request was admitted, in our words: one for the client, one for the operator.

#![expect(clippy::unnecessary_box_returns, reason = "Pingora passes its errors on in a box")]

use http::StatusCode;
use pingora::{Error, ErrorSource, ErrorType};

use crate::access::Reason;

/// A failure, worded.
pub(super) struct Failure {
    pub(super) reason: Reason,
    /// Instead of the reason's own status.
    pub(super) status: Option<StatusCode>,
    /// For the client: which upstream and why, no address.
    pub(super) told: String,
    /// For the access log: everything Pingora knows.
    pub(super) noted: String,
}

const NO_SERVER: ErrorType = ErrorType::new("no server of the upstream is known");
const NOT_ADMITTED: ErrorType = ErrorType::new("a request without a permit");
const BODY_TOO_LARGE: ErrorType = ErrorType::new("the request body is too large");

/// There is nobody to ask.
pub(super) fn no_server() -> Box<Error> {
    Error::new_up(NO_SERVER)
}

/// The upstream answers 101 to what was no handshake.
pub(super) fn not_asked_to_switch() -> Box<Error> {
    Error::new_up(ErrorType::InvalidHTTPHeader)
}

/// A hook was called for a request that has no permit: a fault of ours, and nothing is forwarded.
pub(super) fn not_admitted() -> Box<Error> {
    Error::new_in(NOT_ADMITTED)
}

/// Whether the client has left, or takes nothing more: nobody is there to be told.
pub(super) fn client_is_gone(error: &Error) -> bool {
    *error.esource() == ErrorSource::Downstream
        && matches!(
            error.etype(),
            ErrorType::WriteError
                | ErrorType::ReadError
                | ErrorType::ConnectionClosed
                | ErrorType::WriteTimedout
        )
}

/// The client has reset its stream while it was worked for.
pub(super) fn client_has_left() -> Box<Error> {
    Error::new_down(ErrorType::ConnectionClosed)
}

/// The body went past the route's limit.
pub(super) fn body_too_large() -> Box<Error> {
    Error::new_down(BODY_TOO_LARGE)
}

impl Failure {
    /// The client sent its body too slowly.
    pub(super) fn too_slow(error: &Error) -> Self {
        let (reason, status, why) = of_client(&ErrorType::ReadTimedout);
        Self { reason, status, told: why.to_owned(), noted: error.to_string() }
    }

    /// Words `error`, met on the way to `upstream`.
    pub(super) fn of(error: &Error, upstream: &str) -> Self {
        let (reason, status, why) = match error.esource() {
            ErrorSource::Upstream => of_upstream(error.etype()),
            ErrorSource::Downstream => of_client(error.etype()),
            ErrorSource::Internal | ErrorSource::Unset => (Reason::Internal, None, "the gateway failed"),
        };
        let told = match error.esource() {
            ErrorSource::Upstream => format!("upstream \"{upstream}\" {why}"),
            _ => why.to_owned(),
        };
        Self { reason, status, told, noted: error.to_string() }
    }
}

type Worded = (Reason, Option<StatusCode>, &'static str);

fn of_upstream(kind: &ErrorType) -> Worded {
    let unavailable = |why| (Reason::UpstreamUnavailable, None, why);
    let late = |why| (Reason::UpstreamTimeout, None, why);
    match kind {
        ErrorType::ConnectRefused => unavailable("refused the connection"),
        ErrorType::ConnectNoRoute => unavailable("cannot be reached"),
        ErrorType::ConnectTimedout => late("did not accept the connection in time"),
        ErrorType::TLSHandshakeTimedout => late("did not finish the TLS handshake in time"),
        ErrorType::TLSHandshakeFailure | ErrorType::InvalidCert | ErrorType::HandshakeError => {
            unavailable("did not prove who it is: the TLS handshake failed")
        }
        ErrorType::ReadTimedout => late("did not answer in time"),
        ErrorType::WriteTimedout => late("did not take the request in time"),
        ErrorType::ConnectionClosed => unavailable("closed the connection before it had answered"),
        ErrorType::ReadError | ErrorType::WriteError => unavailable("broke the connection off"),
        ErrorType::InvalidHTTPHeader | ErrorType::H1Error | ErrorType::H2Error | ErrorType::InvalidH2 => {
            unavailable("sent something that is not HTTP")
        }
        kind if *kind == NO_SERVER => {
            let why = "has no server that can be asked";
            (Reason::UpstreamUnavailable, Some(StatusCode::SERVICE_UNAVAILABLE), why)
        }
        _ => unavailable("cannot be connected to"),
    }
}

fn of_client(kind: &ErrorType) -> Worded {
    match kind {
        kind if *kind == BODY_TOO_LARGE => (Reason::TooLarge, None, "the request body is too large"),
        ErrorType::ReadTimedout => (Reason::Timeout, None, "the request body did not arrive in time"),
        _ => (Reason::BadFraming, None, "the request is malformed"),
    }
}
