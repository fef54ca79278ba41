//! What do we answer ourselves, without an upstream and without an endpoint, and in what words?

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};

use super::cors;
use super::decide::Asking;
use super::exchange::Exchange;
use super::failure::Failure;
use super::policy::Policy;
use super::respond::no_content;
use crate::access::{Denial, Reason};
use crate::answer::{Refusal, refusal};

/// A request that is answered here.
pub(super) enum Ours {
    /// A preflight of an origin that may read.
    Preflight,
    /// `OPTIONS *` (RFC 9110 §9.3.7).
    Capabilities,
    /// Its head is longer, or has more fields, than is read: 431.
    HeadTooLarge,
    /// It is refused.
    Refusal { denial: Denial, allow: Option<HeaderValue>, detail: Option<&'static str> },
}

impl Ours {
    /// What is said, and noted.
    pub(super) fn answer(
        self,
        policy: &Policy,
        asking: &Asking<'_>,
        exchange: &mut Exchange,
    ) -> Response<Bytes> {
        match self {
            Self::Preflight => {
                exchange.record.reason = Reason::Endpoint;
                cors::preflight(asking.headers)
            }
            Self::Capabilities => {
                exchange.record.reason = Reason::Endpoint;
                no_content()
            }
            Self::HeadTooLarge => {
                let status = Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
                word(policy, exchange, &Denial::of(Reason::TooLarge), None, None, status)
            }
            Self::Refusal { denial, allow, detail } => {
                let refusal = word(policy, exchange, &denial, allow.as_ref(), detail, None);
                policy.browsers.answer(asking, refusal)
            }
        }
    }
}

/// Words a no for this reason alone, and notes it.
pub(super) fn refuse_for(policy: &Policy, exchange: &mut Exchange, reason: Reason) -> Response<Bytes> {
    refuse(policy, exchange, &Denial::of(reason))
}

/// Words a no, and notes it.
pub(super) fn refuse(policy: &Policy, exchange: &mut Exchange, denial: &Denial) -> Response<Bytes> {
    word(policy, exchange, denial, None, None, None)
}

/// Words the failure of what was admitted, and notes it.
pub(super) fn excuse(policy: &Policy, exchange: &mut Exchange, failure: Failure) -> Response<Bytes> {
    let Failure { reason, status, told, noted } = failure;
    exchange.record.detail = Some(noted.into());
    word(policy, exchange, &Denial::of(reason), None, Some(&told), status)
}

fn word(
    policy: &Policy,
    exchange: &mut Exchange,
    denial: &Denial,
    allow: Option<&HeaderValue>,
    detail: Option<&str>,
    status: Option<StatusCode>,
) -> Response<Bytes> {
    exchange.record.reason = denial.reason;
    if let Some(token) = &denial.subject {
        exchange.record.subject = Some(token.subject().as_str().into());
    }
    if let (None, Some(detail)) = (&exchange.record.detail, detail) {
        exchange.record.detail = Some(detail.into());
    }
    refusal(&Refusal {
        status,
        needed_scope: denial.needed.as_deref(),
        allow,
        detail,
        ..Refusal::of(denial.reason, exchange.id.as_str(), policy.errors)
    })
}
