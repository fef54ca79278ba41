//! Where do answers end, and what of their heads goes on?

use proptest::prelude::*;

use super::super::trial::{Ground, fields, run};
use super::*;

/// What is made of `answer` to a request with `method`, and what the client gets.
fn heard(
    ground: &Ground,
    method: &Method,
    answer: &[u8],
    closing: bool,
) -> Result<Option<(Head, Vec<u8>)>, Box<Error>> {
    let mut exchange = ground.exchange(method);
    let mut out = b"left over".to_vec();
    let dressing = Dressing { policy: &ground.policy, exchange: &mut exchange, closing };
    Ok(receive(answer, &mut out, dressing)?.map(|head| (head, out)))
}

fn ground() -> Ground {
    run(Ground::new(false, None))
}

/// The head of an answer with this status and these lines.
fn head(ground: &Ground, method: &Method, status: &str, lines: &str) -> Option<Head> {
    let answer = format!("HTTP/1.1 {status}\r\n{lines}\r\n");
    let made = heard(ground, method, format!("{answer}rest").as_bytes(), false).ok()?;
    let (head, _) = made.expect("the head is whole");
    assert_eq!(head.length, answer.len());
    Some(head)
}

#[test]
fn a_body_ends_in_one_way() {
    let ground = ground();
    let chunks = Body::Chunks(Chunks::START);
    for (status, lines, body) in [
        ("200 OK", "Content-Length: 5\r\n", Some(Body::Length(5))),
        ("200 OK", "content-length:5\r\n", Some(Body::Length(5))),
        ("200", "Content-Length: 5\r\n", Some(Body::Length(5))),
        ("200 OK", "Content-Length: 0\r\n", Some(Body::None)),
        ("200 OK", "Content-Length: 5\r\nContent-Length: 5\r\n", Some(Body::Length(5))),
        ("200 OK", "Content-Length: 05\r\n", Some(Body::Length(5))),
        ("200 OK", "Content-Length: 18446744073709551615\r\n", Some(Body::Length(u64::MAX))),
        ("200 OK", "", Some(Body::ToTheEnd)),
        ("500 No", "", Some(Body::ToTheEnd)),
        ("200 OK", "Transfer-Encoding: chunked\r\n", Some(chunks)),
        ("200 OK", "transfer-encoding: CHUNKED\r\n", Some(chunks)),
        ("200 OK", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Some(chunks)),
        ("200 OK", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Some(chunks)),
        ("204 No Content", "Content-Length: 5\r\n", Some(Body::None)),
        ("304 Not Modified", "Content-Length: 5\r\n", Some(Body::None)),
        ("304 Not Modified", "Transfer-Encoding: chunked\r\n", Some(Body::None)),
        ("100 Continue", "Content-Length: 5\r\n", Some(Body::None)),
        ("103 Early Hints", "", Some(Body::None)),
        ("200 OK", "Content-Length: 5\r\nContent-Length: 6\r\n", None),
        // It would go on as it is (RFC 9110 §8.6).
        ("200 OK", "Content-Length: 5, 5\r\n", None),
        ("200 OK", "Content-Length: 5, 6\r\n", None),
        ("200 OK", "Content-Length: 5,\r\n", None),
        ("200 OK", "Content-Length: \r\n", None),
        ("200 OK", "Content-Length: +5\r\n", None),
        ("200 OK", "Content-Length: -5\r\n", None),
        ("200 OK", "Content-Length: 5 5\r\n", None),
        ("200 OK", "Content-Length: 0x5\r\n", None),
        ("200 OK", "Content-Length: 18446744073709551616\r\n", None),
        ("204 No Content", "Content-Length: x\r\n", None),
        ("200 OK", "Transfer-Encoding: gzip\r\n", None),
        ("200 OK", "Transfer-Encoding: gzip, chunked\r\n", None),
        ("200 OK", "Transfer-Encoding: chunked, chunked\r\n", None),
        ("200 OK", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", None),
        ("200 OK", "Transfer-Encoding: \r\n", None),
        ("200 OK", "Transfer-Encoding: chunked;q=1\r\n", None),
        ("101 Switching Protocols", "Upgrade: websocket\r\nConnection: Upgrade\r\n", None),
    ] {
        let found = head(&ground, &Method::GET, status, lines).map(|head| head.body);
        assert_eq!(found, body, "{status} {lines:?}");
    }
    for lines in ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", ""] {
        let found = head(&ground, &Method::HEAD, "200 OK", lines).expect("an answer");
        assert_eq!(found.body, Body::None, "{lines:?}");
    }
}

#[test]
fn what_cannot_be_read_in_one_way_is_refused() {
    let ground = ground();
    let crowd = |fields: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(fields));
    for bad in [
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA b\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 099 No\r\n\r\n",
        "HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "garbage\r\n\r\n",
        &crowd(257),
    ] {
        let error = heard(&ground, &Method::GET, bad.as_bytes(), false).expect_err(bad);
        assert_eq!(error.etype(), &ErrorType::InvalidHTTPHeader, "{bad:?}");
        assert_eq!(error.esource(), &pingora::ErrorSource::Upstream, "{bad:?}");
    }
    let most = crowd(256);
    assert!(heard(&ground, &Method::GET, most.as_bytes(), false).unwrap().is_some());
}

#[test]
fn half_a_head_is_waited_for() {
    let ground = ground();
    let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Other: \xe9\r\n\r\n";
    for length in 0..whole.len() {
        let heard = heard(&ground, &Method::GET, &whole[..length], false).unwrap();
        assert!(heard.is_none(), "{length} bytes");
    }
    assert!(heard(&ground, &Method::GET, whole, false).unwrap().is_some());
}

/// What the client gets, without the identifier, which is there once, and the date, if it is ours.
fn passed(ground: &Ground, method: &Method, answer: &str) -> Vec<(String, Bytes)> {
    let (head, out) = heard(ground, method, answer.as_bytes(), false).unwrap().expect("a head");
    let mut fields = fields(&out);
    let ids: Vec<Bytes> =
        fields.extract_if(.., |(name, _)| name == "x-request-id").map(|(_, id)| id).collect();
    assert!(matches!(&ids[..], [id] if id.len() == 24), "{ids:?}");
    if !head.dated && !head.is_informational() {
        let at = fields.iter().position(|(name, _)| name == "date").expect("a date");
        fields.remove(at);
    }
    fields
}

fn pairs(pairs: &[(&str, &'static str)]) -> Vec<(String, Bytes)> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), Bytes::from_static(value.as_bytes()))).collect()
}

#[test]
fn what_is_between_neighbours_stays_there() {
    let ground = ground();
    let answer = "HTTP/1.1 200 OK\r\nServer: x\r\nConnection: close, X-Mine,x-other \r\nconnection: X-Third\r\n\
        X-MINE: 1\r\nX-Other: 2\r\nx-third: 3\r\nX-Fourth: 4\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\n\
        TE: trailers\r\nUpgrade: h2c\r\nX-Request-Id: theirs\r\nx-request-id: again\r\nDate: then\r\n\
        Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 2\r\nContent-Length: 02\r\n\r\n";
    assert_eq!(
        passed(&ground, &Method::GET, answer),
        pairs(&[
            ("server", "x"),
            ("x-fourth", "4"),
            ("date", "then"),
            ("set-cookie", "a=b"),
            ("set-cookie", "c=d"),
            ("content-length", "2"),
        ])
    );
}

#[test]
fn the_client_learns_where_its_answer_ends() {
    let ground = ground();
    let both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
    for (method, status, lines, expected) in [
        (Method::GET, "200 OK", "Content-Length: 5\r\n", &[("content-length", "5")][..]),
        (Method::GET, "200 OK", both, &[("transfer-encoding", "chunked")]),
        (Method::GET, "200 OK", "", &[("transfer-encoding", "chunked")]),
        (Method::HEAD, "200 OK", "Content-Length: 5\r\n", &[("content-length", "5")]),
        (Method::HEAD, "200 OK", "Transfer-Encoding: chunked\r\n", &[]),
        (Method::GET, "304 Not Modified", "Content-Length: 5\r\n", &[("content-length", "5")]),
        (Method::GET, "204 No Content", "Content-Length: 5\r\n", &[]),
        (Method::GET, "103 Early Hints", "Content-Length: 5\r\nLink: </x>\r\n", &[("link", "</x>")]),
        // What is nominated does not take the frame away.
        (
            Method::GET,
            "200 OK",
            "Connection: content-length\r\nContent-Length: 5\r\n",
            &[("content-length", "5")],
        ),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\n{lines}\r\n");
        assert_eq!(passed(&ground, &method, &answer), pairs(expected), "{method} {status} {lines:?}");
    }
}

#[test]
fn the_first_line_is_ours() {
    let ground = ground();
    for (said, told) in [
        ("HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\n"),
        ("HTTP/1.0 404 Not Here", "HTTP/1.1 404 Not Here\r\n"),
        ("HTTP/1.1 299", "HTTP/1.1 299 \r\n"),
    ] {
        let answer = format!("{said}\r\nContent-Length: 0\r\n\r\n");
        let (_, out) = heard(&ground, &Method::GET, answer.as_bytes(), false).unwrap().unwrap();
        assert!(out.starts_with(told.as_bytes()), "{said:?}: {:?}", String::from_utf8_lossy(&out));
    }
}

#[test]
fn who_ends_the_connection() {
    let ground = ground();
    for (head, keeps) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n", true),
        ("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n", true),
        ("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n", false),
        ("HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: y, close\r\nContent-Length: 1\r\n", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n", false),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n", false),
    ] {
        for closing in [false, true] {
            let answer = format!("{head}\r\n");
            let (found, out) = heard(&ground, &Method::GET, answer.as_bytes(), closing).unwrap().unwrap();
            assert_eq!(found.keeps, keeps, "{head:?}");
            let ours: Vec<(String, Bytes)> =
                fields(&out).into_iter().filter(|(name, _)| name == "connection").collect();
            let expected = if closing { pairs(&[("connection", "close")]) } else { Vec::new() };
            assert_eq!(ours, expected, "what the upstream says of its own connection is not ours: {head:?}");
        }
    }
}

#[test]
fn event_streams_are_known() {
    let ground = ground();
    for (kind, is_one) in [
        ("text/event-stream", true),
        ("Text/Event-Stream; charset=utf-8", true),
        ("text/event", false),
        ("text/plain", false),
    ] {
        let lines = format!("Content-Type: {kind}\r\n");
        let found = head(&ground, &Method::GET, "200 OK", &lines).unwrap();
        assert_eq!(found.is_event_stream, is_one, "{kind}");
    }
}

proptest! {
    /// Whatever is answered: what the client gets can be read, frames its body once, and is free of what is not for it.
    #[test]
    fn the_client_gets_one_frame(
        status in proptest::sample::select(vec![103_u16, 200, 204, 206, 304, 404, 502]),
        method in proptest::sample::select(vec![Method::GET, Method::HEAD, Method::POST]),
        lines in proptest::collection::vec((
            proptest::sample::select(vec![
                "Content-Length", "content-length", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade",
                "X-Request-Id", "Date", "X-Mine", "Content-Type", "TE", "proxy-connection",
            ]),
            proptest::sample::select(vec!["5", "5, 5", "chunked", "close", "x-mine", "content-length, date", "", "x"]),
        ), 0..8),
        closing in any::<bool>(),
    ) {
        thread_local! {
            static GROUND: Ground = ground();
        }
        let text: String = lines.iter().flat_map(|(name, value)| [*name, ": ", *value, "\r\n"]).collect();
        let answer = format!("HTTP/1.1 {status} Yes\r\n{text}\r\n");
        let heard = GROUND.with(|ground| heard(ground, &method, answer.as_bytes(), closing));
        let Ok(Some((head, out))) = heard else { return Ok(()) };
        let fields = fields(&out);
        let count = |wanted: &str| fields.iter().filter(|(name, _)| name == wanted).count();
        for gone in ["keep-alive", "upgrade", "te", "proxy-connection"] {
            prop_assert_eq!(count(gone), 0, "{}", gone);
        }
        prop_assert_eq!(count("x-request-id"), 1);
        let frames = (count("content-length"), count("transfer-encoding"));
        match head.body {
            Body::Length(_) => prop_assert_eq!(frames, (1, 0)),
            Body::Chunks(_) | Body::ToTheEnd => prop_assert_eq!(frames, (0, 1)),
            Body::None => prop_assert!(frames.0 <= 1 && frames.1 == 0, "{:?}", frames),
        }
        prop_assert_eq!(count("connection"), usize::from(closing && !head.is_informational()));
        let nominated = lines.iter().any(|(name, value)| *name == "Connection" && *value == "x-mine");
        prop_assert!(!nominated || count("x-mine") == 0);
    }
}
