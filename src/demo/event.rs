//! What is an event, and what is wrong with this one? The planner's data and its checks, as a FastAPI model
//! spells them.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// Characters a text of an event may have.
const MOST_TEXT: usize = 4096;

/// Tags an event may have.
const MOST_TAGS: usize = 32;

/// An event as the planner shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Event {
    pub(super) id: i64,
    #[serde(flatten)]
    pub(super) details: Details,
    /// Who made it: the name in the identity header.
    pub(super) creator: String,
}

/// What its creator says of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Details {
    title: String,
    image: String,
    description: String,
    tags: Vec<String>,
    location: String,
}

/// Everything wrong with a body, as FastAPI lists it: one `{loc, msg, type}` each.
pub(super) type Problems = Vec<Value>;

impl Details {
    /// Reads a whole event.
    pub(super) fn read(body: &[u8]) -> Result<Self, Problems> {
        Self::read_over(body, None)
    }

    /// Reads changes to `known`: what the body does not name stays.
    pub(super) fn changed(body: &[u8], known: &Self) -> Result<Self, Problems> {
        Self::read_over(body, Some(known))
    }

    fn read_over(body: &[u8], known: Option<&Self>) -> Result<Self, Problems> {
        let mut fields = Fields::read(body)?;
        let details = Self {
            title: fields.text("title", known.map(|known| &known.title)),
            image: fields.text("image", known.map(|known| &known.image)),
            description: fields.text("description", known.map(|known| &known.description)),
            tags: fields.texts("tags", known.map(|known| &known.tags)),
            location: fields.text("location", known.map(|known| &known.location)),
        };
        if fields.problems.is_empty() { Ok(details) } else { Err(fields.problems) }
    }
}

/// A JSON object that is being read, and what was wrong so far.
struct Fields {
    object: Map<String, Value>,
    problems: Problems,
}

impl Fields {
    fn read(body: &[u8]) -> Result<Self, Problems> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => Ok(Self { object, problems: Vec::new() }),
            Ok(_) => Err(vec![
                json!({"loc": ["body"], "msg": "value is not an object", "type": "type_error.dict"}),
            ]),
            Err(error) => Err(vec![json!({
                "loc": ["body"],
                "msg": format!("not JSON: {error}"),
                "type": "value_error.jsondecode",
            })]),
        }
    }

    fn text(&mut self, name: &str, known: Option<&String>) -> String {
        match (self.object.remove(name), known) {
            (Some(Value::String(text)), _) if text.chars().count() <= MOST_TEXT => return text,
            (Some(Value::String(_)), _) => {
                self.wrong(
                    name,
                    &format!("ensure this value has at most {MOST_TEXT} characters"),
                    "value_error",
                );
            }
            (Some(_), _) => self.wrong(name, "str type expected", "type_error.str"),
            (None, Some(known)) => return known.clone(),
            (None, None) => self.wrong(name, "field required", "value_error.missing"),
        }
        String::new()
    }

    fn texts(&mut self, name: &str, known: Option<&Vec<String>>) -> Vec<String> {
        match (self.object.remove(name), known) {
            (Some(Value::Array(values)), _) if values.len() <= MOST_TAGS => {
                let texts: Option<Vec<String>> = values
                    .into_iter()
                    .map(|value| match value {
                        Value::String(text) if text.chars().count() <= MOST_TEXT => Some(text),
                        _ => None,
                    })
                    .collect();
                if let Some(texts) = texts {
                    return texts;
                }
                self.wrong(name, "str type expected in the list", "type_error.str");
            }
            (Some(_), _) => {
                self.wrong(name, &format!("a list of at most {MOST_TAGS} texts expected"), "type_error.list");
            }
            (None, Some(known)) => return known.clone(),
            (None, None) => self.wrong(name, "field required", "value_error.missing"),
        }
        Vec::new()
    }

    fn wrong(&mut self, name: &str, message: &str, kind: &str) {
        self.problems.push(json!({"loc": ["body", name], "msg": message, "type": kind}));
    }
}
