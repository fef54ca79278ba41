//! Who may open a WebSocket, and what the upstream hears of it.

use super::client::{Client, HANDSHAKE};
use super::upstream::Stage;
use super::world;

/// Sends one request; the head of the answer, and the connection.
async fn asked(address: std::net::SocketAddr, method: &str, target: &str, fields: &str) -> (String, Client) {
    let mut client = Client::connect(address).await;
    client.send(format!("{method} {target} HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n")).await;
    (client.head().await, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_is_authenticated_and_told_who() {
    let stage = Stage::open().await;
    let world = world(&stage, "").await;
    let (head, _) = asked(world.address(), "GET", "/live/echo", HANDSHAKE).await;
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    assert_eq!(stage.hits(), 0);
    let token = world.mint.token("alice", "");
    let fields = HANDSHAKE.replace("Connection: Upgrade", "Connection: Upgrade, X-Auth-User")
        + &format!("Authorization: Bearer {token}\r\nX-Auth-User: admin\r\n");
    let (head, mut client) = asked(world.address(), "GET", "/live/echo?a=1", &fields).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(!head.to_lowercase().contains("sec-websocket-protocol"), "{head}");
    client.is_alive().await;
    let up = stage.last();
    for line in [
        "get /live/echo?a=1 http/1.1",
        "upgrade: websocket",
        "connection: upgrade",
        "x-auth-user: alice",
        "sec-websocket-version: 13",
    ] {
        assert!(up.lines().any(|l| l == line), "{line} in {up}");
    }
    assert!(!up.contains("admin") && !up.contains("authorization"), "{up}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_handshake_or_not_on_its_route_is_never_upgraded() {
    let stage = Stage::open().await;
    let world = world(&stage, "").await;
    let bearer = format!("Authorization: Bearer {}\r\n", world.mint.token("alice", ""));
    let without = |line: &str| {
        let kept: Vec<_> = HANDSHAKE.lines().filter(|l| !l.starts_with(line)).collect();
        format!("{}\r\n{bearer}", kept.join("\r\n"))
    };
    let whole = format!("{HANDSHAKE}{bearer}");
    let cases = [
        ("GET", "/plain/echo", whole.clone()),
        ("GET", "/live/echo", without("Connection")),
        ("GET", "/live/echo", without("Sec-WebSocket-Key")),
        ("GET", "/live/echo", without("Sec-WebSocket-Version")),
        ("GET", "/live/echo", whole.replace("Version: 13", "Version: 8")),
        ("GET", "/live/echo", whole.replace("Upgrade: websocket", "Upgrade: h2c")),
        ("GET", "/plain/echo", bearer.clone()),
        ("POST", "/live/echo", format!("{whole}Content-Length: 0\r\n")),
        ("GET", "/live/echo", format!("{whole}Content-Length: 3\r\n\r\nabc")),
    ];
    for (method, target, fields) in cases {
        // This upstream answers 101 to everything: it must not come through.
        let (head, client) = asked(world.address(), method, target, &fields).await;
        assert!(head.starts_with("HTTP/1.1 502"), "{method} {target} {fields}: {head}");
        drop(client);
        let up = stage.last();
        assert!(!up.contains("upgrade:") && !up.contains("connection:"), "{fields}: {up}");
    }
    let mut old = Client::connect(world.address()).await;
    old.send(format!("GET /live/echo HTTP/1.0\r\nHost: gw.test\r\n{whole}\r\n")).await;
    let head = old.head().await;
    assert!(head.contains(" 502 "), "{head}");
    assert!(!stage.last().contains("upgrade:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_brings_its_token_in_a_subprotocol_or_in_the_query() {
    let stage = Stage::open().await;
    let world = world(&stage, "").await;
    let token = world.mint.token("alice", "");
    let cases = [
        ("echo", format!("gatepass, gatepass.bearer.{token}"), "", "gatepass"),
        ("echo", format!("soap, gatepass.bearer.{token}, gatepass,wamp"), "soap, wamp", "gatepass"),
        ("chat", format!("gatepass, chat, gatepass.bearer.{token}"), "chat", "chat"),
        ("chat", format!("chat, gatepass.bearer.{token}"), "chat", "chat"),
    ];
    for (play, offered, up, chosen) in cases {
        let fields = format!("{HANDSHAKE}Sec-WebSocket-Protocol: {offered}\r\n");
        let (head, mut client) = asked(world.address(), "GET", &format!("/live/{play}"), &fields).await;
        assert!(head.starts_with("HTTP/1.1 101"), "{offered}: {head}");
        let answered: Vec<_> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-protocol"))
            .map(|(_, value)| value.to_owned())
            .collect();
        assert_eq!(answered, [chosen], "{offered}: {head}");
        client.is_alive().await;
        let seen = stage.last();
        assert!(seen.contains("x-auth-user: alice"), "{seen}");
        assert!(!seen.contains("gatepass") && !seen.contains(&token.to_lowercase()), "{seen}");
        assert_eq!(seen.contains("sec-websocket-protocol"), !up.is_empty(), "{seen}");
        assert!(up.is_empty() || seen.contains(&format!("sec-websocket-protocol: {up}\r\n")), "{seen}");
    }
    for (query, up) in [("access_token=T", ""), ("a=%20&access_token=T&b", "?a=%20&b")] {
        let target = format!("/live/echo?{}", query.replace('T', &token));
        let (head, mut client) = asked(world.address(), "GET", &target, HANDSHAKE).await;
        assert!(head.starts_with("HTTP/1.1 101"), "{query}: {head}");
        client.is_alive().await;
        let seen = stage.last();
        assert!(seen.starts_with(&format!("get /live/echo{up} http/1.1\r\n")), "{seen}");
        assert!(seen.contains("x-auth-user: alice") && !seen.contains(&token.to_lowercase()), "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_credential_and_only_where_it_may_be() {
    let stage = Stage::open().await;
    let world = world(&stage, "").await;
    let token = world.mint.token("alice", "");
    let (bearer, query) = (format!("Authorization: Bearer {token}\r\n"), format!("access_token={token}"));
    let protocol = format!("Sec-WebSocket-Protocol: gatepass.bearer.{token}\r\n");
    let cases = [
        ("/live/echo", format!("{HANDSHAKE}{bearer}{protocol}"), 400),
        ("/live/echo", format!("{HANDSHAKE}{protocol}{protocol}"), 400),
        ("/live/echo?Q", format!("{HANDSHAKE}{bearer}"), 400),
        ("/live/echo?Q", format!("{HANDSHAKE}{protocol}"), 400),
        ("/live/echo?Q&Q", HANDSHAKE.to_owned(), 400),
        ("/live/echo?access_token=", HANDSHAKE.to_owned(), 400),
        ("/live/echo?access_token=a.b.c", HANDSHAKE.to_owned(), 401),
        // Not handshakes, or not on a route for them: neither place counts.
        ("/live/echo?Q", String::new(), 401),
        ("/live/echo", protocol.clone(), 401),
        ("/plain/echo?Q", HANDSHAKE.to_owned(), 401),
        ("/plain/echo", format!("{HANDSHAKE}{protocol}"), 401),
    ];
    for (target, fields, status) in cases {
        let target = target.replace('Q', &query);
        let (head, _) = asked(world.address(), "GET", &target, &fields).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{target} {fields}: {head}");
    }
    assert_eq!(stage.hits(), 0);
    // On a public route a token is neither read nor passed on.
    let fields = format!("{HANDSHAKE}Sec-WebSocket-Protocol: gatepass, gatepass.bearer.x\r\n");
    let (head, mut client) = asked(world.address(), "GET", "/open/echo", &fields).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    client.is_alive().await;
    assert!(!stage.last().contains("gatepass"), "{}", stage.last());
}

/// The engine's bug 946: an upstream that answers 101 at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_answers_at_once_keeps_its_tunnel() {
    let stage = Stage::open().await;
    let world = world(&stage, "").await;
    let fields = format!("{HANDSHAKE}Authorization: Bearer {}\r\n", world.mint.token("alice", ""));
    for _ in 0..200 {
        let (head, mut client) = asked(world.address(), "GET", "/live/echo", &fields).await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        client.is_alive().await;
    }
}
