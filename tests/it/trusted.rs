//! Are the tokens of a trusted issuer believed as far as the operator said, and no further?

mod confusion;
mod further;
mod minting;
mod reading;
mod revoking;
mod told;

use std::path::PathBuf;
use std::sync::Arc;

use gatepass::clock::{Clock, UnixTime};
use gatepass::identity::{Claims, LoginName, Scopes, UserId};
use gatepass::password::PasswordHash;
use gatepass::token::{KeyRing, TokenError, Verified, Verifier};
use gatepass::users::{SqliteUsers, User, UserStore as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::recorder::Recorder;
use crate::world::tokens::{changed, sign};
use crate::world::{ROUTES, SECRET, World, config_text, load, said};

/// What the application signs with, where it is not our own secret.
const LEGACY: &str = "a secret of the application, 32 bytes and more";
/// When the tests that have no gateway take place.
const NOW: u64 = 1_800_000_000;

/// The entry that an application gets whose tokens are those of FastAPI's security tutorial.
const TUTORIAL: &str = r#"
optional = ["iss", "aud", "jti", "iat", "typ"]
subjects = "shared"
scopes = ["me", "items"]
"#;

/// Where an application keeps its secret.
struct Keeper(TempDir);

impl Keeper {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, secret: &str) -> PathBuf {
        said::secret("key", secret);
        let path = self.0.path().join(format!("{}.secret", secret.len()));
        std::fs::write(&path, secret).unwrap();
        path
    }

    /// An entry of the name `name`, for `secret`.
    fn entry(&self, name: &str, secret: &str, rest: &str) -> String {
        let file = self.file(secret);
        let file = file.display();
        format!("[[tokens.trusted]]\nname = \"{name}\"\nsecret = {{ file = \"{file}\" }}\n{rest}\n")
    }
}

/// A verifier as the configuration makes it, at a time that stands.
fn verifier(entries: &str) -> Verifier {
    verifier_of(&config_text(([127, 0, 0, 1], 9).into(), entries))
}

fn verifier_of(text: &str) -> Verifier {
    let dir = tempfile::tempdir().unwrap();
    let tokens = load(dir.path(), text).tokens;
    let clock = Clock::manual(UnixTime::from_secs(NOW)).0;
    let keys = Arc::new(KeyRing::new(&tokens));
    Verifier::new(&tokens, keys, clock)
}

/// A gateway that trusts one issuer of that secret.
async fn gateway(keeper: &Keeper, secret: &str, rest: &str) -> World {
    let world = World::with(&format!("{ROUTES}\n{}", keeper.entry("legacy", secret, rest))).await;
    people(&world).await;
    world
}

/// Adds those of whom the tests speak, by these ids.
async fn people(world: &World) -> SqliteUsers {
    let users = SqliteUsers::open(&world.dir.path().join("gatepass.db")).unwrap();
    for id in ["ada", "alice", "bob", "somebody", "old:ada", "old:bob"] {
        let user = User {
            id: UserId::parse(id).unwrap(),
            login: LoginName::parse(id).unwrap(),
            email: None,
            password: PasswordHash::from_store(String::new()),
            scopes: Scopes::default(),
            disabled: false,
            claims: Claims::default(),
            created: None,
        };
        users.create(user).await.unwrap();
    }
    users
}

/// A gateway whose `[tokens]` says this too, and whose headers are these.
async fn gateway_saying(tokens: &str, headers: &str, more: &str) -> World {
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), &format!("{ROUTES}\n{more}"));
    let text = text.replace("max_lifetime = \"24h\"\n", &format!("max_lifetime = \"24h\"\n{tokens}\n"));
    let (before, rest) = text.split_once("headers = {").unwrap();
    let (_, after) = rest.split_once('\n').unwrap();
    let world = World::configured(recorder, &format!("{before}headers = {headers}\n{after}")).await;
    people(&world).await;
    world
}

/// What `PyJWT` writes in front of a token.
fn plain() -> Value {
    json!({ "alg": "HS256", "typ": "JWT" })
}

/// The claims of the tutorial's token, with these changes.
fn tutorial(changes: &Value) -> Value {
    changed(json!({ "sub": "ada", "exp": NOW + 900, "scope": "me items" }), changes)
}

/// The tutorial's token with these changes, as the application signs it.
fn by_legacy(changes: &Value) -> String {
    sign(&plain(), &tutorial(changes), LEGACY.as_bytes())
}

/// The claims of a token of ours, with these changes.
fn ours(changes: &Value) -> Value {
    let claims = json!({
        "iss": "https://gw.test", "aud": "planner", "sub": "ada", "iat": NOW, "exp": NOW + 600, "jti": "t-1",
        "scope": "event:read admin",
    });
    changed(claims, changes)
}

/// The `kid` of our secret.
fn kid() -> String {
    gatepass::token::key_of(&SECRET.into()).as_str().to_owned()
}

fn good(verifier: &Verifier, token: &str) -> Arc<Verified> {
    verifier.verify(token).unwrap_or_else(|error| panic!("{error}: {:?}", Verifier::inspect(token)))
}

fn error(verifier: &Verifier, token: &str) -> Option<TokenError> {
    // Twice: an answer does not change because the token was seen before.
    let (first, second) = (verifier.verify(token).err(), verifier.verify(token).err());
    assert_eq!(first, second);
    first
}
