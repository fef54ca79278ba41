//! What does a JSON object hold? Its members in their order, repeated ones too, which a map would hide: no body is read in
//! two ways.

use std::fmt;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Value, error::Category};

use super::Caller;
use super::desk::{Desk, Reply};
use super::form::is_type;

/// Why a body is not what an endpoint wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadBody {
    /// Not said to be JSON: 415.
    Type,
    /// Not JSON: 400.
    Syntax,
    /// JSON, but this field (or all of it) breaks a rule: 422.
    Field(Option<String>, &'static str),
}

impl BadBody {
    /// A field that breaks a rule.
    pub(super) fn field(name: &str, rule: &'static str) -> Self {
        Self::Field(Some(name.to_owned()), rule)
    }

    /// Tells the client.
    pub(super) fn reply(&self, desk: &Desk, caller: &Caller) -> Reply {
        let (status, description) = match self {
            Self::Type => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json"),
            Self::Syntax => (StatusCode::BAD_REQUEST, "the body is not JSON"),
            Self::Field(field, rule) => return unfit(desk, caller, field.as_deref(), rule),
        };
        desk.fault(caller, status, "invalid_request", description, None)
    }
}

/// 422: names the field and the rule it breaks.
pub(super) fn unfit(desk: &Desk, caller: &Caller, field: Option<&str>, rule: &str) -> Reply {
    let description = format!("{} {rule}", field.unwrap_or("the body"));
    desk.fault(caller, StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", &description, field)
}

/// The members of an object in their order.
pub(crate) struct Members(pub(crate) Vec<(String, Value)>);

impl Members {
    /// Reads a body; of its members none is there twice, and each is one of those `known`.
    pub(super) fn read(
        headers: &HeaderMap,
        body: &[u8],
        known: impl Fn(&str) -> bool,
        unknown: &'static str,
    ) -> Result<Self, BadBody> {
        if !is_type(headers, "application/json") {
            return Err(BadBody::Type);
        }
        Self::known(body, known, unknown)
    }

    fn known(body: &[u8], known: impl Fn(&str) -> bool, unknown: &'static str) -> Result<Self, BadBody> {
        let this: Self = serde_json::from_slice(body).map_err(|error| match error.classify() {
            Category::Data => BadBody::Field(None, "must be an object"),
            Category::Syntax | Category::Eof | Category::Io => BadBody::Syntax,
        })?;
        for (at, (name, _)) in this.0.iter().enumerate() {
            if !known(name) {
                return Err(BadBody::Field(Some(shown(name)), unknown));
            }
            if this.0[..at].iter().any(|(other, _)| other == name) {
                return Err(BadBody::field(name, "is there more than once"));
            }
        }
        Ok(this)
    }

    /// Takes a text that must be there.
    pub(super) fn text(&mut self, name: &str) -> Result<String, BadBody> {
        match self.take(name) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(BadBody::field(name, "must be text")),
            None => Err(BadBody::field(name, "is missing")),
        }
    }

    /// Takes a member.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(found, _)| found == name)?;
        Some(self.0.swap_remove(at).1)
    }
}

/// A name the client made up, as far as an answer should repeat it.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        source.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> Result<Members, BadBody> {
        Members::known(body, |name| matches!(name, "a" | "b"), "is no field")
    }

    #[test]
    fn what_is_no_json() {
        for body in [&b""[..], b"{", b"a=ada", br#"{"a":"a","b":"b"}x"#, b"\"\0\"", b"{\"a\":\"\xff\"}"] {
            assert_eq!(read(body).err(), Some(BadBody::Syntax), "{body:?}");
        }
    }

    #[test]
    fn json_of_another_shape() {
        for body in ["[]", "null", "7", "\"text\""] {
            let wrong = BadBody::Field(None, "must be an object");
            assert_eq!(read(body.as_bytes()).err(), Some(wrong), "{body}");
        }
        assert_eq!(read(br#"{"c":1}"#).err(), Some(BadBody::field("c", "is no field")));
        assert_eq!(read(br#"{"a":1,"a":1}"#).err(), Some(BadBody::field("a", "is there more than once")));
    }

    #[test]
    fn texts_are_taken_by_name() {
        let mut members = read(br#" {"b":"p\u00e4ss", "a":7} "#).unwrap();
        assert_eq!(members.text("b").as_deref(), Ok("päss"));
        assert_eq!(members.text("b"), Err(BadBody::field("b", "is missing")));
        assert_eq!(members.text("a"), Err(BadBody::field("a", "must be text")));
    }
}
