//! Whose tokens are believed beside our own, and how far?
//!
//! An application that has signed tokens itself goes on doing so while Gatepass is put in front of it. What it leaves
//! out, what it calls by other names and what it may say at most is told here, issuer by issuer; whatever is not
//! told is as for our own tokens, but that its words for our sign-ins (`sid`, `login_version`) are never believed: a token
//! of its is revoked by itself (by its `jti`, or by what its signature is of), with its user, or with its key. Without
//! `iat` it counts as older than every revocation of its user. A shared secret cuts both ways: whoever can check a token can also make one. So an
//! issuer speaks for people of its own, unless the operator says that they are ours, and never with our `iss`.

use std::time::Duration;

use super::KeyId;
use crate::identity::Scopes;
use crate::secret::Secret;

/// One `[[tokens.trusted]]`: an issuer that signs with a secret we know.
#[derive(Clone, Debug)]
pub struct Trusted {
    /// The operator's word for it, no two alike: in `explain`, and as the namespace of its `jti`.
    pub name: String,
    /// `iss` of its tokens; none: they have no `iss`. Of entries with one secret, no two share it, and none has ours.
    pub issuer: Option<String>,
    /// `aud` of its tokens; none: they have no `aud`.
    pub audience: Option<String>,
    /// What it signs with, by HS256. May be a secret of ours.
    pub secret: Secret,
    /// What its tokens may lack: of [`Trusted::MAY_LACK`].
    pub optional: Vec<&'static str>,
    /// Claims that its tokens have under other names: ours (of [`Trusted::NAMED`], or a further one), and theirs.
    pub claims: Vec<(String, String)>,
    /// Claims that a token must have with just this text: what tells its access tokens from its other ones.
    pub require: Vec<(String, String)>,
    /// Whether its subjects are our users: a user's revocation reaches its tokens either way, but then they are the same.
    pub shared_subjects: bool,
    /// What stands before each `sub`; never empty where subjects are not shared.
    pub subject_prefix: String,
    /// The most its tokens allow; none: what they say.
    pub scopes: Option<Scopes>,
    /// The longest its tokens live; no longer than our own may, for a revocation is kept no longer than that. Where they
    /// do not say when they were issued, it is held against what is left of their life: one that really lives
    /// longer comes within the bound near its end, when a revocation of its user may be forgotten.
    pub max_lifetime: Duration,
}

impl Trusted {
    /// What a token of a trusted issuer may lack, if its entry says so. Without `exp` or `sub` it would be for ever,
    /// or of nobody.
    pub const MAY_LACK: [&'static str; 5] = ["iss", "aud", "jti", "iat", "typ"];

    /// What its tokens may have under another name.
    pub const NAMED: [&'static str; 9] =
        ["sub", "exp", "iat", "nbf", "jti", "scope", "preferred_username", "email", "client_id"];
}

/// What the key of a secret is called: by this name it is revoked.
pub fn key_of(secret: &Secret) -> KeyId {
    KeyId::of(secret)
}
