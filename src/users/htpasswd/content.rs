//! What do the lines of an htpasswd file say? `login:hash`, comments, and nothing between them.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::ops::Bound;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::identity::{AskedLogin, Claims, LoginName, Scopes, UserId};
use crate::password::PasswordHash;
use crate::users::User;

/// The users of a file. Cheap to clone.
#[derive(Clone)]
pub(super) struct Content(Arc<Found>);

#[derive(Default)]
struct Found {
    users: BTreeMap<UserId, User>,
    /// By the login as it would be typed.
    ids: HashMap<LoginName, UserId>,
    repeated: Vec<usize>,
    odd: Vec<usize>,
}

impl Content {
    /// Reads the lines; the error is the number of the first that makes no sense.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, usize> {
        let mut found = Found::default();
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
            let line = line.trim_ascii();
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            let line = std::str::from_utf8(line).map_err(|_| number)?;
            let (login, rest) = line.split_once(':').ok_or(number)?;
            if login.is_empty() || line.contains('\0') {
                return Err(number);
            }
            let hash = rest.split(':').next().unwrap_or_default();
            found.add(number, login, hash);
        }
        Ok(Self(Arc::new(found)))
    }

    pub(super) fn len(&self) -> usize {
        self.0.users.len()
    }

    pub(super) fn by_login(&self, login: &AskedLogin) -> Option<&User> {
        self.by_id(login.spellings().find_map(|spelling| self.0.ids.get(spelling))?)
    }

    pub(super) fn by_id(&self, id: &UserId) -> Option<&User> {
        self.0.users.get(id)
    }

    /// Those whose id comes after this one, by id.
    pub(super) fn after(&self, id: Option<&UserId>) -> impl Iterator<Item = &User> {
        let start = id.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.users.range((start, Bound::Unbounded)).map(|(_, user)| user)
    }

    /// Lines with a login that an earlier line has, which counts (as it does for Apache).
    pub(super) fn repeated(&self) -> &[usize] {
        &self.0.repeated
    }

    /// Lines with a login that cannot be anybody's.
    pub(super) fn odd(&self) -> &[usize] {
        &self.0.odd
    }
}

impl Found {
    fn add(&mut self, number: usize, login: &str, hash: &str) {
        let (Ok(name), Ok(asked)) = (LoginName::as_stored(login), AskedLogin::parse(login)) else {
            self.odd.push(number);
            return;
        };
        let id = id(login);
        if self.ids.contains_key(asked.typed()) || self.users.contains_key(&id) {
            self.repeated.push(number);
            return;
        }
        self.ids.insert(asked.typed().clone(), id.clone());
        let user = User {
            id: id.clone(),
            login: name,
            email: login.contains('@').then(|| login.to_owned()),
            password: PasswordHash::from_store(hash.to_owned()),
            scopes: Scopes::default(),
            disabled: false,
            claims: Claims::default(),
            created: None,
        };
        self.users.insert(id, user);
    }
}

/// The id of a login: itself, where it can be one. What cannot stand in an id is written `=3D`, and so is `=`; what is
/// too long is told by its digest. No two logins have one id.
fn id(login: &str) -> UserId {
    let mut text = String::with_capacity(login.len());
    for byte in login.bytes() {
        if byte != b'=' && (byte.is_ascii_alphanumeric() || b"-._~:@+/|".contains(&byte)) {
            text.push(char::from(byte));
        } else {
            write!(text, "={byte:02X}").expect("a String takes everything");
        }
    }
    UserId::parse(&text).unwrap_or_else(|_| {
        let digest = URL_SAFE_NO_PAD.encode(digest(&SHA256, login.as_bytes()));
        UserId::parse(&format!("=sha256:{digest}")).expect("a digest is of letters, digits, `-` and `_`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logins(content: &Content) -> Vec<&str> {
        content.after(None).map(|user| user.login.as_str()).collect()
    }

    #[test]
    fn lines_are_users() {
        let text = "\u{feff}# people\r\n\n ada:$2y$05$x:more \r\nGrace Hopper:{SHA}x\nada:$2y$second\nbob@x.org:\n\
                    e\u{7f}ve:x\n";
        let content = Content::read(text.as_bytes()).unwrap();
        assert_eq!(logins(&content), ["Grace Hopper", "ada", "bob@x.org"]);
        assert_eq!((content.len(), content.repeated(), content.odd()), (3, &[5][..], &[7][..]));
        let ada = content.by_login(&AskedLogin::parse("ada").unwrap()).unwrap();
        assert_eq!((ada.password.expose(), ada.email.as_deref()), ("$2y$05$x", None));
        let bob = content.by_login(&AskedLogin::parse("BOB@x.org").unwrap()).unwrap();
        assert_eq!((bob.password.expose(), bob.email.as_deref()), ("", Some("bob@x.org")));
        assert!(content.by_login(&AskedLogin::parse("grace hopper").unwrap()).is_none(), "case matters");
        let grace = content.by_login(&AskedLogin::parse("Grace Hopper").unwrap()).unwrap();
        assert_eq!(grace.id.as_str(), "Grace=20Hopper");
        assert_eq!(content.by_id(&grace.id).unwrap().login, grace.login);
        let rest: Vec<_> = content.after(Some(&grace.id)).map(|user| user.id.as_str()).collect();
        assert_eq!(rest, ["ada", "bob@x.org"]);
    }

    #[test]
    fn what_is_no_line_is_told_by_its_number() {
        for (bytes, line) in [
            (&b"ada:x\nnonsense\n"[..], 2),
            (b":x", 1),
            (b"\n\nada:\xff\n", 3),
            (b"ada:x\0y", 1),
            (b"ada:x\rbob\n\x7fELF", 2),
        ] {
            assert_eq!(Content::read(bytes).err(), Some(line), "{bytes:?}");
        }
        assert_eq!(Content::read(b"").unwrap().len(), 0);
    }

    #[test]
    fn no_two_logins_have_one_id() {
        let long = "x".repeat(200);
        let logins =
            ["ada", "Ada", "a=da", "a=3Dda", "j\u{fc}rgen", "a b", "a%20b", "=sha256:x", &long, &long[1..]];
        let mut ids: Vec<UserId> = logins.iter().map(|login| id(login)).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), logins.len());
        assert_eq!(id("j\u{fc}rgen").as_str(), "j=C3=BCrgen");
    }
}
