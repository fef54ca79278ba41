//! Which methods are served at all? The others are refused whatever the routes say.

use http::{HeaderValue, Method};

/// Them all, as `Allow` writes it (RFC 9110 §10.2.1).
pub static SERVED: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// Whether `method` is one of them.
pub fn is_served(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::PATCH
            | Method::DELETE
            | Method::OPTIONS
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_is_what_is_announced() {
        for method in SERVED.to_str().unwrap().split(", ") {
            assert!(is_served(&method.parse().unwrap()), "{method}");
        }
        for method in ["TRACE", "CONNECT", "PROPFIND", "get"] {
            assert!(!is_served(&method.parse().unwrap()), "{method}");
        }
    }
}
