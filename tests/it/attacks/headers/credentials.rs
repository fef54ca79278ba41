//! Credentials: one, in one place, of one meaning; and none of them in a log.

use crate::attacks::answers::{is_400r, is_401n, made_by_us};
use crate::attacks::logged::Logged;
use crate::attacks::wires::{Doors, WIRES, Wire};
use crate::world::raw::Raw;

#[tokio::test(flavor = "multi_thread")]
async fn b01_b02_one_credential_or_none() {
    let doors = Doors::open().await;
    let (alice, admin) = (doors.mint.token("alice", ""), doors.mint.token("admin", "admin"));
    let pairs = [
        (format!("Bearer {alice}"), "Bearer garbage".to_owned()),
        ("Bearer garbage".to_owned(), format!("Bearer {alice}")),
        (format!("Bearer {alice}"), format!("Bearer {admin}")),
        (format!("Bearer {alice}"), "Basic YTpi".to_owned()),
        ("Basic YTpi".to_owned(), format!("Bearer {alice}")),
        (format!("Bearer {alice}"), format!("Bearer {alice}")),
    ];
    for wire in WIRES {
        for (one, other) in &pairs {
            let fields = [("authorization", one.as_bytes()), ("Authorization", other.as_bytes())];
            for target in ["/api/me", "/maybe/x"] {
                is_400r(&doors.ask(wire, ("GET", target), &fields, None).await);
            }
        }
        for value in [
            format!("Bearer {alice}, Bearer {admin}"),
            format!("Bearer {alice},{admin}"),
            format!("Bearer {alice}, "),
            format!("Bearer {alice} {admin}"),
        ] {
            is_400r(&doors.ask(wire, ("GET", "/api/me"), &[("authorization", value.as_bytes())], None).await);
        }
    }
    assert_eq!(doors.recorder.hits(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn b04_a_query_is_no_place_for_a_token_and_not_logged() {
    let world = Logged::start().await;
    let token = world.mint.token("alice", "");
    let targets = ["/api/me", "/api/admin", "/auth/userinfo", "/public/x", "/token", "/public/../x"];
    for target in targets {
        let answer = world.stranger().get(&format!("{target}?access_token={token}")).await;
        match target {
            "/public/x" => assert_eq!(answer.status, 200),
            "/token" => assert_eq!(answer.status, 405),
            "/public/../x" => is_400r(&answer),
            _ => is_401n(&answer),
        }
    }
    assert_eq!(world.recorder.hits(), 1, "the public one");
    let logs = world.end();
    assert_eq!(logs.requests().len(), targets.len());
    logs.hold_nothing_of(&[&token, token.rsplit('.').next().unwrap(), "access_token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn b06_bytes_that_are_not_text_are_refused_and_the_gateway_goes_on() {
    let world = Logged::start().await;
    let token = world.mint.token("alice", "");
    let ask = |method: &str, target: &str, fields: &[(&str, &[u8])]| {
        let mut request = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
        for (name, value) in fields {
            request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        request.extend_from_slice(b"\r\n");
        let address = world.address();
        async move { Raw::connect(address).await.ask(request).await.expect("an answer") }
    };
    let bearer = format!("Bearer {token}");
    for value in [&b"Bearer \xff\xfe"[..], b"\xc3\xa9 T", b"\x80", b"\xff"] {
        for name in READ {
            let host: &[u8] = if name == "Host" { value } else { b"gw.test" };
            let hits = world.recorder.hits();
            let odd: &[(&str, &[u8])] = if name == "Host" { &[] } else { &[(name, value)] };
            let fields = [&[("Host", host)][..], odd].concat();
            let answer = ask("GET", "/api/me", &fields).await;
            assert!(matches!(answer.status, 400 | 401), "{name} {value:?}: {answer:?}");
            made_by_us(&answer);
            for target in ["/token", "/auth/revoke", "/user/signup"] {
                let fields = [&fields[..], &[("Content-Length", b"0")]].concat();
                let answer = ask("POST", target, &fields).await;
                assert!((400..500).contains(&answer.status), "{name} {value:?}: {answer:?}");
                made_by_us(&answer);
            }
            assert_eq!(world.recorder.hits(), hits);
            // Beside a good token: what only the backend reads goes on as it is, and the identity is still ours.
            if name != "Authorization" {
                let fields = [&fields[..], &[("Authorization", bearer.as_bytes())]].concat();
                let answer = ask("GET", "/api/me", &fields).await;
                if answer.status == 200 {
                    assert_eq!(world.recorder.last().folded("x-auth-user"), ["alice"]);
                } else {
                    is_400r(&answer);
                }
            }
        }
    }
    assert_eq!(world.stranger().get("/public/x").await.status, 200);
    // Looks for a panic.
    let logs = world.end();
    assert!(logs.requests().len() > 100);
}

/// Every header that the gateway reads.
const READ: [&str; 9] = [
    "Authorization",
    "Host",
    "Content-Type",
    "X-Forwarded-For",
    "Cookie",
    "Expect",
    "Origin",
    "User-Agent",
    "Sec-WebSocket-Protocol",
];

#[tokio::test(flavor = "multi_thread")]
async fn b06_bytes_that_are_not_text_over_h2() {
    let doors = Doors::open().await;
    for value in [&b"Bearer \xff\xfe"[..], b"\xc3\xa9 T", b"\x80"] {
        for name in READ.into_iter().filter(|name| *name != "Host") {
            let answer = doors.ask(Wire::H2, ("GET", "/api/me"), &[(name, value)], None).await;
            assert!(matches!(answer.status, 400 | 401), "{name} {value:?}: {answer:?}");
            made_by_us(&answer);
        }
    }
    assert_eq!(doors.recorder.hits(), 0);
    assert_eq!(doors.get(Wire::H2, "/public/x", None).await.status, 200);
}

/// Whatever a client puts into what is logged, an event stays one line and a terminal sees no escape.
#[tokio::test(flavor = "multi_thread")]
async fn b25_nothing_breaks_out_of_its_log_line() {
    let world = Logged::start().await;
    let evil = "x%0a{\"status\":200,\"forged\":true}";
    let agent = "agent\u{1b}[31m\u{9b}31m\t{\"forged\":true}";
    let who = world.stranger();
    let targets = [
        "/public/a%0a%0dforged".to_owned(),
        "/public/%1b%5b31m".to_owned(),
        format!("/public/{}", "\"forged\":true"),
        "/api/x%0Aforged".to_owned(),
    ];
    for target in &targets {
        assert!(who.get(target).await.status < 500);
    }
    let bytes = |text: &str| {
        let mut request = b"GET /api/me HTTP/1.1\r\nHost: gw.test\r\nUser-Agent: ".to_vec();
        request.extend(text.bytes());
        request.extend(b"\r\nConnection: close\r\n\r\n");
        request
    };
    let mut asked = targets.len();
    for text in [agent, "a\rforged", "a\u{1b}forged", "a\nforged: 1"] {
        assert!(Raw::connect(world.address()).await.ask(bytes(text)).await.is_some());
        asked += 1;
    }
    for login in [evil, "a\r\nforged", "a\u{1b}[31mforged", "\u{85}forged\u{2028}forged"] {
        assert_eq!(who.sign_in(login, "wrong").await.0.status, 400);
        assert!(who.clone().saying("User-Agent: a\tb").sign_up(login, "correct horse").await.status < 500);
        asked += 2;
    }
    let logs = world.end();
    assert_eq!(logs.requests().len(), asked, "{}", logs.access);
    for line in logs.requests() {
        assert!(line["forged"].is_null(), "{line}");
    }
    for log in [&logs.access, &logs.own] {
        assert!(!log.chars().any(|c| c.is_control() && c != '\n'), "{log:?}");
    }
    assert!(!logs.own.lines().any(|line| line.starts_with("forged")), "{}", logs.own);
    assert_eq!(logs.own.lines().filter(|line| line.contains("sign-in")).count(), 4, "{}", logs.own);
}
