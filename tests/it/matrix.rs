//! Every access rule against every state of a credential: the status, the word, and whether the upstream was asked.
//! A word that no cell reaches fails the test.

mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gatepass::access::Reason;
use serde_json::json;

use crate::world::people::Stranger;
use crate::world::raw::Raw;
use crate::world::recorder::Recorder;
use crate::world::redis::Redis;
use crate::world::tokens::{Mint, changed, now, sign};
use crate::world::{ROUTES, SECRET, World, config_text};

/// The word that only a fault of ours would reach.
const OUT_OF_REACH: [Reason; 1] = [Reason::Internal];

/// Counts of `gatepass_decisions_total` by reason, over all routes, once every request so far is counted: that follows
/// its answer.
async fn decisions(world: &World) -> BTreeMap<String, u64> {
    let deadline = gatepass::clock::instant() + crate::world::raw::PATIENCE;
    let mut metrics = String::new();
    while !metrics.contains("\ngatepass_requests_in_flight 0\n") {
        assert!(gatepass::clock::instant() < deadline, "still in flight: {metrics}");
        metrics = Stranger::at(world.gateway.admin()).get("/metrics").await.text();
    }
    let mut counts = BTreeMap::new();
    for line in metrics.lines().filter(|line| line.starts_with("gatepass_decisions_total{")) {
        let reason = line.split("reason=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let count: u64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        *counts.entry(reason.to_owned()).or_default() += count;
    }
    counts
}

struct Matrix {
    reached: BTreeSet<&'static str>,
}

impl Matrix {
    /// One cell: what `who` gets for the request, under which word, and whether it reached the upstream.
    async fn cell(
        &mut self,
        world: &World,
        who: &Stranger,
        request: (&str, &str),
        want: (u16, Reason, usize),
    ) {
        let (hits, before) = (world.recorder.hits(), decisions(world).await);
        let answer = who.send(request.0, request.1, None).await;
        assert_eq!(answer.status, want.0, "{request:?} {want:?}: {}", answer.text());
        assert_eq!(world.recorder.hits() - hits, want.2, "{request:?} {want:?}: asked upstream");
        self.counted(world, &before, want.1).await;
    }

    /// The word was counted once, and no other was.
    async fn counted(&mut self, world: &World, before: &BTreeMap<String, u64>, reason: Reason) {
        let after = decisions(world).await;
        let grown: Vec<&String> =
            after.iter().filter(|(k, v)| before.get(*k) != Some(v)).map(|(k, _)| k).collect();
        assert_eq!(grown, [reason.as_str()]);
        self.reached.insert(reason.as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_against_every_credential() {
    let mut matrix = Matrix { reached: BTreeSet::new() };
    credentials(&mut matrix).await;
    tokens(&mut matrix).await;
    revocations(&mut matrix).await;
    users::cells(&mut matrix).await;
    messages(&mut matrix).await;
    upstreams(&mut matrix).await;
    failures(&mut matrix).await;
    stores(&mut matrix).await;
    let missing: Vec<&str> = Reason::ALL
        .iter()
        .filter(|reason| !OUT_OF_REACH.contains(reason) && !matrix.reached.contains(reason.as_str()))
        .map(|reason| reason.as_str())
        .collect();
    assert!(missing.is_empty(), "no cell reaches {missing:?}");
}

async fn credentials(matrix: &mut Matrix) {
    let world = World::new().await;
    let nobody = world.stranger();
    let basic = nobody.clone().saying("Authorization: Basic YTpi");
    let malformed = nobody.clone().bearing("a,b");
    let twice = world.signed_in("").saying("Authorization: Basic YTpi");
    let garbage = nobody.clone().bearing("garbage");
    let plain = world.signed_in("");
    let writer = world.signed_in("event:write");
    let rows: [(&str, [(u16, Reason, usize); 7]); 3] = [
        ("/public/x", [(200, Reason::Public, 1); 7]),
        (
            "/maybe/x",
            [
                (200, Reason::Anonymous, 1),
                (200, Reason::Anonymous, 1),
                (400, Reason::MalformedCredentials, 0),
                (400, Reason::MultipleCredentials, 0),
                (401, Reason::MalformedToken, 0),
                (200, Reason::Authenticated, 1),
                (200, Reason::Authenticated, 1),
            ],
        ),
        (
            "/api/me",
            [
                (401, Reason::MissingToken, 0),
                (401, Reason::MissingToken, 0),
                (400, Reason::MalformedCredentials, 0),
                (400, Reason::MultipleCredentials, 0),
                (401, Reason::MalformedToken, 0),
                (200, Reason::Authenticated, 1),
                (200, Reason::Authenticated, 1),
            ],
        ),
    ];
    for (target, cells) in rows {
        let people = [&nobody, &basic, &malformed, &twice, &garbage, &plain, &writer];
        for (who, want) in people.into_iter().zip(cells) {
            matrix.cell(&world, who, ("GET", target), want).await;
        }
    }
    let post = ("POST", "/event/new");
    matrix.cell(&world, &nobody, post, (401, Reason::MissingToken, 0)).await;
    matrix.cell(&world, &plain, post, (403, Reason::InsufficientScope, 0)).await;
    matrix.cell(&world, &writer, post, (200, Reason::Authenticated, 1)).await;
    matrix.cell(&world, &writer, ("PATCH", "/event/1"), (405, Reason::MethodNotAllowed, 0)).await;
    matrix.cell(&world, &nobody, ("GET", "/auth/logout"), (405, Reason::MethodNotAllowed, 0)).await;
    matrix
        .cell(&world, &nobody, ("GET", "/.well-known/oauth-authorization-server"), (200, Reason::Endpoint, 0))
        .await;
    let paged = World::with(&format!("{ROUTES}\n[signin_page]\n")).await;
    let cookie = format!("Cookie: __Host-gatepass={}", paged.mint.token("alice", ""));
    let by_cookie = paged.stranger().saying(&cookie);
    matrix.cell(&paged, &by_cookie, ("GET", "/api/me"), (200, Reason::Authenticated, 1)).await;
    matrix.cell(&paged, &by_cookie, ("POST", "/api/me"), (403, Reason::CrossSite, 0)).await;
    let denying = format!("{ROUTES}\n[routing]\ndefault = \"deny\"\n");
    let denying = World::with(&denying).await;
    matrix.cell(&denying, &denying.signed_in(""), ("GET", "/api/me"), (403, Reason::RouteDenied, 0)).await;
}

async fn tokens(matrix: &mut Matrix) {
    let world = World::new().await;
    let mint = &world.mint;
    let other_key = sign(&mint.header(), &Mint::claims(), b"another key that nobody here has ever seen");
    let cases = [
        (mint.with_header(&json!({"alg": "HS512"})), Reason::AlgorithmNotAllowed),
        (mint.with_header(&json!({"kid": "unknown"})), Reason::UnknownKey),
        (other_key, Reason::BadSignature),
        (mint.with_header(&json!({"typ": "JWT"})), Reason::WrongType),
        (mint.with(&json!({"iss": "https://other"})), Reason::WrongIssuer),
        (mint.with(&json!({"aud": "other"})), Reason::WrongAudience),
        (mint.with(&json!({"jti": null})), Reason::MissingClaim),
        (mint.with(&json!({"iat": now() - 700, "exp": now() - 60})), Reason::Expired),
        (mint.with(&json!({"nbf": now() + 900})), Reason::NotYetValid),
        (mint.with(&json!({"exp": now() + 25 * 3600})), Reason::LifetimeTooLong),
    ];
    for (token, reason) in cases {
        let who = world.stranger().bearing(&token);
        matrix.cell(&world, &who, ("GET", "/api/me"), (401, reason, 0)).await;
    }
    let good = sign(
        &changed(mint.header(), &json!({"typ": "application/AT+JWT"})),
        &Mint::claims(),
        SECRET.as_bytes(),
    );
    let who = world.stranger().bearing(&good);
    matrix.cell(&world, &who, ("GET", "/api/me"), (200, Reason::Authenticated, 1)).await;
}

async fn revocations(matrix: &mut Matrix) {
    let world = World::new().await;
    let stranger = world.stranger();
    assert_eq!(stranger.sign_up("ada@example.org", "correct horse battery").await.status, 200);
    let (_, one) = stranger.sign_in("ada@example.org", "correct horse battery").await;
    let (_, other) = stranger.sign_in("ada@example.org", "correct horse battery").await;
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.send("POST", "/auth/logout", None).await.status, 204);
    matrix.cell(&world, &one, ("GET", "/api/me"), (401, Reason::RevokedLogin, 0)).await;
    matrix.cell(&world, &other, ("GET", "/api/me"), (200, Reason::Authenticated, 1)).await;
    assert_eq!(other.send("POST", "/auth/logout?all=true", None).await.status, 204);
    matrix.cell(&world, &other, ("GET", "/api/me"), (401, Reason::RevokedUser, 0)).await;
    let (_, again) = stranger.sign_in("ada@example.org", "correct horse battery").await;
    matrix.cell(&world, &again.unwrap(), ("GET", "/api/me"), (200, Reason::Authenticated, 1)).await;
    let token = world.mint.token("bob", "");
    assert_eq!(stranger.post_form("/auth/revoke", &format!("token={token}")).await.status, 200);
    matrix
        .cell(&world, &stranger.clone().bearing(&token), ("GET", "/api/me"), (401, Reason::RevokedToken, 0))
        .await;
    revoke_key(&world);
    matrix.cell(&world, &world.signed_in(""), ("GET", "/api/me"), (401, Reason::RevokedKey, 0)).await;
}

/// Revokes the signing key through the control socket, as the command line does.
pub(crate) fn revoke_key(world: &World) {
    use gatepass::identity::Digest;
    use std::io::{BufRead as _, Write as _};
    let digest = Digest::of_key("https://gw.test", world.mint.header()["kid"].as_str().unwrap());
    let order = json!({"version": 1, "op": "revoke", "scope": "key", "digest": digest.to_hex(), "expires": now() + 86_400});
    let mut socket =
        std::os::unix::net::UnixStream::connect(world.dir.path().join("gatepass.control")).unwrap();
    writeln!(socket, "{order}").unwrap();
    let mut reply = String::new();
    std::io::BufReader::new(socket).read_line(&mut reply).unwrap();
    assert!(!reply.contains("error"), "{reply}");
}

async fn messages(matrix: &mut Matrix) {
    let world = World::with(&format!("{ROUTES}\n[limits]\nhead_time = \"1s\"\n")).await;
    let who = world.stranger();
    matrix.cell(&world, &who, ("GET", "/public/../api"), (400, Reason::BadTarget, 0)).await;
    for (bytes, status, reason) in [
        ("GET /public/x HTTP/1.1\r\nHost: a b\r\n\r\n", 400, Reason::BadHost),
        ("GET /public/a b HTTP/1.1\r\nHost: gw.test\r\n\r\n", 400, Reason::BadFraming),
        (
            "POST /public/x HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 10995116277760\r\n\r\n",
            413,
            Reason::TooLarge,
        ),
        ("GET /public/x HTTP/1.1\r\nHost: gw.te", 408, Reason::Timeout),
    ] {
        let before = decisions(&world).await;
        let answer = Raw::connect(world.address()).await.ask(bytes).await.expect("an answer");
        assert_eq!(answer.status, status, "{bytes:?}");
        matrix.counted(&world, &before, reason).await;
    }
    assert_eq!(world.recorder.hits(), 0);
}

async fn upstreams(matrix: &mut Matrix) {
    let gone = Recorder::start().await;
    let text = config_text(gone.address(), ROUTES);
    drop(gone);
    let world = World::configured(Recorder::start().await, &text).await;
    matrix.cell(&world, &world.stranger(), ("GET", "/public/x"), (502, Reason::UpstreamUnavailable, 0)).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let text =
        config_text(silent.local_addr().unwrap(), &format!("{ROUTES}\n[limits]\nrequest_time = \"1s\"\n"));
    let world = World::configured(Recorder::start().await, &text).await;
    matrix.cell(&world, &world.stranger(), ("GET", "/public/x"), (504, Reason::UpstreamTimeout, 0)).await;
}

async fn failures(matrix: &mut Matrix) {
    let strict = "[throttle]\naccount_source = 1\nfirst_delay = \"5m\"\n";
    let world = World::with(&format!("{ROUTES}\n{strict}")).await;
    for (status, reason) in [(400, Reason::Endpoint), (429, Reason::RateLimited)] {
        let before = decisions(&world).await;
        let (answer, _) = world.stranger().sign_in("nobody@example.org", "nobody knows this one").await;
        assert_eq!(answer.status, status, "{}", answer.text());
        matrix.counted(&world, &before, reason).await;
    }
}

async fn stores(matrix: &mut Matrix) {
    let mut redis = Redis::start();
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), ROUTES)
        .replace(
            "[revocation]\nstore = \"sqlite:gatepass.db\"",
            &format!("[revocation]\nstore = \"{}\"\nmax_staleness = \"1s\"", redis.url()),
        )
        .replace("cost = 10", "cost = 12\nthreads = 1\nqueue = 1");
    let world = World::configured(recorder, &text).await;
    let stranger = world.stranger();
    assert_eq!(stranger.sign_up("ada@example.org", "correct horse battery").await.status, 200);
    overload(matrix, &world).await;
    let who = world.signed_in("");
    redis.stop();
    let before = decisions(&world).await;
    let (answer, _) = stranger.sign_in("ada@example.org", "correct horse battery").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    matrix.counted(&world, &before, Reason::StoreUnavailable).await;
    let deadline = gatepass::clock::instant() + Duration::from_secs(30);
    while who.get("/api/me").await.status == 200 {
        assert!(gatepass::clock::instant() < deadline, "never stale");
        tokio::task::yield_now().await;
    }
    matrix.cell(&world, &who, ("GET", "/api/me"), (503, Reason::RevocationStale, 0)).await;
    matrix.cell(&world, &stranger, ("GET", "/public/x"), (200, Reason::Public, 1)).await;
}

/// More sign-ins at once than may wait: at least one is told so.
async fn overload(matrix: &mut Matrix, world: &World) {
    let tries = (0..8).map(|_| {
        let stranger = world.stranger();
        tokio::spawn(async move { stranger.sign_in("ada@example.org", "wrong wrong wrong").await.0 })
    });
    let tries: Vec<_> = tries.collect();
    let mut statuses = BTreeSet::new();
    for each in tries {
        statuses.insert(each.await.unwrap().status);
    }
    assert!(statuses.contains(&503), "{statuses:?}");
    assert!(decisions(world).await.contains_key(Reason::Overloaded.as_str()));
    matrix.reached.insert(Reason::Overloaded.as_str());
}
