//! `[users.fields]`: what is where in another application's table or collection?

use toml::de::DeValue;

use crate::config::reading::Reading;
use crate::config::section::{At, Section, as_string};
use crate::identity::{Claims, Scope, Scopes};
use crate::users::{Fields, Flag, ScopeSource, Store};

/// The bytes that PostgreSQL looks at of a name; it cuts the rest off, and may then mean another column.
const LONGEST: usize = 63;

/// Reads the section.
pub(super) fn read(reading: &mut Reading, users: &mut Section<'_>, store: Option<&Store>) -> Option<Fields> {
    let mut section = users.section(reading, "fields", "users.fields");
    let document = matches!(store, Some(Store::Mongodb(_)));
    let (place, id) = if document { ("collection", "_id") } else { ("table", "id") };
    let table = name(reading, &mut section, place, "\"users\"").unwrap_or_else(|| "users".to_owned());
    let id = name(reading, &mut section, "id", "\"id\"").unwrap_or_else(|| id.to_owned());
    section.need("login", "[\"email\"]");
    let login = section.one_or_many(reading, "login", "[\"email\"]");
    if let Some(none) = login.as_ref().filter(|login| login.value.is_empty()) {
        let help = "login = [\"email\"], or [\"email\", \"username\"]";
        reading.problems.error(none.span.clone(), "nobody can sign in without a login", help);
    }
    let login = login.map(|list| {
        list.value.iter().filter(|at| is_name(reading, at)).map(|at| at.value.to_owned()).collect::<Vec<_>>()
    });
    let ignore_case = section.boolean(reading, "ignore_case").is_some_and(|found| found.value);
    let email = name(reading, &mut section, "email", "\"email\"");
    section.need("password", "\"password\"");
    let password = name(reading, &mut section, "password", "\"password\"");
    let disabled = section.string(reading, "disabled", "\"disabled\", or \"!is_active\"");
    let disabled = disabled.and_then(|found| {
        let (field, inverted) =
            found.value.strip_prefix('!').map_or((found.value, false), |field| (field, true));
        is_name(reading, &At { value: field, span: found.span })
            .then(|| Flag { field: field.to_owned(), inverted })
    });
    let scopes = scopes(reading, &mut section, document);
    let default_scopes = default_scopes(reading, &mut section);
    let created = name(reading, &mut section, "created", "\"created_at\"");
    let claims = claims(reading, &mut section);
    section.finish(reading);
    Some(Fields {
        table,
        id,
        login: login.filter(|login| !login.is_empty())?,
        ignore_case,
        email,
        password: password?,
        disabled,
        scopes,
        default_scopes,
        created,
        claims,
    })
}

fn scopes(reading: &mut Reading, section: &mut Section<'_>, document: bool) -> ScopeSource {
    let field = section.string(reading, "scopes", "\"scopes\"");
    let query = section.string(reading, "scopes_query", "\"SELECT role FROM user_roles WHERE user_id = $1\"");
    match (field, query) {
        (Some(field), Some(query)) => {
            let help = "keep one of the two";
            let message = "scopes come from a field or from a query";
            reading.problems.collision(query.span, (field.span, "the field"), message, help);
            ScopeSource::None
        }
        (None, Some(query)) if document => {
            let help = "name a field that has them: scopes = \"roles\"";
            reading.problems.error(query.span, "`scopes_query` is for SQL", help);
            ScopeSource::None
        }
        (None, Some(query)) if !query.value.contains("$1") || query.value.contains("$2") => {
            let help = "the user's id is $1: SELECT role FROM user_roles WHERE user_id = $1";
            reading.problems.error(query.span, "`scopes_query` has one parameter", help);
            ScopeSource::None
        }
        (None, Some(query)) => ScopeSource::Query(query.value.to_owned()),
        (Some(field), None) if is_name(reading, &field) => ScopeSource::Field(field.value.to_owned()),
        (_, None) => ScopeSource::None,
    }
}

fn default_scopes(reading: &mut Reading, section: &mut Section<'_>) -> Scopes {
    let Some(list) = section.strings(reading, "default_scopes", "[\"event:read\"]") else {
        return Scopes::default();
    };
    let mut found = Vec::new();
    for at in list.value {
        match Scope::parse(at.value) {
            Ok(scope) => found.push(scope),
            Err(bad) => reading.problems.error(
                at.span,
                format!("this is not a scope: it {bad}"),
                "visible ASCII without spaces, `\"` and `\\`: \"event:read\"",
            ),
        }
    }
    found.into_iter().collect()
}

/// `claims = { department = "dept" }`: the claim, and where its value is.
fn claims(reading: &mut Reading, section: &mut Section<'_>) -> Vec<(String, String)> {
    let Some(value) = section.value("claims") else { return Vec::new() };
    let example = "claims = { department = \"dept\" }";
    let DeValue::Table(table) = value.get_ref() else {
        reading.wrong_type(value, "a table of claim and field", example);
        return Vec::new();
    };
    let table = Section::new("users.fields.claims", "claims".to_owned(), value.span(), table);
    let mut found = Vec::new();
    for (claim, field) in table.entries() {
        if let Err(bad) = Claims::check_name(claim.value) {
            let help = "another name for the claim: `email`, `scopes` and `login` have keys of their own";
            reading.problems.error(claim.span, format!("this claim {bad}"), help);
            continue;
        }
        match as_string(field) {
            Some(field) if is_name(reading, &field) => {
                found.push((claim.value.to_owned(), field.value.to_owned()));
            }
            Some(_) => {}
            None => reading.wrong_type(field, "the name of a field", example),
        }
    }
    found
}

/// A name that is written into the section.
fn name(
    reading: &mut Reading,
    section: &mut Section<'_>,
    key: &'static str,
    example: &str,
) -> Option<String> {
    let found = section.string(reading, key, example)?;
    is_name(reading, &found).then(|| found.value.to_owned())
}

/// Whether this can be the name of a column, a table (with its schema) or a field (with those it is in).
fn is_name(reading: &mut Reading, name: &At<&str>) -> bool {
    let why = if name.value.split('.').any(str::is_empty) {
        "has an empty part"
    } else if name.value.contains('\0') {
        "holds a NUL"
    } else if name.value.split('.').any(|part| part.len() > LONGEST) {
        "has a part longer than 63 bytes"
    } else {
        return true;
    };
    let help = "the name as the database has it: \"email\", or with its schema: \"auth.users\"";
    reading.problems.error(name.span.clone(), format!("this name {why}"), help);
    false
}
