//! What does a single value mean that another application wrote? Yes or no, and which scopes.

use serde_json::Value;

use crate::identity::{Scope, Scopes};
use crate::users::Flag;

/// What is neither yes nor no keeps a user out.
pub(super) fn is_disabled(flag: &Flag, value: &Value) -> bool {
    let truth = match value {
        Value::Null => return flag.inverted,
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.as_str() {
            "t" | "true" | "1" => Some(true),
            "f" | "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    };
    truth.is_none_or(|truth| truth != flag.inverted)
}

/// A list has one scope in each element; a text has them between spaces or commas, unless it is a list as JSON writes
/// it. And whether something there is no scope.
pub(super) fn read_scopes(value: &Value) -> (Vec<Scope>, bool) {
    let mut bad = false;
    let mut one = |text: &str| {
        let scope = Scope::parse(text);
        bad |= scope.is_err();
        scope.ok()
    };
    let found = match value {
        Value::Null => Vec::new(),
        Value::Array(list) => {
            list.iter().filter_map(|scope| one(scope.as_str().unwrap_or_default())).collect()
        }
        Value::String(text) => match serde_json::from_str::<Vec<Value>>(text) {
            Ok(list) => return read_scopes(&Value::Array(list)),
            Err(_) => text.split([' ', ',']).filter(|part| !part.is_empty()).filter_map(one).collect(),
        },
        _ => {
            bad = true;
            Vec::new()
        }
    };
    (found, bad)
}

/// Scopes as a list of JSON.
pub(in crate::users) fn as_list(scopes: &Scopes) -> String {
    scopes.iter().map(Scope::as_str).collect::<Value>().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_flag_that_is_no_truth_keeps_out() {
        let flag = |inverted| Flag { field: String::new(), inverted };
        for (value, truth) in [
            (json!(true), true),
            (json!(1), true),
            (json!("t"), true),
            (json!("true"), true),
            (json!(false), false),
            (json!(0), false),
            (json!("f"), false),
            (json!("0"), false),
        ] {
            assert_eq!(is_disabled(&flag(false), &value), truth, "{value}");
            assert_eq!(is_disabled(&flag(true), &value), !truth, "{value}");
        }
        for odd in [json!(2), json!(0.5), json!("no"), json!("FALSE"), json!(""), json!([]), json!({})] {
            assert!(is_disabled(&flag(false), &odd) && is_disabled(&flag(true), &odd), "{odd}");
        }
        assert!(!is_disabled(&flag(false), &Value::Null) && is_disabled(&flag(true), &Value::Null));
    }

    #[test]
    fn a_list_has_one_scope_in_each_element() {
        let read = |value: Value| {
            read_scopes(&value).0.iter().map(|scope| scope.as_str().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(read(json!(["Event admin", "a"])), "a", "an element is not taken apart");
        assert_eq!(read(json!("[\"b\", \"a\"]")), "b a");
        assert_eq!(read(json!("{a,b}")), "{a b}");
        assert_eq!(read(json!("a,, b")), "a b");
    }
}
