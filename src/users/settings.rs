//! What does `[users]` say? Which store, and where in it are the things a sign-in needs?

use std::path::PathBuf;

use crate::identity::Scopes;
use crate::secret::Secret;

/// `[users]`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `store`.
    pub store: Store,
    /// `[users.fields]`; none for a store of ours.
    pub fields: Option<Fields>,
    /// `mode`.
    pub mode: Mode,
}

impl Settings {
    /// A store of ours in the file at `path`.
    pub const fn sqlite(path: PathBuf) -> Self {
        Self { store: Store::Sqlite(path), fields: None, mode: Mode::ReadWrite }
    }
}

/// Where users are kept.
#[derive(Clone, Debug)]
pub enum Store {
    /// `sqlite:FILE`.
    Sqlite(PathBuf),
    /// `postgres://…`.
    Postgres(Secret),
    /// `mongodb://…/DATABASE`.
    Mongodb(Secret),
    /// `htpasswd:FILE`.
    Htpasswd(PathBuf),
}

impl Store {
    /// Where it is, for people: of a server's URL what holds no secret.
    pub fn place(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Htpasswd(path) => format!("htpasswd:{}", path.display()),
            Self::Postgres(url) | Self::Mongodb(url) => shown(url),
        }
    }
}

/// Whether users may be added and changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `"read_only"`: the default for a store that another application has.
    ReadOnly,
    /// `"read_write"`: the default for ours.
    ReadWrite,
}

/// Where another application keeps what: names of columns, or of a document's fields (dotted paths).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// `table`, or for MongoDB `collection`; a table may have its schema in front: `auth.users`.
    pub table: String,
    /// `id`.
    pub id: String,
    /// `login`: one or several, each unique by itself; the first that is there is the user's name in tokens.
    pub login: Vec<String>,
    /// `ignore_case`: logins that differ in case only are one login, however they are spelled in the store.
    pub ignore_case: bool,
    /// `email`.
    pub email: Option<String>,
    /// `password`.
    pub password: String,
    /// `disabled`.
    pub disabled: Option<Flag>,
    /// `scopes` or `scopes_query`.
    pub scopes: ScopeSource,
    /// `default_scopes`: what every user has besides.
    pub default_scopes: Scopes,
    /// `created`: a point in time.
    pub created: Option<String>,
    /// `claims`: the claim's name, and where its value is.
    pub claims: Vec<(String, String)>,
}

/// A truth value that says who is kept out. Absent or null means that nobody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Where it is.
    pub field: String,
    /// Written `"!is_active"`: false means disabled. Then absent or null means disabled, too.
    pub inverted: bool,
}

/// Where scopes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeSource {
    /// Nowhere: everybody has the default ones.
    None,
    /// A field: a list of texts, or one text with spaces (or commas) between them.
    Field(String),
    /// A query with one parameter, the user's id, whose rows have one scope each. SQL only.
    Query(String),
}

/// Scheme, hosts and database of a URL: neither who asks nor the parameters.
fn shown(url: &Secret) -> String {
    let text = String::from_utf8_lossy(url.expose());
    let (scheme, rest) = text.split_once("://").unwrap_or(("", ""));
    let rest = rest.split('?').next().unwrap_or_default();
    format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, place)| place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_tells_no_secret() {
        let place = |url: &str| Store::Postgres(Secret::from(url)).place();
        assert_eq!(place("postgres://me:p@ss@db:5432/app?password=x"), "postgres://db:5432/app");
        assert_eq!(place("postgres://db/app"), "postgres://db/app");
        assert_eq!(place("nonsense"), "://");
    }
}
