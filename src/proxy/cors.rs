//! May a page on another origin read this? Preflights answered by us, and headers on every answer (Fetch standard).

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};

use super::CorsSettings;
use super::respond::no_content;

/// The origins that may read.
#[derive(Debug, Default)]
pub(super) struct Cors {
    origins: Vec<HeaderValue>,
}

/// An origin that may read the answer to the request at hand.
#[derive(Clone, Debug)]
pub(super) struct AllowedOrigin(HeaderValue);

/// How long, in seconds, a browser may remember a preflight.
const REMEMBER: HeaderValue = HeaderValue::from_static("600");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const EXPOSED: HeaderValue = HeaderValue::from_static("WWW-Authenticate, X-Request-Id, Retry-After");
const ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

impl Cors {
    pub(super) fn new(settings: &CorsSettings) -> Self {
        let origins = settings.origins.iter().filter_map(|o| HeaderValue::from_str(o).ok()).collect();
        Self { origins }
    }

    /// The request's `Origin`, if it may read. Compared byte for byte: an origin has one spelling.
    pub(super) fn allowed(&self, headers: &HeaderMap) -> Option<AllowedOrigin> {
        if self.origins.is_empty() {
            return None;
        }
        let origin = headers.get(header::ORIGIN)?;
        self.origins.iter().find(|allowed| *allowed == origin).cloned().map(AllowedOrigin)
    }
}

/// Whether the request is a preflight.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight of an allowed origin. It opens nothing: the request that follows is checked like any.
pub(super) fn preflight(headers: &HeaderMap) -> Response<Bytes> {
    let mut answer = no_content();
    let fields = answer.headers_mut();
    fields.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    if let Some(asked) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        fields.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    fields.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBER);
    answer
}

impl AllowedOrigin {
    /// The headers that let the origin read an answer; they replace what an upstream may have said of it.
    pub(super) fn headers(&self) -> [(HeaderName, HeaderValue); 2] {
        [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, self.0.clone()),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED),
        ]
    }

    /// `Vary`: a cache must keep answers to different origins apart.
    pub(super) const fn vary() -> (HeaderName, HeaderValue) {
        (header::VARY, ORIGIN)
    }
}
