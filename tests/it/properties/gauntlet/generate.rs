//! What attackers send: requests put together from the bricks of theirs, with enough good ones between them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::PASSWORD;
use super::request::{Credential, Form, Framing, Hosts, Plan};
use super::tokens::token;
use crate::properties::targets::BRICKS;

/// Some requests, one behind the other.
pub(super) fn plans() -> impl Strategy<Value = Vec<Plan>> {
    prop_oneof![4 => vec(plan(), 1..2), 3 => vec(plan(), 2..5)]
}

fn plan() -> impl Strategy<Value = Plan> {
    let route = (method(), form(), path(), version(), hosts());
    let rest = (credential(), vec(line(), 0..4), framing(), body());
    (route, rest).prop_map(|((method, form, path, version, hosts), (credential, lines, framing, body))| {
        Plan { method, form, path, version, hosts, credential, lines: lines.concat(), framing, body }
    })
}

fn method() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        24 => Just("GET"),
        16 => select(&["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"][..]),
        1 => select(&["PROPFIND", "TRACE", "get", "POSt", "G\u{0}T", "CONNECT", "", "GET,POST", "PRI"][..]),
    ]
}

fn form() -> impl Strategy<Value = Form> {
    let bases =
        ["http://gw.test", "HTTPS://gw.test", "http://evil.test", "http://u@gw.test", "ftp://gw.test"];
    let others = ["*", "gw.test:80", "", "api/admin", "?x=1", "#/public", "http:/public", "//gw.test/public"];
    prop_oneof![
        24 => Just(Form::Origin),
        2 => select(bases.to_vec()).prop_map(Form::Absolute),
        1 => select(others.to_vec()).prop_map(Form::Instead),
    ]
}

fn path() -> impl Strategy<Value = Vec<u8>> {
    let plain = [
        "/",
        "/public/x",
        "/public",
        "/healthz",
        "/maybe/x",
        "/api/me",
        "/api/admin",
        "/event/7",
        "/event/a@b/%C3%A9",
        "/public/%20/a",
        "/api/admin/",
        "/events",
        "/x?a=b&next=/../api/admin",
        "/public/x?%2e%2e/%00",
        "/API/admin",
        "/auth/userinfo",
        "/.well-known/oauth-authorization-server",
        "/auth/revoke",
        "/token/x",
    ];
    let starts = ["/", "/public/", "/api/", "/event/", "/maybe/", "/public/..", "/public//", "/token"];
    let words = vec(select(&BRICKS[..]), 0..7);
    prop_oneof![
        10 => select(plain.to_vec()).prop_map(|path| path.as_bytes().to_vec()),
        4 => (select(starts.to_vec()), words).prop_map(|(start, words)| {
            format!("{start}{}", words.concat()).into_bytes()
        }),
        1 => (select(starts.to_vec()), vec(any::<u8>().prop_filter("no line ends", |b| !b"\r\n".contains(b)), 0..6))
            .prop_map(|(start, bytes)| [start.as_bytes(), &bytes].concat()),
    ]
}

fn version() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        40 => Just("HTTP/1.1"),
        2 => Just("HTTP/1.0"),
        1 => select(&["HTTP/2.0", "HTTP/1.2", "http/1.1", "HTTP/0.9", "HTTP/1.1 HTTP/1.1", "", "HTTP/1.10"][..]),
    ]
}

fn hosts() -> impl Strategy<Value = Hosts> {
    let bad: [&'static [&'static [u8]]; 10] = [
        &[],
        &[b""],
        &[b"gw.test", b"gw.test"],
        &[b"gw.test", b"evil.test"],
        &[b"gw.test, evil.test"],
        &[b"user@gw.test"],
        &[b"gw.test/x"],
        &[b"gw.test:99999"],
        &[b"g\xfc.test"],
        &[b"[::1"],
    ];
    let good: [&'static [&'static [u8]]; 4] =
        [&[b"GW.TEST"], &[b"gw.test:80"], &[b"[::1]:8080"], &[b"a_b.test."]];
    prop_oneof![
        30 => Just(Hosts(&[b"gw.test"], true)),
        4 => select(good.to_vec()).prop_map(|host| Hosts(host, true)),
        1 => select(bad.to_vec()).prop_map(|host| Hosts(host, false)),
    ]
}

fn credential() -> impl Strategy<Value = Credential> {
    let good = ["Bearer ", "bearer ", "BEARER  ", "Bearer   "];
    let bad = ["Bearer", "Bearer\t", "Basic ", "Token ", "", "Bearer:", "Bearer,", " Basic Bearer "];
    let places = ["X-Authorization", "Proxy-Authorization", "Authorization_", "Cookie", "X-Access-Token", ""];
    let raw: [&'static [u8]; 7] =
        [b"Bearer", b"Bearer ", b"", b"Bearer \xff\xfe", b"\xc3\xa9 x", b"Bearer a b", b"Basic YTpi"];
    prop_oneof![
        5 => Just(Credential::None),
        12 => (select(good.to_vec()), token()).prop_map(|(spelling, token)| Credential::Spelled(spelling, token)),
        1 => (select(bad.to_vec()), token()).prop_map(|(spelling, token)| Credential::Spelled(spelling, token)),
        1 => (token(), token()).prop_map(|(one, two)| Credential::Twice(one, two)),
        1 => (token(), token()).prop_map(|(one, two)| Credential::Listed(one, two)),
        1 => (select(places.to_vec()), token()).prop_map(|(name, token)| Credential::Elsewhere(name, token)),
        1 => select(raw.to_vec()).prop_map(Credential::Raw),
    ]
}

/// Names by which clients speak for us, in the spellings that some backend takes for one.
const NAMES: [&str; 40] = [
    "X-Auth-User",
    "x-auth-user",
    "X-AUTH-USER",
    "X_Auth_User",
    "X-Auth_User",
    "x.auth.user",
    "x~auth~user",
    "X-Auth-Scopes",
    "X_AUTH_SCOPES",
    "x-auth-scopes",
    "X-Auth-Email",
    "x_auth-email",
    "X-Forwarded-For",
    "X_Forwarded_For",
    "X-Forwarded-Host",
    "x-forwarded-proto",
    "X-Forwarded-Prefix",
    "X-Forwarded-Anything",
    "Forwarded",
    "X-Real-IP",
    "X_Real_IP",
    "X-Client-IP",
    "True-Client-IP",
    "X-Request-Id",
    "x_request_id",
    "X-HTTP-Method-Override",
    "X_HTTP_METHOD_OVERRIDE",
    "X-Method-Override",
    "X-Original-URL",
    "X-Rewrite-URL",
    "Content_Length",
    "Transfer_Encoding",
    "Authorization_",
    "X-Harmless",
    "Cookie",
    "Accept",
    "Content-Type",
    "Keep-Alive",
    "Proxy-Connection",
    "Origin",
];

/// Lines that are well-formed, whatever they ask for.
const ASKED: [&str; 14] = [
    "Connection: X-Auth-User, X-Auth-Scopes, X-Auth-Email",
    "Connection: x-forwarded-for, x-forwarded-host, x-request-id",
    "Connection: keep-alive, host",
    "Connection: transfer-encoding, content-length",
    "Connection: close, X-Harmless",
    "Connection: keep-alive",
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
    "Upgrade: evil",
    "Expect: 100-continue",
    "Expect: evil",
    "TE: trailers, deflate",
    "Origin: https://evil.test\r\nAccess-Control-Request-Method: PUT",
    "Trailer: X-Auth-User",
];

/// Lines that are none.
const MALFORMED: [&[u8]; 11] = [
    b"X-Evil : v",
    b" folded: v",
    b"X-No-Colon",
    b": v",
    b"X-Evil\x00: v",
    b"X-Evil: a\rb",
    b"X-Evil: a\x0bb",
    b"X-Ev\xe9l: v",
    b"X-Evil: a\nX-Case: smuggled",
    b"X-Evil: \x00",
    b"X Evil: v",
];

fn line() -> impl Strategy<Value = Vec<(Vec<u8>, bool)>> {
    let values: [&'static [u8]; 9] = [
        b"evil",
        b"",
        b"evil, evil",
        b"evil\xff\xfe",
        b"\xc3\xa9vil evil",
        b"evil\t1",
        b"evil admin event:write",
        b"for=evil;proto=https",
        b"0",
    ];
    let forged = (select(NAMES.to_vec()), select(values.to_vec()))
        .prop_map(|(name, value)| ([name.as_bytes(), b": ", value].concat(), true));
    prop_oneof![
        24 => forged.clone().prop_map(|line| vec![line]),
        4 => (forged, 2..9_usize).prop_map(|(line, times)| vec![line; times]),
        8 => select(ASKED.to_vec()).prop_map(|line| vec![(line.as_bytes().to_vec(), true)]),
        1 => select(MALFORMED.to_vec()).prop_map(|line| vec![(line.to_vec(), false)]),
    ]
}

fn framing() -> impl Strategy<Value = Framing> {
    let odd = [
        "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Content-Length: {}\r\nContent-Length: {}\r\n",
        "Content-Length: {}\r\nContent-Length: 0\r\n",
        "Content-Length: +{}\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x{}\r\n",
        "Content-Length: {}, {}\r\n",
        "Content-Length: {} 0\r\n",
        "Content-Length:\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding\t: chunked\r\n",
        "Transfer-Encoding : chunked\r\nContent-Length: {}\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
    ];
    let bad = [
        "0x{size}\r\n{}\r\n0\r\n\r\n",
        "+{size}\r\n{}\r\n0\r\n\r\n",
        "-{size}\r\n{}\r\n0\r\n\r\n",
        " {size}\r\n{}\r\n0\r\n\r\n",
        "{size} 1\r\n{}\r\n0\r\n\r\n",
        "{size}\n{}\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "\r\n{}\r\n0\r\n\r\n",
        "{size}\r\n{}0\r\n\r\n",
        "{size}\r\n{}XX0\r\n\r\n",
        "g\r\n{}\r\n0\r\n\r\n",
        "{size}\r\n{}\n0\r\n\r\n",
        "{size}\r\n{}\r\n",
        "{size}\r\n{}\r\n0\r\nX-Auth-User evil\r\n\r\n",
        "{size}\r\n{}\r\n0",
        "{size};\rx\r\n{}\r\n0\r\n\r\n",
    ];
    let trailers = [
        "",
        "X-Auth-User: evil\r\n",
        "X-Auth-User: evil\r\nContent-Length: 9\r\nX-Case: smuggled\r\n",
        "X: y\r\n",
    ];
    let chunked = (
        select(vec![1_usize, 3, 16, 1 << 16]),
        select(vec!["", "", ";x=y", ";x=\"y z\"", ";a;b"]),
        select(trailers.to_vec()),
        select(vec!["chunked", "chunked", "Chunked", " chunked "]),
    );
    prop_oneof![
        24 => Just(Framing::None),
        8 => select(vec![("", ""), ("", ""), ("  ", " "), ("0", ""), ("\t", "")]).prop_map(|(a, b)| Framing::Length(a, b)),
        1 => Just(Framing::Short),
        1 => select(odd.to_vec()).prop_map(Framing::Odd),
        6 => chunked.prop_map(|(size, extension, trailers, coding)| Framing::Chunked { size, extension, trailers, coding }),
        1 => select(bad.to_vec()).prop_map(Framing::BadChunks),
    ]
}

/// Bodies, most of which look like a request that nobody was let in with.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let smuggled = "GET /public/smuggled HTTP/1.1\r\nHost: gw.test\r\nX-Case: smuggled\r\n\r\n";
    prop_oneof![
        4 => Just(smuggled.as_bytes().to_vec()),
        2 => Just(format!("0\r\n\r\n{smuggled}").into_bytes()),
        1 => Just(format!("\r\n{smuggled}{smuggled}").into_bytes()),
        4 => vec(any::<u8>(), 1..200),
        1 => Just(format!("grant_type=password&username=evil&password={PASSWORD}").into_bytes()),
        1 => (1_000..70_000_usize).prop_map(|length| b"0123456789abcdef".repeat(length / 16 + 1)),
    ]
}
