//! What does a value of a document mean? Another application wrote it, with whatever library and habits it has.

use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime};
use serde_json::Value;

use crate::clock::UnixTime;
use crate::identity::{Scope, Scopes};
use crate::password::PasswordHash;
use crate::users::Flag;

/// A count of seconds is below this, and one of milliseconds above: the year 5138, or 1973.
const SECONDS: i64 = 100_000_000_000;

/// A hash as text. Python's bcrypt makes bytes, and some applications store those.
pub(super) fn hash(value: &Bson) -> Option<PasswordHash> {
    let text = match value {
        Bson::String(text) => text.clone(),
        Bson::Binary(Binary { bytes, .. }) => String::from_utf8(bytes.clone()).ok()?,
        _ => return None,
    };
    Some(PasswordHash::from_store(text))
}

/// The hash as a value of the kind that is there now.
pub(super) fn like(now: Option<&Bson>, hash: &PasswordHash) -> Bson {
    match now {
        Some(Bson::Binary(Binary { subtype, .. })) => {
            Bson::Binary(Binary { subtype: *subtype, bytes: hash.expose().as_bytes().to_vec() })
        }
        _ => Bson::String(hash.expose().to_owned()),
    }
}

/// Whether the flag keeps its user out. What is neither yes nor no does.
pub(super) fn disabled(value: Option<&Bson>, flag: &Flag) -> bool {
    let truth = match value {
        None | Some(Bson::Null | Bson::Undefined) => Some(false),
        Some(Bson::Boolean(truth)) => Some(*truth),
        Some(Bson::Int32(number)) => bit(i64::from(*number)),
        Some(Bson::Int64(number)) => bit(*number),
        Some(Bson::Double(number)) if *number == 0.0 => Some(false),
        Some(Bson::Double(number)) if (*number - 1.0).abs() < f64::EPSILON => Some(true),
        Some(Bson::String(text)) => match text.as_str() {
            "t" | "true" | "1" => Some(true),
            "f" | "false" | "0" => Some(false),
            _ => None,
        },
        Some(_) => None,
    };
    truth.is_none_or(|truth| truth != flag.inverted)
}

fn bit(number: i64) -> Option<bool> {
    match number {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// The scopes in a list of texts, or in a text with spaces or commas, and whether there was anything else.
pub(super) fn scopes(value: &Bson) -> (Vec<Scope>, bool) {
    let (mut found, mut odd) = (Vec::new(), false);
    let mut take = |text: &str| match Scope::parse(text) {
        Ok(scope) => found.push(scope),
        Err(_) => odd = true,
    };
    match value {
        Bson::Null => {}
        Bson::String(text) => {
            text.split(|c: char| c.is_whitespace() || c == ',')
                .filter(|part| !part.is_empty())
                .for_each(take);
        }
        Bson::Array(list) => list.iter().for_each(|item| take(item.as_str().unwrap_or_default())),
        _ => odd = true,
    }
    (found, odd)
}

/// The scopes as a value of the kind that is there now; a list if there is none.
pub(super) fn scopes_like(now: Option<&Bson>, scopes: &Scopes) -> Bson {
    match now {
        Some(Bson::String(_)) => Bson::String(scopes.to_string()),
        _ => scopes.iter().map(|scope| scope.as_str().to_owned()).collect::<Vec<_>>().into(),
    }
}

/// A point in time: one of the database's, a text as RFC 3339 or Python writes it (UTC unless it says), or seconds or
/// milliseconds since 1970.
pub(super) fn time(value: &Bson) -> Option<UnixTime> {
    let millis = match value {
        Bson::DateTime(at) => at.timestamp_millis(),
        Bson::Timestamp(at) => i64::from(at.time) * 1000,
        Bson::Int32(number) => i64::from(*number) * 1000,
        Bson::Int64(number) => epoch(*number),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a number out of range is cut to it, and is no time"
        )]
        Bson::Double(number) if number.abs() < 1e11 => (*number * 1000.0) as i64,
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a number out of range is cut to it, and is no time"
        )]
        Bson::Double(number) => *number as i64,
        Bson::String(text) => {
            let text = text.trim().replacen(' ', "T", 1);
            let read = |text: &str| DateTime::parse_rfc3339_str(text).ok();
            read(&text).or_else(|| read(&(text + "Z")))?.timestamp_millis()
        }
        _ => return None,
    };
    // SQLite and tokens count up to here, too.
    u64::try_from(millis)
        .ok()
        .filter(|millis| (1..=253_402_300_799_999).contains(millis))
        .map(UnixTime::from_millis)
}

fn epoch(number: i64) -> i64 {
    if number.abs() < SECONDS { number * 1000 } else { number }
}

/// The value as JSON has it; what JSON has no word for is an object, which is no claim.
pub(super) fn json(value: &Bson) -> Value {
    match value {
        Bson::Null | Bson::Undefined => Value::Null,
        Bson::String(text) | Bson::Symbol(text) => Value::from(text.as_str()),
        Bson::Boolean(truth) => Value::from(*truth),
        Bson::Int32(number) => Value::from(*number),
        Bson::Int64(number) => Value::from(*number),
        Bson::Double(number) => Value::from(*number),
        Bson::Decimal128(number) => Value::from(number.to_string()),
        Bson::ObjectId(id) => Value::from(id.to_hex()),
        Bson::DateTime(at) => Value::from(at.try_to_rfc3339_string().unwrap_or_default()),
        Bson::Binary(binary) if binary.subtype == BinarySubtype::Uuid => {
            binary.to_uuid().map_or(Value::Null, |id| Value::from(id.to_string()))
        }
        Bson::Array(list) => list.iter().map(json).collect(),
        _ => Value::Object(serde_json::Map::new()),
    }
}

/// A claim as the database has it.
pub(super) fn bson(value: &Value) -> Bson {
    match value {
        Value::Null | Value::Object(_) => Bson::Null,
        Value::Bool(truth) => Bson::Boolean(*truth),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Bson::Double(number.as_f64().unwrap_or_default()), Bson::Int64)
        }
        Value::String(text) => Bson::String(text.clone()),
        Value::Array(list) => Bson::Array(list.iter().map(bson).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_yes_nor_no_keeps_out() {
        let flag = |inverted| Flag { field: "x".to_owned(), inverted };
        for (value, truth) in [
            (Bson::Boolean(true), true),
            (Bson::Int32(1), true),
            (Bson::Int64(0), false),
            (Bson::Double(1.0), true),
            (Bson::String("f".to_owned()), false),
            (Bson::Null, false),
        ] {
            assert_eq!(disabled(Some(&value), &flag(false)), truth, "{value:?}");
            assert_eq!(disabled(Some(&value), &flag(true)), !truth, "{value:?}");
        }
        for odd in [Bson::Int32(2), Bson::String("no".to_owned()), Bson::Double(0.5), Bson::Array(Vec::new())]
        {
            assert!(disabled(Some(&odd), &flag(false)) && disabled(Some(&odd), &flag(true)), "{odd:?}");
        }
        assert!(!disabled(None, &flag(false)));
        assert!(disabled(None, &flag(true)));
    }

    #[test]
    fn a_time_is_a_time_however_it_is_written() {
        let millis = |value: &Bson| time(value).map(UnixTime::millis);
        for (value, expected) in [
            (Bson::DateTime(DateTime::from_millis(1_700_000_000_123)), Some(1_700_000_000_123)),
            (Bson::Int32(1_700_000_000), Some(1_700_000_000_000)),
            (Bson::Int64(1_700_000_000_123), Some(1_700_000_000_123)),
            (Bson::Double(1_700_000_000.5), Some(1_700_000_000_500)),
            (Bson::String("2023-11-14T22:13:20Z".to_owned()), Some(1_700_000_000_000)),
            (Bson::String("2023-11-14 22:13:20.123000".to_owned()), Some(1_700_000_000_123)),
            (Bson::String("2023-11-15T00:13:20+02:00".to_owned()), Some(1_700_000_000_000)),
            (Bson::String("yesterday".to_owned()), None),
            (Bson::Int64(i64::MAX), None),
            (Bson::Double(f64::NAN), None),
            (Bson::Int32(-5), None),
            (Bson::Boolean(true), None),
        ] {
            assert_eq!(millis(&value), expected, "{value:?}");
        }
    }

    #[test]
    fn scopes_are_taken_from_a_list_or_a_text() {
        let read = |value: Bson| {
            let (found, odd) = scopes(&value);
            (found.into_iter().collect::<Scopes>().to_string(), odd)
        };
        assert_eq!(read(Bson::String("b, a\n c".to_owned())), ("a b c".to_owned(), false));
        let list = vec![Bson::from("a"), Bson::from("b c"), Bson::Int32(7), Bson::from("d")];
        assert_eq!(read(Bson::Array(list)), ("a d".to_owned(), true));
        assert_eq!(read(Bson::Int32(7)), (String::new(), true));
        assert_eq!(read(Bson::Null), (String::new(), false));
    }

    #[test]
    fn bytes_stay_bytes() {
        let bytes = Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: b"$2b$old".to_vec() });
        assert_eq!(hash(&bytes).unwrap().expose(), "$2b$old");
        let new = like(Some(&bytes), &PasswordHash::from_store("$2b$new".to_owned()));
        assert!(matches!(&new, Bson::Binary(binary) if binary.bytes == b"$2b$new"), "{new:?}");
        assert!(hash(&Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: vec![0xff] })).is_none());
    }
}
