//! The form of every answer that the gateway makes itself, from whichever room it comes.

use crate::attacks::answers::{leaves_the_connection_in_order, made_by_us, made_by_us_without_its_body};
use crate::attacks::wires::{Doors, WIRES, Wire};
use crate::world::raw::Raw;
use crate::world::{ROUTES, World};

#[tokio::test(flavor = "multi_thread")]
async fn h20_every_answer_of_ours_is_framed_uncached_and_anonymous() {
    let world = World::with(&format!("{ROUTES}\n[limits]\nbody = \"64KiB\"\nhead_time = \"1s\"\n")).await;
    let fields = "X: y\r\n".repeat(257);
    let large = format!("X: {}\r\n", "y".repeat(40_000));
    let host = "Host: gw.test\r\n";
    for (request, status) in [
        (format!("GET /api/me HTTP/1.1\r\n{host}\r\n"), 401),
        (format!("HEAD /api/me HTTP/1.1\r\n{host}\r\n"), 401),
        (format!("GET /api/me HTTP/1.1\r\n{host}Authorization: Bearer x\r\n\r\n"), 401),
        (format!("GET /api/me HTTP/1.1\r\n{host}Authorization: Bearer \r\n\r\n"), 400),
        (format!("GET /a b HTTP/1.1\r\n{host}\r\n"), 400),
        (format!("HEAD /a b HTTP/1.1\r\n{host}\r\n"), 400),
        (format!("GET /public/.. HTTP/1.1\r\n{host}\r\n"), 400),
        (format!("HEAD /public/.. HTTP/1.1\r\n{host}\r\n"), 400),
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET /public/x HTTP/1.1\r\n\r\n".to_owned(), 400),
        (format!("GET /public/x HTTP/1.1\r\n{host}{host}\r\n"), 400),
        ("GET /public/x HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(), 400),
        (format!("GET /public/x HTTP/1.1\r\n{host}Connection: host\r\n\r\n"), 400),
        (format!("GET /public/x HTTP/1.1\r\n{host}Connection: x-forwarded-for\r\n\r\n"), 0),
        (format!("GET /public/x HTTP/1.1\r\n{host}Connection: \"x\"\r\n\r\n"), 0),
        (format!("GET /public/x HTTP/1.1\r\n{host}{fields}\r\n"), 431),
        (format!("GET /public/x HTTP/1.1\r\n{host}{large}\r\n"), 431),
        (format!("GET /{} HTTP/1.1\r\n{host}\r\n", "x".repeat(40_000)), 431),
        (format!("GET /public/x HTTP/1.1\r\n{host}X"), 408),
        (format!("CONNECT a:1 HTTP/1.1\r\n{host}\r\n"), 405),
        (format!("TRACE /public/x HTTP/1.1\r\n{host}\r\n"), 405),
        (format!("PATCH /event/1 HTTP/1.1\r\n{host}\r\n"), 405),
        (format!("GET /token HTTP/1.1\r\n{host}\r\n"), 405),
        (format!("OPTIONS /token HTTP/1.1\r\n{host}\r\n"), 204),
        (format!("OPTIONS * HTTP/1.1\r\n{host}\r\n"), 204),
        (format!("POST /token HTTP/1.1\r\n{host}Content-Length: 1\r\n\r\nx"), 400),
        (format!("POST /token HTTP/1.1\r\n{host}Content-Length: 99999\r\n\r\n"), 413),
        (format!("POST /public/x HTTP/1.1\r\n{host}Content-Length: 99999\r\n\r\n"), 413),
        (format!("POST /user/signup HTTP/1.1\r\n{host}Content-Length: 1\r\n\r\nx"), 415),
        (format!("GET /auth/userinfo HTTP/1.1\r\n{host}\r\n"), 401),
        (format!("GET /auth/sessions HTTP/1.1\r\n{host}\r\n"), 401),
        (format!("POST /auth/logout HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n"), 401),
        (format!("POST /auth/revoke HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n"), 400),
        (format!("GET /.well-known/oauth-authorization-server HTTP/1.1\r\n{host}\r\n"), 200),
        (format!("HEAD /.well-known/oauth-authorization-server HTTP/1.1\r\n{host}\r\n"), 200),
    ] {
        let mut raw = Raw::connect(world.address()).await;
        let answer = raw.ask(&request).await.unwrap_or_else(|| panic!("no answer to {request:.80}"));
        if status == 0 && answer.status == 200 {
            continue;
        }
        assert!(answer.status == status || status == 0 && answer.status == 400, "{request:.80}: {answer:?}");
        if request.starts_with("HEAD") {
            made_by_us_without_its_body(&answer);
        } else {
            made_by_us(&answer);
        }
        leaves_the_connection_in_order(&mut raw, &answer).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h20_over_both_protocols() {
    let doors = Doors::open().await;
    let long = "y".repeat(70_000);
    let many: Vec<(&str, &[u8])> = vec![("x", b"y"); 257];
    let large: [(&str, &[u8]); 1] = [("x", long.as_bytes())];
    for wire in WIRES {
        for (request, fields) in [
            (("GET", "/api/me"), &[][..]),
            (("HEAD", "/api/me"), &[]),
            (("GET", "/public/.."), &[]),
            (("GET", "/public/x"), &many),
            (("GET", "/public/x"), &large),
            (("TRACE", "/public/x"), &[]),
            (("PATCH", "/event/1"), &[]),
            (("GET", "/token"), &[]),
            (("POST", "/token"), &[]),
            (("POST", "/auth/logout"), &[]),
            (("GET", "/.well-known/oauth-authorization-server"), &[]),
        ] {
            let answer = doors.try_ask(wire, request, fields, None).await;
            if fields.len() == 1 && wire == Wire::H2 {
                // A list beyond 64 KiB: the h2 library refuses it by itself, with a status and nothing else.
                assert!(answer.is_none_or(|answer| answer.status == 431 && answer.fields.is_empty()));
                continue;
            }
            let answer = answer.unwrap_or_else(|| panic!("no answer to {request:?} over {wire:?}"));
            assert!(
                answer.status >= 400 || request.1.starts_with("/."),
                "{request:?} over {wire:?}: {answer:?}"
            );
            if request.0 == "HEAD" { made_by_us_without_its_body(&answer) } else { made_by_us(&answer) }
        }
    }
    assert_eq!(doors.recorder.hits(), 0);
}
