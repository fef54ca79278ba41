//! Are the hashes verified that a team already has, are they replaced, and what may a new password be?

mod hashes;
mod policy;

use std::time::Duration;

use gatepass::clock::{self, UnixTime};
use gatepass::identity::{AskedLogin, Claims, LoginName, Scopes, UserId};
use gatepass::password::PasswordHash;
use gatepass::users::{SqliteUsers, User, UserStore as _};

use crate::world::people::Stranger;
use crate::world::recorder::Recorder;
use crate::world::{ROUTES, World, config_text};
use hashes::Row;

/// A world whose `[passwords]` says this.
async fn world(passwords: &str) -> World {
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), ROUTES).replace("cost = 10\n", passwords);
    World::configured(recorder, &text).await
}

/// The store of a world.
fn store(world: &World) -> SqliteUsers {
    SqliteUsers::open(&world.dir.path().join("gatepass.db")).unwrap()
}

/// Adds a user as an import does.
async fn import(world: &World, login: &str, hash: &str) {
    let user = User {
        id: UserId::new(),
        login: LoginName::parse(login).unwrap(),
        email: None,
        password: PasswordHash::from_store(hash.to_owned()),
        scopes: Scopes::default(),
        disabled: false,
        claims: Claims::default(),
        created: Some(UnixTime::from_secs(1)),
    };
    store(world).create(user).await.unwrap();
}

async fn stored(world: &World, login: &str) -> String {
    let user = store(world).by_login(&AskedLogin::parse(login).unwrap()).await.unwrap();
    user.unwrap().password.expose().to_owned()
}

/// Waits until so many hashes were replaced, as the metrics have it.
async fn replaced(world: &World, count: usize) {
    let line = format!("\ngatepass_password_rehashes_total{{result=\"replaced\"}} {count}\n");
    let deadline = clock::instant() + Duration::from_secs(60);
    loop {
        let metrics = Stranger::at(world.gateway.admin()).get("/metrics").await.text();
        if metrics.contains(&line) {
            return;
        }
        assert!(clock::instant() < deadline, "not {line}: {metrics}");
        tokio::task::yield_now().await;
    }
}

/// A cheap hash of this producer and scheme, and its password.
fn row(producer: &str, scheme: &str) -> Row {
    let found = hashes::rows()
        .into_iter()
        .rfind(|row| row.producer == producer && row.scheme.as_str() == scheme && row.password == "pässwörd");
    found.unwrap_or_else(|| panic!("{scheme} of {producer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_every_framework_sign_in_and_are_moved_to_the_new_scheme() {
    let world = world(
        "hash = \"argon2id\"\nmemory = \"7MiB\"\niterations = 1\nverify = [\"argon2id\", \"pbkdf2-sha256\", \"scrypt\", \
         \"bcrypt\", \"sha1\"]\ndeprecated = [\"pbkdf2-sha256\", \"sha1\"]\n",
    )
    .await;
    let moved = [row("Django", "pbkdf2-sha256"), row("htpasswd", "sha1"), row("passlib", "pbkdf2-sha256")];
    let kept = [row("Werkzeug", "scrypt"), row("htpasswd", "bcrypt"), row("pwdlib", "argon2id")];
    let refused = [row("Django", "pbkdf2-sha1"), row("htpasswd", "sha512-crypt")];
    for (number, row) in moved.iter().enumerate() {
        let login = format!("moved{number}");
        import(&world, &login, &row.hash).await;
        assert!(world.stranger().sign_in(&login, "wrong").await.1.is_none());
        assert_eq!(stored(&world, &login).await, row.hash, "nothing was proven");
        assert!(world.stranger().sign_in(&login, &row.password).await.1.is_some(), "{}", row.hash);
        replaced(&world, number + 1).await;
        let now = stored(&world, &login).await;
        assert!(now.starts_with("$argon2id$v=19$m=7168,t=1,p=1$"), "{now}");
        assert!(world.stranger().sign_in(&login, &row.password).await.1.is_some(), "{now}");
        assert!(world.stranger().sign_in(&login, "wrong").await.1.is_none());
        assert_eq!(stored(&world, &login).await, now, "once is enough");
    }
    for (number, row) in kept.iter().enumerate() {
        let login = format!("kept{number}");
        import(&world, &login, &row.hash).await;
        assert!(world.stranger().sign_in(&login, &row.password).await.1.is_some(), "{}", row.hash);
        // The cheap Argon2id of pwdlib's costs less than the configured one.
        if row.scheme.as_str() == "argon2id" {
            replaced(&world, moved.len() + 1).await;
        } else {
            assert_eq!(stored(&world, &login).await, row.hash, "not deprecated");
        }
    }
    for (number, row) in refused.iter().enumerate() {
        let login = format!("refused{number}");
        import(&world, &login, &row.hash).await;
        assert!(world.stranger().sign_in(&login, &row.password).await.1.is_none(), "{}", row.hash);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_is_left_as_it_is_where_that_is_said() {
    let world = world("cost = 10\nrehash = false\ndeprecated = [\"pbkdf2-sha256\"]\n").await;
    for (login, row) in [("ada", row("Django", "pbkdf2-sha256")), ("bob", row("passlib", "bcrypt"))] {
        import(&world, login, &row.hash).await;
        for _ in 0..2 {
            assert!(world.stranger().sign_in(login, &row.password).await.1.is_some());
        }
        assert_eq!(stored(&world, login).await, row.hash);
    }
}

/// Sign-ins of one user at once, of which each may be the one that replaces the hash.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_sign_ins_at_once_none_fails_for_another_has_replaced_the_hash() {
    let world = world("cost = 10\nthreads = 2\nqueue = 100\ndeprecated = [\"pbkdf2-sha1\"]\n").await;
    let row = row("Werkzeug", "pbkdf2-sha1");
    for round in 0..3 {
        let login = format!("ada{round}");
        import(&world, &login, &row.hash).await;
        let all = (0..8).map(|number| {
            let (stranger, login, password) = (world.stranger(), login.clone(), row.password.clone());
            tokio::spawn(async move {
                let password = if number == 5 { "wrong" } else { password.as_str() };
                (number, stranger.sign_in(&login, password).await.1.is_some())
            })
        });
        for one in all.collect::<Vec<_>>() {
            let (number, signed_in) = one.await.unwrap();
            assert_eq!(signed_in, number != 5, "{number}");
        }
        // Who signed in while others waited for a thread has left the hash alone.
        assert!(world.stranger().sign_in(&login, &row.password).await.1.is_some());
        replaced(&world, round + 1).await;
        assert!(stored(&world, &login).await.starts_with("$2b$10$"));
        assert!(world.stranger().sign_in(&login, &row.password).await.1.is_some());
    }
}
