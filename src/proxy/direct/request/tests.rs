//! Which requests go the straight way, and what of them arrives?

use pingora::http::RequestHeader;
use proptest::prelude::*;

use super::super::super::decide::{Decision, decide};
use super::super::super::exchange::Record;
use super::super::trial::{Ground, fields, run};
use super::*;

const ADDRESS: &str = "192.0.2.7";

/// A ground, and a good token.
fn ground(forward_authorization: bool, host_header: Option<&str>) -> (Ground, String) {
    run(async {
        let ground = Ground::new(forward_authorization, host_header).await;
        let token = ground.trial.minted();
        (ground, token)
    })
}

/// Whether the straight way takes these bytes, and whether the connection ends after them.
fn takes(ground: &Ground, bytes: &str) -> Option<bool> {
    let bytes = Bytes::copy_from_slice(bytes.as_bytes());
    let mut desk = Desk::default();
    Request::read(&bytes, &mut desk, &ground.policy.forward).map(|request| request.closes)
}

#[test]
fn what_is_whole_and_ordinary_is_taken() {
    let (ground, _) = ground(false, None);
    let with = |lines: &str| takes(&ground, &format!("GET / HTTP/1.1\r\nHost: x\r\n{lines}"));
    for (yes, closes) in [
        ("\r\n", false),
        ("Content-Length: 0\r\n\r\n", false),
        ("Content-Length: 5\r\n\r\nhello", false),
        ("Connection: keep-alive\r\n\r\n", false),
        ("Connection: \r\n\r\n", false),
        ("Connection: Close\r\n\r\n", true),
        ("Connection: keep-alive\r\nConnection: ,CLOSE ,\r\n\r\n", true),
        ("TE: trailers\r\nTrailer: x\r\nKeep-Alive: 5\r\n\r\n", false),
        ("X-Empty:\r\nx_odd: 1\r\n\r\n", false),
    ] {
        assert_eq!(with(yes), Some(closes), "{yes:?}");
    }
    for no in [
        "",
        "Content-Length: 5\r\n\r\n",
        "Content-Length: 5\r\n\r\nhell",
        "Content-Length: 5\r\n\r\nhello!",
        "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "Content-Length: 0\r\n\r\nG",
        "Upgrade: websocket\r\n\r\n",
        "uPGRADE: h2c\r\n\r\n",
        "Expect: 100-continue\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n",
        "Connection: X-Other\r\n\r\n",
        "Connection: close\r\nConnection: keep-alive, x-auth-user\r\n\r\n",
        "Connection: upgrade\r\n\r\n",
        "Content-Length: 18446744073709551616\r\n\r\n",
    ] {
        assert_eq!(with(no), None, "{no:?}");
    }
    for no in
        ["GET / HTTP/1.0\r\nHost: x\r\n\r\n", "GET / HTTP/2\r\nHost: x\r\n\r\n", "GET /\r\nHost: x\r\n\r\n"]
    {
        assert_eq!(takes(&ground, no), None, "{no:?}");
    }
    let crowd = |fields| with(&format!("{}\r\n", "A: b\r\n".repeat(fields)));
    assert_eq!(crowd(MOST_FIELDS - 1), Some(false));
    assert_eq!(crowd(MOST_FIELDS), None, "one more than there may be, with the host");
}

type Fields = Vec<(String, Bytes)>;

/// What the upstream gets of these bytes, in full; and what the engine would have sent it, as fields.
fn sent(ground: &Ground, bytes: &Bytes) -> Option<(Vec<u8>, Fields)> {
    let policy = &ground.policy;
    let mut desk = Desk::default();
    let request = Request::read(bytes, &mut desk, &policy.forward)?;
    let mut exchange = ground.exchange(&request.method);
    let mut record = Record::on(&exchange.seat.connection);
    let (Decision::Forward(admitted) | Decision::Unsettled(admitted)) =
        decide(policy, &request.asking(), &mut record)
    else {
        panic!("everybody is let in: {bytes:?}");
    };
    record.address = Some(HeaderValue::from_static(ADDRESS));
    exchange.record = record;
    let mut out = b"left over".to_vec();
    request.write_to(&mut out, policy, &admitted, &exchange);

    let mut engine = RequestHeader::build(request.method.clone(), &request.target, None).unwrap();
    for (name, value) in request.headers {
        engine.append_header(name.clone(), value.clone()).unwrap();
    }
    for name in HOP_BY_HOP {
        engine.remove_header(name);
    }
    let facts = Facts {
        address: exchange.record.address.clone(),
        https: exchange.record.client.https,
        request_id: exchange.id.as_str(),
        forward_authorization: None,
        host: policy.upstreams.pool(0).host_header(),
    };
    policy.forward.apply(&admitted.permit, facts, &mut engine).unwrap();
    let engine = engine.headers.iter();
    let engine =
        engine.map(|(name, value)| (name.as_str().to_owned(), Bytes::copy_from_slice(value.as_bytes())));
    Some((out, engine.collect()))
}

/// What the engine takes out before its hooks see a request.
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

#[test]
fn lines_go_as_they_are_and_ours_behind_them() {
    let (ground, token) = ground(false, None);
    let text = format!(
        "POST /a/%20b?c=%20 HTTP/1.1\r\nhOST: gw.test\r\nX-Odd:  Spaces \t\r\nX-Forwarded-For: 6.6.6.6\r\n\
         x_auth_user: root\r\nX-AUTH-USER: root\r\nAuthorization: Bearer {token}\r\nTE: trailers\r\n\
         Accept:*/*\r\nConnection: close\r\nContent-Length: 4\r\n\r\n\r\n\0x"
    );
    let (out, _) = sent(&ground, &Bytes::from(text)).expect("it is taken");
    let out = String::from_utf8(out).unwrap();
    let (lines, id) = out.split_once("X-Request-Id: ").unwrap();
    assert_eq!(
        lines,
        format!(
            "POST /a/%20b?c=%20 HTTP/1.1\r\nhOST: gw.test\r\nX-Odd:  Spaces \t\r\nAccept:*/*\r\n\
             Content-Length: 4\r\nx-auth-user: car:42\r\nX-Forwarded-Host: gw.test\r\n\
             X-Forwarded-For: {ADDRESS}\r\nX-Forwarded-Proto: http\r\n"
        )
    );
    assert_eq!(id.split_at(24).1, "\r\n\r\n\r\n\0x", "the body, byte for byte");
}

#[test]
fn credentials_and_the_host_go_on_where_that_is_said() {
    let (ground, token) = ground(true, Some("app.internal"));
    let text = format!("GET / HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\r\n");
    let (out, _) = sent(&ground, &Bytes::from(text)).expect("it is taken");
    let found = fields(&out);
    let values = |name: &str| -> Vec<&[u8]> {
        found.iter().filter(|(n, _)| n == name).map(|(_, value)| &value[..]).collect()
    };
    assert_eq!(values("authorization"), [format!("Bearer {token}").as_bytes()]);
    assert_eq!(values("host"), [b"app.internal"]);
    assert_eq!(values("x-forwarded-host"), [b"gw.test"]);
}

/// Names in any spelling: what anybody may say, what only we say, what is said between neighbours, and what is not for
/// this way.
const NAMES: [&str; 30] = [
    "accept",
    "cookie",
    "content-type",
    "x-harmless",
    "x-auth-user",
    "x_auth_user",
    "x.auth.user",
    "x-auth_user",
    "x-forwarded-for",
    "x-forwarded-anything",
    "x_forwarded_for",
    "forwarded",
    "x-real-ip",
    "x-original-url",
    "x-http-method-override",
    "x-request-id",
    "x-rewrite-url",
    "te",
    "trailer",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "proxy-authenticate",
    "http2-settings",
    "connection",
    "upgrade",
    "expect",
    "transfer-encoding",
    "transfer_encoding",
    "content_length",
];

fn spelt(name: &str, capitals: u32) -> String {
    let letters = name.chars().enumerate();
    letters.map(|(at, c)| if capitals >> (at % 32) & 1 == 1 { c.to_ascii_uppercase() } else { c }).collect()
}

proptest! {
    /// What arrives is what would have arrived by way of the engine, and nothing of what no client may say.
    #[test]
    fn the_upstream_cannot_tell_which_way_it_came(
        lines in proptest::collection::vec((
            proptest::sample::select(&NAMES[..]),
            any::<u32>(),
            proptest::sample::select(&["", "close", "keep-alive", "x-harmless", "forged \u{e9}", "a, b"][..]),
        ), 0..12),
        body in proptest::option::of("[a-z\r\n]{0,9}"),
        known in any::<bool>(),
        passes in any::<bool>(),
    ) {
        thread_local! {
            static GROUNDS: [(Ground, String); 2] = [ground(false, None), ground(true, Some("app.internal"))];
        }
        let mut text = "POST /x?y HTTP/1.1\r\nHost: gw.test\r\n".to_owned();
        for (name, capitals, value) in &lines {
            text.extend([&spelt(name, *capitals), ": ", value, "\r\n"]);
        }
        if let Some(body) = &body {
            text.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
        }
        let sent = GROUNDS.with(|grounds| {
            let (ground, token) = &grounds[usize::from(passes)];
            if known {
                text.extend(["Authorization: Bearer ", token, "\r\n"]);
            }
            text.extend(["\r\n", body.as_deref().unwrap_or_default()]);
            sent(ground, &Bytes::from(text)).map(|(out, engine)| {
                let ours = |name: &str| ground.policy.forward.is_ours(name);
                (fields(&out), engine, fields(&out).into_iter().filter(|(name, _)| ours(name)).collect::<Fields>())
            })
        });
        let special = lines.iter().any(|(name, _, value)| match *name {
            "upgrade" | "expect" | "transfer-encoding" => true,
            "connection" => !["", "close", "keep-alive"].contains(value),
            _ => false,
        });
        prop_assert_eq!(sent.is_none(), special);
        let Some((mut found, mut engine, mut ours)) = sent else { return Ok(()) };
        for (name, value) in &found {
            prop_assert!(!HOP_BY_HOP.contains(&name.as_str()), "{} goes on", name);
            prop_assert!(name != "authorization" || passes, "{:?}", value);
        }
        found.sort();
        engine.sort();
        prop_assert_eq!(found, engine);
        // Of names that no client may say, those are there that we said, once.
        ours.sort();
        let names: Vec<&str> = ours.iter().map(|(name, _)| name.as_str()).collect();
        let mut expected = vec!["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"];
        if known {
            expected.insert(0, "x-auth-user");
        }
        prop_assert_eq!(names, expected);
        prop_assert!(ours.iter().all(|(_, value)| !value.starts_with(b"forged")));
    }
}
