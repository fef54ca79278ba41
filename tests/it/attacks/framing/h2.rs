//! Malformed h2 (RFC 9113 §8.2, §8.3): a stream that is reset or answered 400, and nothing upstream.

use crate::attacks::frames::{Frames, Said};
use crate::attacks::wires::Doors;

type Fields<'f> = Vec<(&'f [u8], &'f [u8])>;

fn good<'f>() -> Fields<'f> {
    vec![(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"gw.test"), (b":path", b"/public/x")]
}

async fn said(doors: &Doors, fields: &Fields<'_>, body: Option<&[u8]>) -> Said {
    let mut frames = Frames::connect(doors).await;
    frames.headers(fields, body.is_none()).await;
    if let Some(body) = body {
        frames.data(body, true).await;
    }
    frames.said().await
}

#[tokio::test(flavor = "multi_thread")]
async fn d21_malformed_h2_is_refused() {
    let doors = Doors::open().await;
    assert_eq!(said(&doors, &good(), None).await, Said::Status(200));
    assert_eq!(doors.recorder.hits(), 1);
    let mut cases: Vec<(String, Fields<'_>)> = Vec::new();
    let odd: [(&[u8], &[u8]); 20] = [
        (b"connection", b"close"),
        (b"connection", b"x-auth-user"),
        (b"keep-alive", b"1"),
        (b"proxy-connection", b"close"),
        (b"transfer-encoding", b"chunked"),
        (b"upgrade", b"websocket"),
        (b"te", b"gzip"),
        (b"X-Upper", b"a"),
        (b"x\r", b"a"),
        (b"x\n", b"a"),
        (b"x\0", b"a"),
        (b"x:y", b"a"),
        (b"x y", b"a"),
        (b"", b"a"),
        (b"x", b"a\rb"),
        (b"x", b"a\nX-Auth-User: admin"),
        (b"x", b"a\0b"),
        (b"x", b"a\r\nx-auth-user: admin"),
        (b":unknown", b"a"),
        (b":status", b"200"),
    ];
    for field in odd {
        cases.push((format!("{:?}", field.0.escape_ascii().to_string()), [good(), vec![field]].concat()));
    }
    for missing in 0..4 {
        let mut fields = good();
        let (name, value) = fields.remove(missing);
        if name != b":authority" {
            cases.push((format!("no {}", name.escape_ascii()), fields.clone()));
        }
        fields.push((b"x", b"y"));
        fields.push((name, value));
        cases.push((format!("{} behind a regular field", name.escape_ascii()), fields));
        cases.push((format!("two {}", name.escape_ascii()), [good(), vec![(name, value)]].concat()));
    }
    for value in [&b""[..], b"x y", b"a\nb"] {
        for place in 0..4 {
            let mut fields = good();
            fields[place].1 = value;
            // An empty scheme says nothing; we do not read it.
            if !(place == 1 && value.is_empty()) {
                cases.push((format!("{} is {value:?}", fields[place].0.escape_ascii()), fields));
            }
        }
    }
    let mut nobody = good();
    nobody.remove(2);
    cases.push(("neither authority nor host".to_owned(), nobody));
    for hosts in [&[&b"other.test"[..]][..], &[b"gw.test", b"gw.test"], &[b"gw.test", b"other.test"]] {
        let hosts = hosts.iter().map(|host| (&b"host"[..], *host));
        cases.push(("another host than the authority".to_owned(), good().into_iter().chain(hosts).collect()));
    }
    for (what, fields) in &cases {
        let outcome = said(&doors, fields, None).await;
        assert!(outcome.is_refusal(), "{what}: {outcome:?}");
    }
    assert_eq!(doors.recorder.hits(), 1, "{:?}", doors.recorder.last());
}

#[tokio::test(flavor = "multi_thread")]
async fn d21_a_length_that_is_not_the_bodys() {
    let doors = Doors::open().await;
    let mut post = good();
    post[0].1 = b"POST";
    let cases: [(&[&[u8]], Option<&[u8]>); 8] = [
        (&[b"0"], Some(b"body")),
        (&[b"3"], Some(b"body")),
        (&[b"5"], Some(b"body")),
        (&[b"4"], None),
        (&[b"+4"], Some(b"body")),
        (&[b"4", b"5"], Some(b"body")),
        (&[b"4,4"], Some(b"body")),
        (&[b"x"], Some(b"body")),
    ];
    for (lengths, body) in cases {
        let lengths = lengths.iter().map(|length| (&b"content-length"[..], *length));
        let fields: Fields<'_> = post.iter().copied().chain(lengths.clone()).collect();
        let outcome = said(&doors, &fields, body).await;
        assert!(outcome.is_refusal(), "{:?} for {body:?}: {outcome:?}", lengths.collect::<Vec<_>>());
    }
    // Not one of them is whole at the upstream.
    assert_eq!(doors.recorder.hits(), 0, "{:?}", doors.recorder.seen());
    assert_eq!(said(&doors, &post, Some(b"body")).await, Said::Status(200));
    // An empty body that is announced, and comes in a frame of its own.
    post.push((b"content-length", b"0"));
    assert_eq!(said(&doors, &post, Some(b"")).await, Said::Status(200));
    assert_eq!(said(&doors, &post, None).await, Said::Status(200));
    assert_eq!(doors.recorder.hits(), 3);
}
