//! Does every kind of answer arrive as it was said?

use super::stand::{Stand, asks, mebibyte, says};

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_a_length_arrives_byte_for_byte() {
    let stand = Stand::new().await;
    let (mut client, body) = (stand.client().await, mebibyte());
    client.send(asks("GET", "/public/long")).await;
    let (mut server, head) = stand.upstream.next().await;
    assert!(head.starts_with("GET /public/long HTTP/1.1\r\n"), "{head}");
    let mut whole =
        format!("HTTP/1.1 200 Yes\r\nX-A: b\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    whole.extend_from_slice(&body);
    let (answer, ()) = tokio::join!(client.answer(), server.say_in_pieces(&whole));
    let answer = answer.expect("an answer");
    assert_eq!((answer.status, answer.value("x-a")), (200, "b"));
    assert!(answer.body == body, "{} bytes of {}", answer.body.len(), body.len());
    let logged = stand.logged("/public/long").await;
    assert_eq!((&logged["status"], &logged["bytes"]), (&200.into(), &body.len().into()), "{logged}");
    // Both connections go on.
    client.send(asks("GET", "/public/next")).await;
    assert!(server.request().await.starts_with("GET /public/next "));
    server.say(says("next")).await;
    assert_eq!(client.answer().await.expect("an answer").text(), "next");
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_arrive_as_they_are() {
    let stand = Stand::new().await;
    let (mut client, body) = (stand.caller().await, mebibyte());
    let mut chunks = b"5;a=\"b\"\r\nhello\r\n1\r\n!\r\n".to_vec();
    chunks.extend(format!("{:X}\r\n", body.len()).into_bytes());
    chunks.extend_from_slice(&body);
    chunks.extend_from_slice(b"\r\n000;x\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n");
    client.send(asks("GET", "/public/chunks")).await;
    let (mut server, _) = stand.upstream.next().await;
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let says_all = async {
        server.say_in_pieces(&[&head[..], &chunks].concat()).await;
    };
    let (seen, ()) = tokio::join!(client.until(b"X-Other: 2\r\n\r\n"), says_all);
    let end = seen.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8_lossy(&seen[..end]).to_lowercase();
    assert!(
        head.contains("\r\ntransfer-encoding: chunked\r\n") && !head.contains("content-length"),
        "{head}"
    );
    assert!(seen[end..] == chunks, "{} bytes of {}", seen.len() - end, chunks.len());
    let logged = stand.logged("/public/chunks").await;
    assert_eq!(logged["bytes"], body.len() + 6, "what is counted is the body: {logged}");
    client.send(asks("GET", "/public/next")).await;
    assert!(server.request().await.starts_with("GET /public/next "));
    server.say(says("next")).await;
    client.until(b"\r\n\r\nnext").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_ends_with_its_connection_comes_in_chunks() {
    let stand = Stand::new().await;
    let (mut client, body) = (stand.client().await, mebibyte());
    for (path, head) in
        [("/public/1.0", "HTTP/1.0 200 OK\r\n\r\n"), ("/public/1.1", "HTTP/1.1 200 OK\r\n\r\n")]
    {
        client.send(asks("GET", path)).await;
        let (mut server, _) = stand.upstream.next().await;
        let says_all = async {
            server.say_in_pieces(&[head.as_bytes(), &body].concat()).await;
            drop(server);
        };
        let (answer, ()) = tokio::join!(client.answer(), says_all);
        let answer = answer.expect("a whole answer, and a connection that goes on");
        assert_eq!(answer.values("transfer-encoding"), ["chunked"]);
        assert!(answer.body == body, "{} bytes of {}", answer.body.len(), body.len());
        assert_eq!(stand.logged(path).await["bytes"], body.len());
    }
    // Nothing at all is a body too.
    client.send(asks("GET", "/public/empty")).await;
    let (mut server, _) = stand.upstream.next().await;
    server.say("HTTP/1.1 200 OK\r\n\r\n").await;
    drop(server);
    assert!(client.answer().await.expect("an answer").body.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_body_has_none() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.send(asks("GET", "/public/first")).await;
    let (mut server, _) = stand.upstream.next().await;
    server.say(says("first")).await;
    assert_eq!(client.answer().await.expect("an answer").text(), "first");
    for (method, status, lines, length) in [
        ("HEAD", 200, "Content-Length: 5\r\n", "5"),
        ("HEAD", 200, "Transfer-Encoding: chunked\r\n", ""),
        ("HEAD", 200, "", ""),
        ("GET", 204, "", ""),
        ("GET", 204, "Content-Length: 5\r\n", ""),
        ("GET", 304, "Content-Length: 5\r\n", "5"),
        ("POST", 200, "Content-Length: 0\r\n", "0"),
    ] {
        client.send(asks(method, "/public/none")).await;
        server.request().await;
        server.say(format!("HTTP/1.1 {status} So\r\n{lines}\r\n")).await;
        let answer = client.answer_to(method).await.expect("an answer");
        assert_eq!((answer.status, answer.value("content-length")), (status, length), "{method} {lines:?}");
        assert!(answer.values("transfer-encoding").is_empty(), "{answer:?}");
        assert!(answer.body.is_empty(), "{answer:?}");
    }
    client.send(asks("GET", "/public/last")).await;
    server.request().await;
    server.say(says("last")).await;
    assert_eq!(client.answer().await.expect("an answer").text(), "last");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_announces_an_answer_comes_before_it() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.send(asks("GET", "/public/hints")).await;
    let (mut server, _) = stand.upstream.next().await;
    server.say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\n\r\n").await;
    // At once, while nothing else has come.
    let hint = client.answer().await.expect("the announcement");
    assert_eq!((hint.status, hint.value("link")), (103, "</a>"));
    assert!(hint.values("connection").is_empty() && hint.values("date").is_empty(), "{hint:?}");
    // Another, together with the answer.
    server.say(format!("HTTP/1.1 103 Again\r\nLink: </b>\r\n\r\n{}", says("yes"))).await;
    assert_eq!(client.answer().await.expect("the second").value("link"), "</b>");
    let answer = client.answer().await.expect("the answer");
    assert_eq!((answer.status, answer.text()), (200, "yes".to_owned()));
    assert_eq!(stand.logged("/public/hints").await["status"], 200);
    client.send(asks("GET", "/public/next")).await;
    server.request().await;
    server.say(says("next")).await;
    assert_eq!(client.answer().await.expect("an answer").text(), "next");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_an_answer_unasked_is_nobodys() {
    const EVIL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let stand = Stand::new().await;
    for (first, later) in [
        (says("mine"), EVIL),
        (format!("{}{EVIL}", says("mine")), ""),
        (format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmine\r\n0\r\n\r\n{EVIL}"), ""),
        (format!("HTTP/1.1 204 None\r\n\r\n{EVIL}"), ""),
        ("HTTP/1.1 204 None\r\n\r\n".to_owned(), EVIL),
    ] {
        let (mut one, mut other) = (stand.client().await, stand.client().await);
        one.send(asks("GET", "/public/one")).await;
        let (mut server, _) = stand.upstream.next().await;
        server.say(&first).await;
        let answer = one.answer().await.expect("an answer");
        assert!(answer.status == 204 || answer.text() == "mine", "{answer:?}");
        server.say(later).await;
        for client in [&mut other, &mut one] {
            client.send(asks("GET", "/public/other")).await;
            let (mut second, _) = stand.upstream.next().await;
            second.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nyours!").await;
            assert_eq!(client.answer().await.expect("an answer").text(), "yours!", "{first:?} {later:?}");
        }
        server.sees_the_end().await;
    }
}
