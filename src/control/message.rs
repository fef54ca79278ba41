//! What is said on the control socket: requests, replies, and the version both sides speak.

use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;
use crate::identity::Digest;
use crate::revocation::{Revocation, Scope};
use crate::sessions::Session;

/// The version of the protocol spoken here. A request without one is of this version.
pub const VERSION: u32 = 1;

/// A request or a reply, with the version of whoever wrote it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Envelope<T> {
    #[serde(default = "this_version")]
    pub(super) version: u32,
    #[serde(flatten)]
    pub(super) content: T,
}

impl<T> Envelope<T> {
    pub(super) const fn of(content: T) -> Self {
        Self { version: VERSION, content }
    }
}

const fn this_version() -> u32 {
    VERSION
}

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Request {
    /// How is the gateway?
    Status {},
    /// Revoke this.
    Revoke(Order),
    /// Take its revocation back.
    Lift(Order),
    /// Who is signed in as this user?
    Sessions {
        /// 32 hexadecimal digits.
        user: String,
    },
}

/// A [`Revocation`] as it is spelled on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    scope: ScopeWord,
    /// 32 hexadecimal digits.
    digest: String,
    /// Unix seconds.
    expires: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScopeWord {
    Token,
    Login,
    User,
    Key,
}

impl From<Revocation> for Order {
    fn from(revocation: Revocation) -> Self {
        let scope = match revocation.scope {
            Scope::Token => ScopeWord::Token,
            Scope::Login => ScopeWord::Login,
            Scope::User => ScopeWord::User,
            Scope::Key => ScopeWord::Key,
        };
        // Rounded up: a revocation may be remembered a moment too long, never too short.
        let expires = revocation.expires.millis().div_ceil(1000);
        Self { scope, digest: revocation.digest.to_hex(), expires }
    }
}

impl Order {
    /// The revocation it spells.
    pub(super) fn read(&self) -> Result<Revocation, Problem> {
        let scope = match self.scope {
            ScopeWord::Token => Scope::Token,
            ScopeWord::Login => Scope::Login,
            ScopeWord::User => Scope::User,
            ScopeWord::Key => Scope::Key,
        };
        let digest = Digest::from_hex(&self.digest)
            .ok_or_else(|| Problem::BadRequest("`digest` is not 32 hexadecimal digits".to_owned()))?;
        Ok(Revocation { scope, digest, expires: UnixTime::from_secs(self.expires) })
    }
}

/// What the gateway answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub(super) enum Reply {
    /// The store took it.
    Done {},
    /// How the gateway is.
    Status(Status),
    /// Who is signed in.
    Sessions {
        /// The latest first.
        sessions: Vec<Listed>,
    },
    /// It was not done.
    Failed {
        #[serde(flatten)]
        problem: Problem,
    },
}

/// How a running gateway is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The version of the program.
    pub gatepass: String,
    /// Whether what is revoked has been loaded.
    pub ready: bool,
    /// The revocation store: `sqlite` or `redis`.
    pub store: String,
    /// Whether it answered last time.
    pub store_up: bool,
    /// Milliseconds since what is revoked was last known fresh.
    pub staleness_ms: u64,
    /// Registers held.
    pub entries: usize,
}

/// A session, as it is listed to an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The `sid` of its tokens.
    pub id: String,
    /// When the sign-in was, in Unix seconds.
    pub since: u64,
    /// When one of its tokens was last admitted, in Unix seconds, to the minute.
    pub last_seen: u64,
    /// When the last of its tokens expires, in Unix seconds.
    pub expires: u64,
    /// Where it came from.
    pub address: Option<String>,
    /// What the client calls itself.
    pub device: Option<String>,
}

impl From<&Session> for Listed {
    fn from(session: &Session) -> Self {
        Self {
            id: session.login.as_str().to_owned(),
            since: session.since.secs(),
            last_seen: session.last_seen.secs(),
            expires: session.expires.secs(),
            address: session.origin.address.clone(),
            device: session.origin.device.clone(),
        }
    }
}

/// Why the gateway did not do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "error", content = "message", rename_all = "snake_case")]
pub enum Problem {
    /// The store did not take it.
    #[error("{0}")]
    Unavailable(String),
    /// The request cannot be understood.
    #[error("the gateway does not understand the request: {0}")]
    BadRequest(String),
    /// The request is of another version of the protocol.
    #[error("{0}")]
    UnsupportedVersion(String),
}

impl Request {
    /// Reads a line: first its version, so that one we do not speak is refused as such.
    pub(super) fn read(line: &[u8]) -> Result<Self, Problem> {
        let bad = |error: serde_json::Error| Problem::BadRequest(error.to_string());
        let Envelope { version, content } =
            serde_json::from_slice::<Envelope<serde_json::Value>>(line).map_err(bad)?;
        if version != VERSION {
            return Err(Problem::UnsupportedVersion(format!(
                "this gateway speaks version {VERSION} of the control protocol, not {version}"
            )));
        }
        serde_json::from_value(content).map_err(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f";

    #[test]
    fn the_wire_form_is_what_is_documented() {
        assert_eq!(Request::read(br#"{"op":"status"}"#).unwrap(), Request::Status {});
        let line = format!(r#"{{"version":1,"op":"revoke","scope":"login","digest":"{HEX}","expires":7}}"#);
        let Request::Revoke(order) = Request::read(line.as_bytes()).unwrap() else { panic!("{line}") };
        let revocation = order.read().unwrap();
        assert_eq!((revocation.scope, revocation.expires), (Scope::Login, UnixTime::from_secs(7)));
        assert_eq!(revocation.digest.to_hex(), HEX);
        assert_eq!(Order::from(revocation), order);
        assert_eq!(
            serde_json::to_value(Envelope::of(Reply::Done {})).unwrap().to_string(),
            r#"{"reply":"done","version":1}"#
        );
        let failed = Envelope::of(Reply::Failed { problem: Problem::Unavailable("x".into()) });
        assert_eq!(
            serde_json::to_value(&failed).unwrap(),
            serde_json::json!({"version": 1, "reply": "failed", "error": "unavailable", "message": "x"})
        );
        let read: Envelope<Reply> = serde_json::from_value(serde_json::to_value(&failed).unwrap()).unwrap();
        assert_eq!(read.content, failed.content);
    }

    #[test]
    fn an_end_is_rounded_up() {
        let digest = Digest::from_hex(HEX).unwrap();
        let revocation = Revocation { scope: Scope::Key, digest, expires: UnixTime::from_millis(1001) };
        assert_eq!(Order::from(revocation).expires, 2);
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for bad in [
            "",
            "{",
            "[]",
            "1",
            r#"{"op":"drop_everything"}"#,
            r#"{"op":"revoke"}"#,
            r#"{"version":-1,"op":"status"}"#,
        ] {
            assert!(matches!(Request::read(bad.as_bytes()), Err(Problem::BadRequest(_))), "{bad}");
        }
        let newer = Request::read(br#"{"version":2,"op":"something_new"}"#);
        assert!(matches!(newer, Err(Problem::UnsupportedVersion(_))), "{newer:?}");
        let line = r#"{"op":"lift","scope":"user","digest":"xyz","expires":7}"#;
        let Request::Lift(order) = Request::read(line.as_bytes()).unwrap() else { panic!("{line}") };
        assert!(matches!(order.read(), Err(Problem::BadRequest(_))));
    }
}
