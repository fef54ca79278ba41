//! What does this form say? One reading of `application/x-www-form-urlencoded`, or an error (RFC 6749 appendix B).
//!
//! A field that is known and comes twice, or in the query, is an error: whichever of the two were taken, something
//! before us may have taken the other. A field without a value counts as absent (RFC 6749 §3.1).

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Why a form is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadForm {
    /// `Content-Type` is absent, twice there, or another.
    #[error("the body must be application/x-www-form-urlencoded, in UTF-8")]
    ContentType,
    /// A field is in the query, where logs would keep it.
    #[error("{0} must be in the body, not in the query")]
    InQuery(&'static str),
    /// A field comes twice.
    #[error("{0} is there more than once")]
    Repeated(&'static str),
    /// A field's bytes are not UTF-8.
    #[error("{0} is not UTF-8")]
    Encoding(&'static str),
}

/// The known fields of a form.
#[derive(Debug)]
pub(super) struct Form {
    fields: Vec<(&'static str, String)>,
}

impl Form {
    /// Reads the fields in `known`; others are ignored (RFC 6749 §3.2).
    pub(super) fn read(
        known: &[&'static str],
        headers: &HeaderMap,
        query: Option<&str>,
        body: &[u8],
    ) -> Result<Self, BadForm> {
        let known = |name: &str| known.iter().find(|known| **known == name).copied();
        for (name, _) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if let Some(name) = known(&name) {
                return Err(BadForm::InQuery(name));
            }
        }
        if !is_type(headers, "application/x-www-form-urlencoded") {
            return Err(BadForm::ContentType);
        }
        let mut fields: Vec<(&'static str, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            let Some(name) = known(&name) else { continue };
            if fields.iter().any(|(seen, _)| *seen == name) {
                return Err(BadForm::Repeated(name));
            }
            // What is not UTF-8 was replaced by this character; two different passwords must not become one.
            if value.contains(char::REPLACEMENT_CHARACTER) {
                return Err(BadForm::Encoding(name));
            }
            fields.push((name, value.into_owned()));
        }
        Ok(Self { fields })
    }

    /// The value of `name`, if it has one; it is gone from the form then.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let place = self.fields.iter().position(|(found, _)| *found == name)?;
        Some(self.fields.swap_remove(place).1).filter(|value| !value.is_empty())
    }
}

/// Whether there is one `Content-Type`, and it is `wanted`, with no parameter but `charset=utf-8`.
pub(super) fn is_type(headers: &HeaderMap, wanted: &str) -> bool {
    let mut found = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (found.next(), found.next()) else { return false };
    let Ok(text) = value.to_str() else { return false };
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    essence.trim().eq_ignore_ascii_case(wanted)
        && parameters.split(';').map(str::trim).filter(|parameter| !parameter.is_empty()).all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const KNOWN: [&str; 2] = ["username", "password"];
    const FORM: &str = "application/x-www-form-urlencoded";

    fn typed(kinds: &[&str]) -> HeaderMap {
        kinds.iter().map(|kind| (CONTENT_TYPE, HeaderValue::from_str(kind).unwrap())).collect()
    }

    fn read(query: Option<&str>, body: &str) -> Result<Form, BadForm> {
        Form::read(&KNOWN, &typed(&[FORM]), query, body.as_bytes())
    }

    #[test]
    fn fields_are_decoded_once() {
        let mut form =
            read(None, "username=ada%40example.org&password=a+b%2B%2525%26&other=1&other=2").unwrap();
        assert_eq!(form.take("username").as_deref(), Some("ada@example.org"));
        assert_eq!(form.take("password").as_deref(), Some("a b+%25&"));
        assert_eq!(form.take("password"), None);
    }

    #[test]
    fn no_value_is_no_field() {
        let mut form = read(Some("lang=en"), "username=&password").unwrap();
        assert_eq!((form.take("username"), form.take("password")), (None, None));
    }

    #[test]
    fn twice_is_an_error_however_it_is_spelled() {
        for body in
            ["username=a&username=b", "username=a&username=a", "user%6eame=a&username=", "username&username"]
        {
            assert_eq!(read(None, body).unwrap_err(), BadForm::Repeated("username"), "{body}");
        }
    }

    #[test]
    fn the_query_is_no_place_for_it() {
        for query in ["password=x", "a=b&password", "pass%77ord=x"] {
            assert_eq!(read(Some(query), "username=a").unwrap_err(), BadForm::InQuery("password"), "{query}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert_eq!(read(None, "password=%ff").unwrap_err(), BadForm::Encoding("password"));
        assert_eq!(read(None, "password=%ed%a0%80").unwrap_err(), BadForm::Encoding("password"));
    }

    #[test]
    fn only_a_form_is_read_as_one() {
        for good in [FORM, "Application/X-WWW-Form-URLEncoded", &format!("{FORM};charset=UTF-8")] {
            assert!(is_type(&typed(&[good]), FORM), "{good}");
        }
        assert!(is_type(&typed(&[&format!("{FORM} ; charset=\"utf-8\"")]), FORM));
        for bad in [
            vec![],
            vec!["application/json"],
            vec!["text/plain"],
            vec!["multipart/form-data; boundary=x"],
            vec!["application/x-www-form-urlencoded;charset=utf-16"],
            vec!["application/x-www-form-urlencoded;charset"],
            vec!["application/x-www-form-urlencoded, application/json"],
            vec![FORM, "application/json"],
            vec![FORM, FORM],
        ] {
            assert!(!is_type(&typed(&bad), FORM), "{bad:?}");
        }
    }
}
