//! What is added to answers and requests on the way, where a configuration says so?

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::stand::{Stand, asks, soon};
use crate::world::raw::Answer;

const ORIGIN: &str = "https://app.example.org";

/// Asks, has it answered on a connection of its own, and reads what comes of that.
async fn answered(stand: &Stand, fields: &str, path: &str, said: &str) -> Answer {
    let mut client = stand.client().await;
    client.send(format!("GET {path} HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n")).await;
    let (mut server, _) = stand.upstream.next().await;
    server.say(said).await;
    drop(server);
    client.answer().await.expect("an answer")
}

const FRAMED: [&str; 3] = [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\nLINES\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nLINES\r\n5\r\nhello\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nLINES\r\nhello",
];

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_may_read_what_they_are_let() {
    let stand = Stand::with(&format!("[cors]\norigins = [\"{ORIGIN}\"]\n")).await;
    let lines = "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nVary: Accept\r\n\
                 X-Request-Id: theirs\r\nX-Other: kept\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n";
    for said in FRAMED.map(|said| said.replace("LINES\r\n", &format!("{lines}\r\n"))) {
        let answer = answered(&stand, &format!("Origin: {ORIGIN}\r\n"), "/public/x", &said).await;
        assert_eq!((answer.status, answer.text()), (200, "hello".to_owned()), "{said}");
        assert_eq!(answer.values("access-control-allow-origin"), [ORIGIN]);
        assert!(answer.values("access-control-allow-credentials").is_empty(), "{answer:?}");
        assert_eq!(answer.values("vary"), ["Accept", "Origin"]);
        assert_eq!(answer.values("set-cookie"), ["a=b", "c=d"]);
        assert_eq!(answer.value("x-other"), "kept");
        let ids = answer.values("x-request-id");
        assert!(ids.len() == 1 && ids[0].len() == 24, "{ids:?}");
        let frames = answer.values("content-length").len() + answer.values("transfer-encoding").len();
        assert_eq!((frames, answer.values("date").len()), (1, 1), "{answer:?}");

        let answer = answered(&stand, "Origin: https://evil.example\r\n", "/public/x", &said).await;
        assert_eq!(answer.values("access-control-allow-origin"), ["*"], "that is the upstream's to say");
        assert_eq!(answer.values("vary"), ["Accept"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookies_of_the_sign_in_page_are_ours() {
    let stand = Stand::with("[signin_page]\ntitle = \"Planner\"\n").await;
    let lines = "Set-Cookie: __Host-gatepass=forged\r\nSet-Cookie: a=b; Path=/\r\nSet-Cookie: __host-Gatepass-csrf=x\r\n";
    for said in FRAMED.map(|said| said.replace("LINES\r\n", &format!("{lines}\r\n"))) {
        let answer = answered(&stand, "", "/maybe/x", &said).await;
        assert_eq!((answer.status, answer.text()), (200, "hello".to_owned()), "{said}");
        assert_eq!(answer.values("set-cookie"), ["a=b; Path=/"]);
        assert_eq!(answer.values("vary"), ["Cookie"], "with the cookie it would have been another");
        assert!(answered(&stand, "", "/public/x", &said).await.values("vary").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_is_kept_as_well() {
    let sockets = tempfile::tempdir().unwrap();
    let path = sockets.path().join("app.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let stand = Stand::changed("", |text, upstream| {
        text.replace(
            &format!("servers = [\"{upstream}\"]"),
            &format!("servers = [\"unix:{}\"]\nhost_header = \"app.internal\"", path.display()),
        )
    })
    .await;
    let mut client = stand.client().await;
    client.send(asks("GET", "/public/1")).await;
    let mut head = Vec::new();
    let mut server = loop {
        let (mut server, _) = soon("a connection", listener.accept()).await.unwrap();
        // A health check connects, and says nothing.
        if soon("a request, or the end", server.read_buf(&mut head)).await.unwrap_or(0) > 0 {
            break server;
        }
    };
    for number in 1..=3 {
        while !head.ends_with(b"\r\n\r\n") {
            assert_ne!(soon("a request", server.read_buf(&mut head)).await.unwrap(), 0, "it is kept");
        }
        let asked = String::from_utf8(std::mem::take(&mut head)).unwrap();
        assert!(asked.starts_with(&format!("GET /public/{number} ")), "{asked}");
        let lines: Vec<&str> =
            asked.lines().filter(|line| line.to_lowercase().starts_with("host:")).collect();
        assert_eq!(lines, ["Host: app.internal"], "{asked}");
        assert!(asked.contains("X-Forwarded-Host: gw.test\r\n"), "{asked}");
        server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
        assert_eq!(client.answer().await.expect("an answer").text(), "hi");
        client.send(asks("GET", &format!("/public/{}", number + 1))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_go_on_where_that_is_said() {
    let routes = "[[route]]\npath = \"/with/**\"\nforward_authorization = true\n";
    let stand = Stand::with(routes).await;
    let token = stand.mint.token("alice", "");
    for (path, goes) in [("/with/x", true), ("/api/x", false)] {
        let mut client = stand.client().await;
        client
            .send(format!("GET {path} HTTP/1.1\r\nHost: gw.test\r\nAUTHORIZATION: bearer {token}\r\n\r\n"))
            .await;
        let (mut server, head) = stand.upstream.next().await;
        assert_eq!(head.contains(&format!("AUTHORIZATION: bearer {token}\r\n")), goes, "{path}");
        assert_eq!(head.to_lowercase().contains("authorization"), goes, "{path}");
        server.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(client.answer().await.expect("an answer").status, 200);
    }
}
