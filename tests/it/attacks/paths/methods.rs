//! Methods that no route names.

use crate::attacks::answers::{is_401n, made_by_us, made_by_us_without_its_body};
use crate::attacks::frames::{Frames, Said};
use crate::attacks::wires::{Doors, WIRES, Wire};
use crate::world::ROUTES;

const READABLE: &str = r#"
[[route]]
path = "/readable/**"
methods = ["GET"]
access = "public"

[cors]
origins = ["https://app.test"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn c17_methods_open_nothing_that_no_route_names() {
    let doors = Doors::with(&format!("{ROUTES}{READABLE}")).await;
    let token = doors.mint.token("alice", "");
    let bearer = format!("Bearer {token}");
    let authorized: [(&str, &[u8]); 1] = [("authorization", bearer.as_bytes())];
    for method in ["HEAD", "PROPFIND", "FOO", "PURGE", "OPTIONS", "TRACE", "get", "GeT", "POST", "QUERY"] {
        for wire in WIRES {
            let stranger = doors.ask(wire, (method, "/api/me"), &[], None).await;
            match (stranger.status, method) {
                (401, "HEAD") => made_by_us_without_its_body(&stranger),
                (401, _) => is_401n(&stranger),
                (405, _) => made_by_us(&stranger),
                other => panic!("{method}: {other:?}"),
            }
            // `/event/**` names GET, POST, PUT and DELETE; `/readable/**` GET alone, for everybody.
            for (target, fields) in
                [("/event/1", &authorized[..]), ("/readable/x", &authorized), ("/readable/x", &[])]
            {
                if (method, target) == ("POST", "/event/1") {
                    continue;
                }
                let answer = doors.ask(wire, (method, target), fields, None).await;
                assert_eq!(answer.status, 405, "{method} {target} over {wire:?}");
                assert!(answer.value("allow").contains("GET"), "{answer:?}");
            }
        }
    }
    for wire in WIRES {
        let post = doors.ask(wire, ("POST", "/event/1"), &authorized, None).await;
        assert_eq!(post.status, 403, "named, and the scope is missing");
    }
    assert_eq!(doors.recorder.hits(), 0);
    assert_eq!(doors.get(Wire::H1, "/readable/x", None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn c17_a_preflight_is_answered_here_or_refused() {
    let doors = Doors::with(&format!("{ROUTES}{READABLE}")).await;
    let asks: [(&str, &[u8]); 2] =
        [("access-control-request-method", b"DELETE"), ("access-control-request-headers", b"authorization")];
    for wire in WIRES {
        for (origin, status) in [(&b"https://app.test"[..], 204), (b"https://evil", 401), (b"null", 401)] {
            let fields = [&asks[..], &[("origin", origin)]].concat();
            let answer = doors.ask(wire, ("OPTIONS", "/api/me"), &fields, None).await;
            assert_eq!(answer.status, status, "{answer:?}");
            made_by_us(&answer);
            assert_eq!(answer.values("access-control-allow-origin").is_empty(), status == 401);
        }
        // Without the headers of a preflight it is a request like any.
        is_401n(&doors.ask(wire, ("OPTIONS", "/api/me"), &[("origin", b"https://app.test")], None).await);
    }
    assert_eq!(doors.recorder.hits(), 0);
}

/// Over h2 a method is a text of the client's choice.
#[tokio::test(flavor = "multi_thread")]
async fn c17_methods_that_are_no_tokens() {
    let doors = Doors::open().await;
    for method in [&b""[..], b" GET", b"GET ", b"G\tT", b"GET /public/x HTTP/1.1\r\nX: ", b"\xff"] {
        let mut frames = Frames::connect(&doors).await;
        let fields: [(&[u8], &[u8]); 4] = [
            (b":method", method),
            (b":scheme", b"https"),
            (b":authority", b"gw.test"),
            (b":path", b"/public/x"),
        ];
        frames.headers(&fields, true).await;
        let said = frames.said().await;
        assert!(said.is_refusal() && said != Said::Status(200), "{method:?}: {said:?}");
    }
    assert_eq!(doors.recorder.hits(), 0);
}
