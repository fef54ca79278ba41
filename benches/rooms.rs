//! What does one request cost in the rooms it always passes? Target, route, token; by criterion.
//!
//! `cargo bench --bench rooms`. Ten routes beside ten thousand, and a token seen before beside a new one, show what the
//! look-ups promise: the first pair costs the same, the second differs by a signature.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use gatepass::clock::Clock;
use gatepass::identity::{LoginId, Scopes, Subject};
use gatepass::route::{Access, Host, Pattern, RouteSpec, RouteTable, ScopeRule, StreamRules, Target};
use gatepass::secret::Secret;
use gatepass::token::{Grant, Issuer, KeyRing, Settings, SubjectForm, Verifier};
use http::Method;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    targets(&mut criterion);
    routes(&mut criterion);
    tokens(&mut criterion);
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

fn tokens(criterion: &mut Criterion) {
    let mut settings = Settings {
        issuer: "http://localhost:8080".into(),
        audience: "planner".into(),
        lifetime: Duration::from_secs(3600),
        max_lifetime: Duration::from_secs(86_400),
        leeway: Duration::ZERO,
        secret: Secret::new(gatepass::secret::random::<32>().to_vec()),
        previous: Vec::new(),
        subject: SubjectForm::Id,
        cache_bytes: 16 << 20,
    };
    let keys = Arc::new(KeyRing::new(&settings));
    let issuer = Issuer::new(&settings, Arc::clone(&keys), Clock::system());
    let grant = Grant {
        subject: Subject::parse("0192f0c1-7000-7000-8000-000000000001").expect("a subject"),
        preferred_username: Some("ada@example.org".into()),
        email: Some("ada@example.org".into()),
        scopes: Scopes::parse("event:read event:write").expect("scopes"),
        login: Some((LoginId::new(), 1)),
        client_id: "planner".into(),
        lifetime: None,
    };
    let token = issuer.issue(grant.clone()).token;
    let remembering = Verifier::new(&settings, Arc::clone(&keys), Clock::system());
    settings.cache_bytes = 0;
    let forgetful = Verifier::new(&settings, keys, Clock::system());

    let mut group = criterion.benchmark_group("token");
    group.bench_function("issue", |bencher| bencher.iter(|| issuer.issue(black_box(grant.clone()))));
    group.bench_function("verify anew", |bencher| bencher.iter(|| forgetful.verify(black_box(&token))));
    group.bench_function("verify remembered", |bencher| {
        bencher.iter(|| remembering.verify(black_box(&token)));
    });
    group.finish();
}
