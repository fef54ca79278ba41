//! Which text stands for a record's id? An `ObjectId` as 24 digits, an integer in decimals, a UUID as RFC 9562 writes it, a
//! text as it is.
//!
//! One text may stand for several ids (a number and its digits as text): then all are looked for, and two are nobody.

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, Uuid, doc};

use crate::identity::UserId;

/// The kinds an id can have, in the order the server sorts them.
const KINDS: [&str; 4] = ["number", "string", "binData", "objectId"];
/// Below this every integer is a double of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The id as text; none if it cannot be a user's.
pub(super) fn text(id: &Bson) -> Option<UserId> {
    let text = match id {
        Bson::ObjectId(id) => id.to_hex(),
        Bson::String(text) => return UserId::parse(text).ok(),
        Bson::Int32(number) => number.to_string(),
        Bson::Int64(number) => number.to_string(),
        // What JavaScript wrote as a number.
        Bson::Double(number) if number.fract() == 0.0 && number.abs() < EXACT => {
            format!("{:.0}", number + 0.0)
        }
        Bson::Binary(binary) => binary.to_uuid().ok()?.to_string(),
        _ => return None,
    };
    UserId::parse(&text).ok()
}

/// All that the text may stand for, the likeliest first.
pub(super) fn candidates(id: &UserId) -> Vec<Bson> {
    let read = [
        ObjectId::parse_str(id.as_str()).ok().map(Bson::ObjectId),
        Uuid::parse_str(id.as_str()).ok().map(Bson::from),
        id.as_str().parse().ok().map(Bson::Int64),
        Some(Bson::String(id.to_string())),
    ];
    read.into_iter().flatten().filter(|candidate| text(candidate).as_ref() == Some(id)).collect()
}

/// What comes after this id, or every id. Comparisons stay within a kind, so the later kinds are named.
pub(super) fn after(field: &str, last: Option<&Bson>) -> Document {
    let Some(last) = last else { return doc! { field: { "$type": &KINDS[..] } } };
    let kind = match last {
        Bson::String(_) => 1,
        Bson::Binary(_) => 2,
        Bson::ObjectId(_) => 3,
        _ => 0,
    };
    match &KINDS[kind + 1..] {
        [] => doc! { field: { "$gt": last } },
        later => doc! { "$or": [{ field: { "$gt": last } }, { field: { "$type": later } }] },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(id: &Bson) -> String {
        text(id).map_or_else(|| "none".to_owned(), |id| id.to_string())
    }

    #[test]
    fn an_id_is_found_by_its_text() {
        let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        for (id, shown) in [
            (Bson::ObjectId(ObjectId::from_bytes([10; 12])), "0a0a0a0a0a0a0a0a0a0a0a0a"),
            (Bson::Int64(-42), "-42"),
            (Bson::from(Uuid::parse_str(uuid).unwrap()), uuid),
            (Bson::String("ada".to_owned()), "ada"),
        ] {
            assert_eq!(told(&id), shown);
            let candidates = candidates(&text(&id).unwrap());
            assert_eq!(candidates[0], id);
            assert!(candidates.iter().all(|candidate| told(candidate) == shown), "{candidates:?}");
        }
        assert_eq!(told(&Bson::Int32(7)), "7");
        assert_eq!(told(&Bson::Double(-0.0)), "0");
        assert_eq!(told(&Bson::Double(1e15)), "1000000000000000");
    }

    #[test]
    fn what_cannot_be_an_id_is_none() {
        for id in [
            Bson::Null,
            Bson::Double(1.5),
            Bson::Double(f64::INFINITY),
            Bson::String("a b".to_owned()),
            Bson::String("a\r\nb".to_owned()),
            Bson::Document(doc! { "a": 1 }),
            Bson::Boolean(true),
        ] {
            assert_eq!(told(&id), "none", "{id:?}");
        }
        let upper = UserId::parse("0A0A0A0A0A0A0A0A0A0A0A0A").unwrap();
        assert_eq!(candidates(&upper), [Bson::String(upper.to_string())]);
        let padded = UserId::parse("042").unwrap();
        assert_eq!(candidates(&padded), [Bson::String("042".to_owned())]);
    }
}
