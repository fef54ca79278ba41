//! How is a value given to a statement? As text, whatever type the server takes it for.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type};

/// A text that the server reads as the type of the parameter.
#[derive(Debug)]
pub(super) struct Parameter<'v>(pub(super) Option<&'v str>);

impl ToSql for Parameter<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Some(text) = self.0 else { return Ok(IsNull::Yes) };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    tokio_postgres::types::to_sql_checked!();
}

/// Whether `text` can be a value of the type, or of the list's elements. Of other types than these the server will tell.
pub(super) fn fits(kind: &Type, text: &str) -> bool {
    match *kind {
        Type::INT2 | Type::INT2_ARRAY => text.parse::<i16>().is_ok(),
        Type::INT4 | Type::INT4_ARRAY => text.parse::<i32>().is_ok(),
        Type::INT8 | Type::INT8_ARRAY => text.parse::<i64>().is_ok(),
        Type::OID | Type::OID_ARRAY => text.parse::<u32>().is_ok(),
        Type::NUMERIC | Type::NUMERIC_ARRAY => text.parse::<i128>().is_ok(),
        Type::UUID | Type::UUID_ARRAY => {
            text.len() == 36
                && text.bytes().enumerate().all(|(at, byte)| {
                    if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() }
                })
        }
        _ => true,
    }
}

/// A list as the server reads it.
pub(super) fn array<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    format!("{{{}}}", texts.map(quoted).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_an_id_is_known_before_it_is_asked_for() {
        assert!(fits(&Type::INT4, "7") && !fits(&Type::INT4, "99999999999") && !fits(&Type::INT8_ARRAY, "x"));
        assert!(fits(&Type::UUID, "0192f0c1-7000-7000-8000-000000000001"));
        for bad in
            ["", "0192f0c1", "0192f0c1-7000-7000-8000-00000000000g", "0192f0c170007000-8000-000000000001---"]
        {
            assert!(!fits(&Type::UUID, bad), "{bad}");
        }
        assert!(fits(&Type::TEXT, "anything"));
    }

    #[test]
    fn an_element_stays_an_element() {
        assert_eq!(array(["a,b", "c\"}", "d\\"].into_iter()), r#"{"a,b","c\"}","d\\"}"#);
        assert_eq!(array([].into_iter()), "{}");
    }
}
