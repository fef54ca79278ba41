//! One path in many spellings.

use crate::attacks::answers::{is_400r, is_401n};
use crate::attacks::frames::{Frames, Said};
use crate::attacks::wires::{Doors, Wire};
use crate::world::ROUTES;

/// Beside the usual routes: everything below `/api` needs a scope, and something protected lies below something public.
const STRICTER: &str = r#"
[[route]]
path = "/api/**"
scopes = ["api"]

[[route]]
path = "/public/secret/**"
"#;

async fn doors() -> Doors {
    Doors::with(&format!("{ROUTES}{STRICTER}")).await
}

/// The request over h2, with the path's bytes as they are.
async fn over_h2(doors: &Doors, target: &[u8], token: Option<&str>) -> Said {
    let mut frames = Frames::connect(doors).await;
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut fields: Vec<(&[u8], &[u8])> =
        vec![(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"gw.test"), (b":path", target)];
    fields.extend(bearer.iter().map(|bearer| (&b"authorization"[..], bearer.as_bytes())));
    frames.headers(&fields, true).await;
    frames.said().await
}

/// Neither a stranger nor the holder of a token without scopes gets an ambiguous path through.
async fn refused(doors: &Doors, target: &str) {
    let hits = doors.recorder.hits();
    let stranger = doors.get(Wire::H1, target, None).await;
    if stranger.status == 400 {
        is_400r(&stranger);
    } else {
        is_401n(&stranger);
    }
    let token = doors.mint.token("alice", "");
    let known = doors.get(Wire::H1, target, Some(&token)).await;
    if target.contains('#') {
        // Over h2 the fragment is gone before we see the target: `c11_…_over_h2` looks at what is left.
        assert_eq!((known.status, doors.recorder.hits()), (400, hits));
        return;
    }
    for (who, wanted, said) in [
        ("a stranger", stranger.status, over_h2(doors, target.as_bytes(), None).await),
        ("alice", known.status, over_h2(doors, target.as_bytes(), Some(&token)).await),
    ] {
        let alike = said == Said::Status(wanted) || (wanted == 400 && said.is_refusal());
        assert!(alike, "{target}: {said:?} for {who} over h2, {wanted} over HTTP/1.1");
    }
    match known.status {
        400 | 403 => assert_eq!(doors.recorder.hits(), hits, "{target} reached the upstream"),
        200 => {
            assert_eq!(doors.recorder.hits(), hits + 2);
            // The decided path is the forwarded one, over both.
            for seen in &doors.recorder.seen()[hits..] {
                assert_eq!(seen.line(), format!("GET {target}"));
                assert_eq!(seen.folded("x-auth-user"), ["alice"]);
            }
        }
        other => panic!("{target}: {other} with a token"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c01_c03_c04_dots_separators_and_backslashes() {
    let doors = doors().await;
    for target in [
        "/public/../api/admin",
        "/public/./../api",
        "/public/..",
        "/public/.",
        "/public/%2e%2e/api",
        "/public/%2E%2E/api",
        "/public/.%2e/api",
        "/public/%2E./api",
        "/..",
        "/public/..;/api",
        "/public/..%00/api",
        "/public/..%2fapi/admin",
        "/public/..%2Fapi/admin",
        "/public%2f..%2fapi",
        "/api%2fadmin",
        "/public/%5c..",
        "/public/%5C..",
        "/public/%00",
        "/public/%0d%0a",
        "/public/%zz",
        "/public/%",
        "/public/%c0%ae%c0%ae/api",
        "/public/%252e%252e/api",
        "/public\\..\\api\\admin",
        "/\\api",
        "/public/..\\api",
    ] {
        let public = doors.get(Wire::H1, target, None).await;
        is_400r(&public);
        refused(&doors, target).await;
    }
    // Three dots are a name like any other, and public where names are.
    assert_eq!(doors.get(Wire::H1, "/public/.../api", None).await.status, 200);
    assert_eq!(doors.recorder.last().line(), "GET /public/.../api");
}

#[tokio::test(flavor = "multi_thread")]
async fn c05_c11_empty_segments_and_fragments() {
    let doors = doors().await;
    for target in [
        "//api/admin",
        "///api",
        "/public//../api",
        "/public/..//api",
        "//public/x",
        "/api//admin",
        "/public//secret/x",
        "/public/secret//x",
        "/public//x",
        "//",
        "/api/admin#/public",
        "/public#/../api/admin",
        "/public/x#",
        "/api%23/public",
        "/public%23/x",
    ] {
        refused(&doors, target).await;
    }
    refused(&doors, "/public/secret/x").await;
    assert_eq!(doors.get(Wire::H1, "/public/x", None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn c11_the_path_before_a_fragment_is_decided_upon_and_forwarded_over_h2() {
    let doors = doors().await;
    let token = doors.mint.token("alice", "api");
    for (target, token, status, path) in [
        ("/api/admin#/public", None, 401, ""),
        ("/api/admin#/public", Some(token.as_str()), 403, ""),
        ("/public/../api#/public", None, 400, ""),
        ("/api/x#/public", Some(token.as_str()), 200, "/api/x"),
        ("/public#/../api/admin", None, 200, "/public"),
        ("#/api/admin", None, 200, "/"),
    ] {
        let hits = doors.recorder.hits();
        assert_eq!(over_h2(&doors, target.as_bytes(), token).await, Said::Status(status), "{target}");
        assert_eq!(doors.recorder.hits() - hits, usize::from(status == 200));
        if status == 200 {
            assert_eq!(doors.recorder.last().line(), format!("GET {path}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_letters_of_the_other_case_and_letters_encoded() {
    let doors = doors().await;
    for target in ["/%61pi/admin", "/p%75blic/x", "/%50ublic/x", "/public/%7e", "/public/%2D"] {
        is_400r(&doors.get(Wire::H1, target, None).await);
        refused(&doors, target).await;
    }
    for target in ["/API/admin", "/PUBLIC/x", "/Public/x", "/Public/../api", "/Healthz", "/PUBLIC/Secret/x"] {
        refused(&doors, target).await;
    }
    // A backend that does not tell the cases apart would serve what needs the scope.
    let scopeless = doors.mint.token("alice", "other");
    let hits = doors.recorder.hits();
    for target in ["/api/x", "/API/x", "/Api/x", "/aPI/x/y", "/API", "/API/Admin", "/api/Admin", "/Event/new"]
    {
        let method = if target == "/Event/new" { "POST" } else { "GET" };
        let bearer = format!("Bearer {scopeless}");
        let answer =
            doors.ask(Wire::H1, (method, target), &[("authorization", bearer.as_bytes())], None).await;
        assert_eq!(answer.status, if target == "/api/x" { 403 } else { 400 }, "{target}: {answer:?}");
    }
    assert_eq!(doors.recorder.hits(), hits);
    let holder = doors.mint.token("alice", "api");
    for (target, status) in [("/api/X", 200), ("/API/x", 400), ("/API/admin", 400), ("/api/admin", 403)] {
        assert_eq!(doors.get(Wire::H1, target, Some(&holder)).await.status, status, "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c09_a_public_rule_opens_its_own_segments_only() {
    let doors = doors().await;
    for target in [
        "/publicity",
        "/public-admin",
        "/public.bak",
        "/public%2fx",
        "/public;x",
        "/healthzz",
        "/healthz/../api",
        "/healthz/x",
        "/tokens",
        "/token/x",
        "/tokenx",
    ] {
        refused(&doors, target).await;
    }
    for target in ["/public", "/public/", "/public/x/y", "/healthz"] {
        assert_eq!(doors.get(Wire::H1, target, None).await.status, 200, "{target}");
        assert_eq!(doors.recorder.last().line(), format!("GET {target}"));
    }
}
