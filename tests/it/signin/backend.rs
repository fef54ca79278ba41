//! What does the backend hear of the cookies, and what may it say of them?

use super::{PAGE, minted};
use crate::world::recorder::Recorder;
use crate::world::{ROUTES, World};

/// A gateway with the page before a backend that answers with these lines.
async fn answering(lines: &'static str) -> World {
    let recorder = Recorder::answering(move |_| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{lines}\r\nok").into_bytes()
    });
    World::around(recorder.await, &format!("{ROUTES}{PAGE}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn our_cookies_never_reach_it() {
    let world = answering("").await;
    let ours = minted(&world, "");
    let token = ours.split_once('=').unwrap().1.to_owned();
    for (line, left) in [
        (ours.clone(), &[][..]),
        (format!("{ours}; a=b"), &["a=b"]),
        (format!("Cookie: a=\"b; c\";  __Host-gatepass={token} ;d=e=f; g"), &["a=\"b; c\"; d=e=f; g"]),
        (format!("{ours}; __Host-gatepass-csrf=x; __HOST-GATEPASS=y; =__Host-gatepass=z"), &[]),
        ("Cookie: a=b;c=d ; e".to_owned(), &["a=b;c=d ; e"]),
    ] {
        // On a public route too, where it is not looked at.
        for target in ["/api/me", "/public/x", "/maybe/x"] {
            if target != "/public/x" && !line.contains(&token) {
                continue;
            }
            assert_eq!(world.stranger().saying(&line).get(target).await.status, 200, "{target} {line}");
            let seen = world.recorder.last();
            assert_eq!(seen.values("cookie"), left, "{target} {line}");
            assert!(!seen.head.contains(&token) && !seen.head.contains("__Host"), "{}", seen.head);
        }
    }
    let lines = world.stranger().saying("Cookie: a=b").saying(&ours).saying("Cookie: c=d");
    assert_eq!(lines.get("/api/me").await.status, 200);
    assert_eq!(world.recorder.last().values("cookie"), ["a=b; c=d"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_cannot_set_them() {
    let world = answering(
        "Set-Cookie: a=b; Path=/\r\nSet-Cookie: __Host-gatepass=evil; Path=/; Secure\r\n\
         set-cookie:  __HOST-gatepass = evil\r\nSet-Cookie: =__Host-gatepass=evil; Path=/\r\n\
         Set-Cookie: __Host-gatepass; Path=/\r\nSet-Cookie: __Host-gatepass-csrf=evil; Path=/; Secure\r\n\
         Set-Cookie: c=__Host-gatepass=d\r\nSet-Cookie: __Host-gatepass2=e\r\n",
    )
    .await;
    for target in ["/public/x", "/maybe/x", "/api/me"] {
        let who = if target == "/api/me" { world.signed_in("") } else { world.stranger() };
        let answer = who.get(target).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.values("set-cookie"),
            ["a=b; Path=/", "c=__Host-gatepass=d", "__Host-gatepass2=e"],
            "{target}"
        );
    }
}

/// By `Authorization` a shared cache knows that an answer is one person's; by a cookie it does not (RFC 9111 §3.5).
#[tokio::test(flavor = "multi_thread")]
async fn what_one_person_was_answered_stays_with_them() {
    for (lines, control) in [
        ("", &["private"][..]),
        ("Cache-Control: max-age=60\r\n", &["max-age=60", "private"]),
        ("Cache-Control: private, max-age=60\r\n", &["private, max-age=60"]),
        ("Cache-Control: no-store\r\n", &["no-store"]),
        ("Cache-Control: Public, max-age=60\r\n", &["Public, max-age=60"]),
        ("Cache-Control: max-age=1\r\nCache-Control: s-maxage=60\r\n", &["max-age=1", "s-maxage=60"]),
    ] {
        let world = answering(lines).await;
        let alice = world.stranger().saying(&minted(&world, ""));
        for target in ["/api/me", "/maybe/x"] {
            let answer = alice.get(target).await;
            assert_eq!(answer.values("cache-control"), control, "{lines}");
            assert_eq!(answer.values("vary"), ["Cookie"], "{lines}");
        }
        let theirs: Vec<&str> = control.iter().copied().filter(|value| *value != "private").collect();
        for (who, target, vary) in [
            (world.signed_in(""), "/api/me", &[][..]),
            (world.stranger(), "/maybe/x", &["Cookie"]),
            (alice, "/public/x", &[]),
        ] {
            let answer = who.get(target).await;
            assert_eq!(answer.values("cache-control"), theirs, "{lines} {target}");
            assert_eq!(answer.values("vary"), vary, "{lines} {target}");
        }
    }
}

/// A backend that lets every origin read with credentials gave nothing away as long as there were none.
#[tokio::test(flavor = "multi_thread")]
async fn no_other_origin_reads_by_the_cookie() {
    let world = answering(
        "Access-Control-Allow-Origin: http://evil.test\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n",
    )
    .await;
    let alice = world.stranger().saying(&minted(&world, "")).saying("Origin: http://evil.test");
    let answer = alice.get("/api/me").await;
    assert_eq!(answer.status, 200);
    assert!(answer.values("access-control-allow-credentials").is_empty());
    assert_eq!(answer.values("vary"), ["Origin", "Cookie"]);
    let answer = world.signed_in("").saying("Origin: http://evil.test").get("/api/me").await;
    assert_eq!(answer.values("access-control-allow-credentials"), ["true"]);
}
