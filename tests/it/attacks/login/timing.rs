//! Does the time of a no tell why? Measured in processor time of the thread that hashes, in a gateway's own process: it is
//! nearly all there is to a no, and does not change with what else the machine does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gatepass::clock::UnixTime;
use gatepass::identity::{Claims, LoginName, Scopes, UserId};
use gatepass::password::PasswordHash;
use gatepass::users::{SqliteUsers, User, UserStore as _};

use crate::world::binary::Binary;
use crate::world::people::Stranger;
use crate::world::recorder::Recorder;
use crate::world::{ROUTES, SECRET, config_text};

/// Tries of each kind in a round.
const TRIES: usize = 7;

/// A gateway that hashes at this cost, with users by name, hash, and whether they are disabled.
async fn gateway(folder: &Path, recorder: &Recorder, cost: u32, users: &[(&str, String, bool)]) -> Binary {
    let generous = "[throttle]\naccount_source = 1000\naccount = 1000\nsource = 100000\n";
    gateway_with(folder, recorder, cost, users, generous).await
}

/// The same, with other sections. What stands before the first of them belongs to `[endpoints]`.
async fn gateway_with(
    folder: &Path,
    recorder: &Recorder,
    cost: u32,
    users: &[(&str, String, bool)],
    more: &str,
) -> Binary {
    std::fs::write(folder.join("gatepass.secret"), SECRET).unwrap();
    let (endpoints, sections) = more.split_at(more.find('[').unwrap_or(more.len()));
    let text = config_text(recorder.address(), &format!("{ROUTES}\n{sections}"))
        .replace("[endpoints]\n", &format!("[endpoints]\n{endpoints}"))
        .replace("cost = 10", &format!("cost = {cost}\nthreads = 1"));
    let file = folder.join("gateway.toml");
    std::fs::write(&file, text).unwrap();
    let store = SqliteUsers::open(&folder.join("gatepass.db")).unwrap();
    for (login, hash, disabled) in users {
        let user = User {
            id: UserId::new(),
            login: LoginName::parse(login).unwrap(),
            email: None,
            password: PasswordHash::from_store(hash.clone()),
            scopes: Scopes::default(),
            disabled: *disabled,
            claims: Claims::default(),
            created: Some(UnixTime::from_secs(1)),
        };
        store.create(user).await.unwrap();
    }
    Binary::run(&file)
}

/// Processor time of the one thread that hashes, in nanoseconds.
fn spent(id: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{id}/task")).unwrap();
    let mut folders = threads.map(|thread| thread.unwrap().path());
    let hashing = |folder: &PathBuf| {
        let name = std::fs::read_to_string(folder.join("comm"));
        // Others may have ended since they were listed.
        name.is_ok_and(|name| name.trim() == "gatepass-hash-1")
    };
    let thread = folders.find(hashing).expect("a thread that hashes");
    let times = std::fs::read_to_string(thread.join("schedstat")).unwrap();
    times.split(' ').next().unwrap().parse().unwrap()
}

/// What a refused try costs.
async fn cost(gateway: &Binary, login: &str, password: &str) -> u64 {
    let before = spent(gateway.id());
    assert_eq!(Stranger::at(gateway.public()).sign_in(login, password).await.0.status, 400);
    let cost = spent(gateway.id()) - before;
    assert!(cost > 1_000_000, "{cost} ns: no password was looked at");
    cost
}

/// The median of what each try costs, in turn.
async fn medians<'l>(gateway: &Binary, logins: &[&'l str], password: &str) -> BTreeMap<&'l str, u64> {
    let mut costs: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for _ in 0..TRIES {
        for login in logins {
            costs.entry(login).or_default().push(cost(gateway, login, password).await);
        }
    }
    let middle = |mut costs: Vec<u64>| {
        costs.sort_unstable();
        costs[costs.len() / 2]
    };
    costs.into_iter().map(|(login, costs)| (login, middle(costs))).collect()
}

/// Every median is within a tenth of every other, in one of three rounds.
async fn assert_alike(gateway: &Binary, logins: &[&str], password: &str) {
    let mut seen = Vec::new();
    for _ in 0..3 {
        let medians = medians(gateway, logins, password).await;
        let (least, most) = (medians.values().min().unwrap(), medians.values().max().unwrap());
        if most - least <= least / 10 {
            return;
        }
        seen.push(medians.into_iter().map(|(login, cost)| (login.len(), cost)).collect::<Vec<_>>());
    }
    panic!("told apart by their cost (length of the login, nanoseconds): {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e02_e04_every_no_costs_the_same() {
    let (folder, recorder) = (tempfile::tempdir().unwrap(), Recorder::start().await);
    let hash = |cost| bcrypt::hash("correct horse battery", cost).unwrap();
    let users = [
        ("ada", hash(10), false),
        ("cheap", hash(8), false),
        ("disabled", hash(10), true),
        ("nothing", String::new(), false),
        ("malformed", "$2b$10$short".to_owned(), false),
    ];
    let gateway = gateway(folder.path(), &recorder, 10, &users).await;
    let long = "x".repeat(5_000);
    let logins = ["ada", "cheap", "disabled", "nothing", "malformed", "nobody", &long];
    assert_alike(&gateway, &logins, "wrong password").await;
    // Even the right one of who is disabled.
    assert_alike(&gateway, &["disabled", "nobody"], "correct horse battery").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e02_e04_every_no_costs_the_same_whatever_the_schemes() {
    let (folder, recorder) = (tempfile::tempdir().unwrap(), Recorder::start().await);
    let mut users = vec![("bcrypt", bcrypt::hash("correct horse battery", 10).unwrap(), false)];
    // Of real producers, with their own costs: none as dear as another.
    for (login, beginning) in [
        ("argon2-cffi", "$argon2id$v=19$m=65536,t=3,p=4$"),
        ("passlib", "$pbkdf2-sha256$29000$"),
        ("crypt", "$6$"),
        ("htpasswd", "$apr1$"),
    ] {
        let rows = include_str!("../../hashes/hashes.txt").lines();
        let mut hashes = rows.map(|row| row.rsplit('\t').next().unwrap());
        let hash = hashes.find(|hash| hash.starts_with(beginning) && !hash.contains("rounds="));
        users.push((login, hash.unwrap().to_owned(), false));
    }
    users.push(("malformed", "$argon2id$v=19$m=65536,t=3,p=4$short".to_owned(), false));
    let gateway = gateway(folder.path(), &recorder, 10, &users).await;
    let logins = ["nobody", "bcrypt", "argon2-cffi", "passlib", "crypt", "htpasswd", "malformed"];
    assert_alike(&gateway, &logins, "wrong password").await;
    // Where a function takes longer for a longer one.
    assert_alike(&gateway, &["nobody", "crypt", "bcrypt"], &"wrong ".repeat(80)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e02_a_hash_dearer_than_the_configured_cost_does_not_stand_out_from_the_first_try_on() {
    let (folder, recorder) = (tempfile::tempdir().unwrap(), Recorder::start().await);
    let dear = bcrypt::hash("correct horse battery", 12).unwrap();
    let gateway = gateway(folder.path(), &recorder, 10, &[("dear", dear, false)]).await;
    // Before anybody has tried the one whose hash is dear.
    let mut first = Vec::new();
    for login in ["nobody", "somebody", "dear"] {
        first.push(cost(&gateway, login, "wrong password").await);
    }
    // Four times as much, if it were not known at the start.
    assert!(first[2] < first[0] * 2 && first[2] < first[1] * 2, "{first:?}");
    assert_alike(&gateway, &["dear", "nobody"], "wrong password").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e02_a_sign_up_that_is_hidden_costs_what_any_other_does() {
    let (folder, recorder) = (tempfile::tempdir().unwrap(), Recorder::start().await);
    let hash = bcrypt::hash("correct horse battery", 10).unwrap();
    let more = "signup_reveals = false\n[throttle]\nsignups = 1000\n";
    let gateway = gateway_with(folder.path(), &recorder, 10, &[("ada@example.org", hash, false)], more).await;
    let mut seen = Vec::new();
    for round in 0..3 {
        let (mut new, mut taken) = (Vec::new(), Vec::new());
        for n in 0..TRIES {
            let fresh = format!("user{round}-{n}@example.org");
            for (email, costs) in [(fresh.as_str(), &mut new), ("ada@example.org", &mut taken)] {
                let before = spent(gateway.id());
                let answer = Stranger::at(gateway.public()).sign_up(email, "battery staple").await;
                assert_eq!(answer.status, 200);
                costs.push(spent(gateway.id()) - before);
            }
        }
        let middle = |mut costs: Vec<u64>| {
            costs.sort_unstable();
            costs[costs.len() / 2]
        };
        let (new, taken) = (middle(new), middle(taken));
        assert!(taken > 1_000_000, "{taken} ns: nothing was hashed");
        if new.abs_diff(taken) <= new.min(taken) / 10 {
            return;
        }
        seen.push((new, taken));
    }
    panic!("told apart by their cost (nanoseconds, new and taken): {seen:?}");
}
