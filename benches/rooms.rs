//! What does one request cost in the rooms it always passes? Target, route, token, account; by criterion.
//!
//! `cargo bench --bench rooms`. Ten routes beside ten thousand, and a token seen before beside a new one, show what the
//! look-ups promise: the first pair costs the same, the second differs by a signature. A user among ten in use is found as
//! fast as one among a hundred thousand, but for the cache lines.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use gatepass::accounts::{self, Accounts};
use gatepass::clock::Clock;
use gatepass::identity::{Claims, LoginId, LoginName, Scopes, Subject, UserId};
use gatepass::password::PasswordHash;
use gatepass::revocation;
use gatepass::route::{Access, Host, Pattern, RouteSpec, RouteTable, ScopeRule, StreamRules, Target};
use gatepass::secret::Secret;
use gatepass::token::{Grant, Issuer, KeyRing, Minting, Settings, SubjectForm, Verifier};
use gatepass::users::{SqliteUsers, User};
use http::Method;

#[path = "rooms/verify.rs"]
mod verify;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    targets(&mut criterion);
    routes(&mut criterion);
    verify::run(&mut criterion);
    accounts(&mut criterion);
    criterion.final_summary();
}

fn targets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("target");
    for (name, raw) in [
        ("short", "/event/42"),
        ("query", "/event/?page=2&size=50&order=name"),
        ("escaped", "/user/ada%40example.org/caf%C3%A9/%E2%82%AC"),
        (
            "long",
            "/api/v2/organisations/0192f0c1-7000-7000-8000-000000000001/events/0192f0c1-7000-7000-8000-000000000002/guests",
        ),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| Target::parse(black_box(raw.as_bytes()))));
    }
    group.bench_function("host", |bencher| {
        bencher.iter(|| Host::parse(black_box(b"planner.example.org:8080")));
    });
    group.finish();
}

fn routes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route");
    for count in [10, 10_000] {
        let specs = (0..count).map(route).collect();
        let table = RouteTable::build(specs, (Access::Authenticated, 0)).expect("no two routes collide");
        let path = format!("/service{}/{}/item/7", count / 2, count / 2);
        group.bench_function(format!("hit of {count}"), |bencher| {
            bencher.iter(|| black_box(&table).find(None, &Method::GET, black_box(&path)));
        });
        group.bench_function(format!("miss of {count}"), |bencher| {
            bencher.iter(|| black_box(&table).find(None, &Method::GET, black_box("/nothing/of/the/kind")));
        });
    }
    group.finish();
}

fn route(number: usize) -> RouteSpec {
    RouteSpec {
        name: number.to_string(),
        pattern: Pattern::parse(&format!("/service{number}/{number}/{{kind}}/**")).expect("a pattern"),
        host: None,
        methods: Some(vec![Method::GET, Method::HEAD]),
        access: Access::Authenticated,
        scopes: ScopeRule::None,
        upstream: 0,
        timeout: None,
        body_limit: None,
        forward_authorization: None,
        on_stale: None,
        streams: StreamRules::default(),
        line: number,
    }
}

fn settings() -> Settings {
    Settings {
        issuer: "http://localhost:8080".into(),
        audience: "planner".into(),
        lifetime: Duration::from_secs(3600),
        max_lifetime: Duration::from_secs(86_400),
        leeway: Duration::ZERO,
        secret: Secret::new(gatepass::secret::random::<32>().to_vec()),
        previous: Vec::new(),
        subject: SubjectForm::Id,
        cache_bytes: 16 << 20,
        minting: Minting::default(),
        trusted: Vec::new(),
        claims: Vec::new(),
    }
}

fn accounts(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let (settings, clock) = (settings(), Clock::system());
    let keys = Arc::new(KeyRing::new(&settings));
    let issuer = Issuer::new(&settings, Arc::clone(&keys), clock.clone());
    let verifier = Verifier::new(&settings, Arc::clone(&keys), clock.clone());
    let mut group = criterion.benchmark_group("account");
    for count in [10_u32, 100_000] {
        let users = SqliteUsers::open(&folder.path().join("users.db")).expect("a store");
        let log = revocation::Store::Sqlite(folder.path().join("gatepass.db"));
        let log = revocation::Settings::of(log);
        let opened = Accounts::open(
            // No round looks for users that are in no store.
            accounts::Settings { check: Some(Duration::from_secs(86_400)), ..accounts::Settings::default() },
            &log,
            Arc::new(users),
            &settings,
            Arc::clone(&keys),
            clock.clone(),
        );
        let accounts = runtime.block_on(opened).expect("nothing is in the way");
        let tokens: Vec<_> = (0..count)
            .map(|number| {
                let user = user(number);
                let subject = Subject::parse(user.id.as_str()).expect("a subject");
                let password = accounts.signed_in(&subject, &user, clock.now());
                let grant = Grant {
                    subject,
                    preferred_username: None,
                    email: None,
                    scopes: Scopes::default(),
                    login: Some((LoginId::new(), 1)),
                    client_id: "planner".into(),
                    lifetime: None,
                    claims: Claims::default(),
                };
                verifier.verify(&issuer.issue_for(grant, Some(password)).token).expect("a good token")
            })
            .collect();
        let mut all = tokens.iter().cycle();
        group.bench_function(format!("known, of {count}"), |bencher| {
            bencher.iter(|| accounts.standing(black_box(all.next().expect("it never ends"))));
        });
    }
    group.finish();
}

fn user(number: u32) -> User {
    User {
        id: UserId::parse(&format!("0192f0c1-7000-7000-8000-{number:012}")).expect("an id"),
        login: LoginName::parse(&format!("ada{number}@example.org")).expect("a login"),
        email: None,
        password: PasswordHash::from_store(format!("$2b$12${number:053}")),
        scopes: Scopes::default(),
        disabled: false,
        claims: Claims::default(),
        created: None,
    }
}
