//! Hosts, overlapping routes, and places that are not on the public listener.

use crate::attacks::answers::{is_401n, made_by_us};
use crate::attacks::wires::{Doors, Wire};
use crate::world::raw::Raw;
use crate::world::recorder::Recorder;
use crate::world::{ROUTES, World, config_text, load};

#[tokio::test(flavor = "multi_thread")]
async fn c18_c23_hosts_and_precedence() {
    let mut routes = [
        "[[route]]\npath = \"/docs/**\"\naccess = \"public\"\n",
        "[[route]]\npath = \"/docs/private\"\nscopes = [\"admin\"]\n",
        "[[route]]\npath = \"/only/**\"\nhost = \"gw.test\"\nscopes = [\"admin\"]\n",
        "[[route]]\npath = \"/only/{id}\"\naccess = \"public\"\n",
        "[[route]]\npath = \"/only/**\"\nhost = \"[::1]\"\nscopes = [\"admin\"]\n",
    ];
    for _ in 0..routes.len() {
        routes.rotate_left(1);
        let world = World::with(&routes.concat()).await;
        assert_eq!(world.stranger().get("/docs/x").await.status, 200);
        assert_eq!(world.stranger().get("/docs/private").await.status, 401);
        assert_eq!(world.stranger().get("/docs/private/x").await.status, 200);
        for host in
            ["gw.test", "GW.TEST", "gw.test.", "gw.test:80", "Gw.Test.:443", "[::1]", "[::1]:80", "[0:0::1]"]
        {
            let request = format!("GET /only/1 HTTP/1.1\r\nHost: {host}\r\n\r\n");
            assert_eq!(Raw::connect(world.address()).await.ask(request).await.unwrap().status, 401, "{host}");
        }
        let request = "GET /only/1 HTTP/1.1\r\nHost: other.test\r\n\r\n";
        assert_eq!(Raw::connect(world.address()).await.ask(request).await.unwrap().status, 200);
    }
    // The same by `:authority`.
    let doors = Doors::with(&routes.concat()).await;
    for (host, status) in [("gw.test", 401), ("GW.TEST.", 401), ("gw.test:444", 401), ("other.test", 200)] {
        let mut frames = crate::attacks::frames::Frames::connect(&doors).await;
        let fields: [(&[u8], &[u8]); 4] = [
            (b":method", b"GET"),
            (b":scheme", b"https"),
            (b":authority", host.as_bytes()),
            (b":path", b"/only/1"),
        ];
        frames.headers(&fields, true).await;
        assert_eq!(frames.said().await, crate::attacks::frames::Said::Status(status), "{host}");
    }
}

#[test]
fn c23_a_tie_is_no_configuration() {
    let one = "[[route]]\npath = \"/a/{one}\"\naccess = \"public\"\n";
    let other = "[[route]]\npath = \"/a/{other}\"\nscopes = [\"admin\"]\n";
    for more in [format!("{one}{other}"), format!("{other}{one}")] {
        let dir = tempfile::tempdir().unwrap();
        let text = config_text("127.0.0.1:1".parse().unwrap(), &more);
        let refused = std::panic::catch_unwind(|| load(dir.path(), &text)).is_err();
        assert!(refused, "{more}");
    }
}

/// `host_header` is what the upstream is told, whatever the client says; nothing of ours repeats a client's host.
#[tokio::test(flavor = "multi_thread")]
async fn c20_an_unknown_host_goes_no_further() {
    let recorder = Recorder::start().await;
    let server = format!("servers = [\"{}\"]", recorder.address());
    let doors = Doors::around(recorder, |text| {
        format!("{}\n{ROUTES}", text.replace(&server, &format!("{server}\nhost_header = \"app.internal\"")))
    })
    .await;
    let token = doors.mint.token("alice", "");
    let fields: [(&str, &[u8]); 0] = [];
    for target in ["/api/me", "/.well-known/oauth-authorization-server", "/api/x y", "/token"] {
        let bearer = format!("Authorization: Bearer {token}\r\n");
        let request = format!("GET {target} HTTP/1.1\r\nHost: evil.test\r\n{bearer}\r\n");
        let stream = crate::world::tls::tls(&doors, doors.trusted.clone(), &[b"http/1.1"]).await;
        let answer = Raw::over(stream).ask(request).await.unwrap();
        assert!(!format!("{answer:?}").contains("evil"), "{answer:?}");
    }
    assert_eq!(doors.recorder.hits(), 1);
    assert_eq!(doors.recorder.last().values("host"), ["app.internal"]);
    let metadata =
        doors.ask(Wire::H1, ("GET", "/.well-known/oauth-authorization-server"), &fields, None).await;
    assert_eq!(metadata.json()["issuer"], "https://gw.test");
}

#[tokio::test(flavor = "multi_thread")]
async fn c20_with_a_list_of_hosts_another_is_refused_whatever_it_asks_for() {
    let doors = Doors::around(Recorder::start().await, |text| {
        format!("{text}\n[routing]\nhosts = [\"gw.test\", \"app.test\"]\n{ROUTES}")
    })
    .await;
    let bearer = format!("Authorization: Bearer {}\r\n", doors.mint.token("alice", ""));
    let targets = ["/api/me", "/public/x", "/token", "/.well-known/oauth-authorization-server"];
    for (host, served) in
        [("gw.test", true), ("APP.test:443", true), ("evil.test", false), ("x.gw.test", false)]
    {
        for target in targets {
            let hits = doors.recorder.hits();
            let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{bearer}\r\n");
            let stream = crate::world::tls::tls(&doors, doors.trusted.clone(), &[b"http/1.1"]).await;
            let answer = Raw::over(stream).ask(request).await.unwrap();
            assert_eq!(answer.status != 400, served, "{host} {target}: {answer:?}");
            if !served {
                made_by_us(&answer);
                assert!(answer.text().contains("bad_host"), "{}", answer.text());
                assert_eq!(doors.recorder.hits(), hits);
            }
        }
    }
}

/// Metrics and administration have a listener of their own.
#[tokio::test(flavor = "multi_thread")]
async fn c26_metrics_and_administration_are_not_public() {
    let world = World::new().await;
    for target in [
        "/metrics",
        "/admin",
        "/admin/",
        "/livez",
        "/readyz",
        "/health",
        "/status",
        "/debug/pprof",
        "/debug/pprof/heap",
        "/debug/vars",
        "/actuator",
        "/server-status",
        "/.env",
        "/gateway.toml",
        "/sessions",
        "/control",
    ] {
        let answer = world.stranger().get(target).await;
        is_401n(&answer);
        made_by_us(&answer);
    }
    assert_eq!(world.recorder.hits(), 0);
    // With a token they are the backend's paths, like any.
    assert_eq!(world.signed_in("").get("/metrics").await.text(), "{\"ok\":true}");
    assert_eq!(world.recorder.last().line(), "GET /metrics");
}
