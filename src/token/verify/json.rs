//! What does a JSON object say, member by member? Read in place: texts stay where they are, no tree is built.
//!
//! Strict where two readers could differ: UTF-8, and no member twice (RFC 8725 §2.4). What lies deeper than a list is read
//! for its form and dropped: no claim that decides anything is an object.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

/// An object's members, by name.
#[derive(Debug)]
pub(super) struct Members<'j, V>(Vec<(Name<'j>, V)>);

impl<'j, V: Deserialize<'j>> Members<'j, V> {
    /// Reads an object whose members are all different.
    pub(super) fn read(json: &'j [u8]) -> Option<Self> {
        // Once for all of it, and not text by text.
        let Object(mut members) = serde_json::from_str(std::str::from_utf8(json).ok()?).ok()?;
        members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let all_differ = members.windows(2).all(|pair| pair[0].0 != pair[1].0);
        all_differ.then_some(Self(members))
    }
}

impl<'j, V> Members<'j, V> {
    /// The member of that name.
    pub(super) fn get(&self, name: &str) -> Option<&V> {
        let at = self.0.binary_search_by(|(known, _)| (*known.0).cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    /// All of them.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (Cow<'j, str>, V)> {
        self.0.into_iter().map(|(name, value)| (name.0, value))
    }
}

/// A value, as far as claims go.
#[derive(Debug)]
pub(super) enum Json<'j> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'j, str>),
    List(Vec<Self>),
    /// An object, whatever it holds.
    Object,
}

impl Json<'_> {
    pub(super) fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) const fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    pub(super) fn as_u64(&self) -> Option<u64> {
        self.as_number().and_then(Number::as_u64)
    }

    /// The same as a tree of its own; of an object, an empty one.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.as_ref().into()),
            Self::List(list) => list.iter().map(Self::to_value).collect(),
            Self::Object => Value::Object(serde_json::Map::new()),
        }
    }
}

/// A text that is borrowed unless something in it is escaped.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name<'j>(Cow<'j, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.into())))
            }
        }

        deserializer.deserialize_str(Reader)
    }
}

/// The members in the order they stand there.
struct Object<'j, V>(Vec<(Name<'j>, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Object<'de, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Reader<V> {
            type Value = Object<'de, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                // As many as our own tokens have at most.
                let mut members = Vec::with_capacity(16);
                while let Some(member) = access.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Reader(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[cfg(test)]
        super::work::note(|work| work.values += 1);
        deserializer.deserialize_any(ValueReader)
    }
}

struct ValueReader;

impl<'de> Visitor<'de> for ValueReader {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(truth))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        while access.next_entry::<Name<'_>, Json<'_>>()?.is_some() {}
        Ok(Json::Object)
    }
}
