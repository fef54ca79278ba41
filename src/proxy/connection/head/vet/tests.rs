//! Is every head refused that two readers may read in two ways, and no other?

use super::*;

fn of(head: &str) -> Vetted {
    vet(head.as_bytes(), 16 * 1024)
}

fn reason(head: &str) -> Option<Reason> {
    match of(head) {
        Vetted::Refused(refused) => Some(refused.reason),
        _ => None,
    }
}

#[test]
fn a_plain_head_passes_and_a_part_of_it_waits() {
    let head = "POST /token HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 3\r\nX-A: caf\u{e9}\r\n\r\nabc";
    assert_eq!(of(head), Vetted::Whole(None));
    let end = head.find("\r\n\r\n").unwrap() + 4;
    for cut in 0..end {
        assert_eq!(vet(&head.as_bytes()[..cut], 16 * 1024), Vetted::Partial, "{cut}");
    }
}

#[test]
fn a_request_line_is_never_repaired() {
    for line in [
        "GET /a b HTTP/1.1",
        "GET  /x HTTP/1.1",
        "GET /x",
        "GET /x HTTP/2.0",
        "GET /x http/1.1",
        "G\u{1}T /x HTTP/1.1",
    ] {
        assert_eq!(reason(&format!("{line}\r\nHost: a\r\n\r\n")), Some(Reason::BadFraming), "{line}");
    }
    for target in [
        "admin",
        "../admin",
        "%2fadmin",
        "\\admin",
        "x:/admin",
        "a:80",
        "#/admin",
        "?x=1",
        "*",
        "/a\u{7f}",
        "/\u{e9}",
        "ftp://a/b",
        "http://",
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(reason(&head), Some(Reason::BadTarget), "{target}");
    }
    assert_eq!(of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), Vetted::Whole(None));
    assert_eq!(reason("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), Some(Reason::MethodNotAllowed));
}

#[test]
fn framing_has_one_reading() {
    for fields in [
        "Content-Length: 3\r\nContent-Length: 3",
        "Content-Length: 3, 3",
        "Content-Length: +3",
        "Content-Length: 0x3",
        "Content-Length: ",
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: \u{b}chunked",
        "X: a\r\n folded",
        "X : a",
        ": a",
        "X\u{e9}: a",
        "no colon",
        "X: a\u{0}b",
        "X: a\nY: b",
        "X: a\rb",
    ] {
        assert_eq!(
            reason(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n")),
            Some(Reason::BadFraming),
            "{fields:?}"
        );
    }
    assert_eq!(
        reason("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Some(Reason::BadFraming)
    );
    assert_eq!(
        reason("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n"),
        Some(Reason::TooLarge)
    );
}

#[test]
fn there_is_one_host() {
    assert_eq!(reason("GET / HTTP/1.1\r\n\r\n"), Some(Reason::BadHost));
    assert_eq!(reason("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), Some(Reason::BadHost));
    assert_eq!(reason("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"), Some(Reason::BadHost));
}

#[test]
fn absolute_form_becomes_origin_form() {
    for (from, to) in [("http://a/x?y", "/x?y"), ("HTTP://A", "/"), ("https://a?y", "/?y")] {
        let rest = "HTTP/1.1\r\nHost: a\r\n\r\nbody";
        let Vetted::Rewritten(head, None) = of(&format!("GET {from} {rest}")) else { panic!("{from}") };
        assert_eq!(head, format!("GET {to} {rest}").as_bytes());
    }
}

#[test]
fn a_head_has_a_size() {
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(reason(&head), Some(Reason::TooLarge));
    assert_eq!(reason(&head[..17_000]), Some(Reason::TooLarge));
    let many = "X: a\r\n".repeat(129);
    assert_eq!(reason(&format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n")), Some(Reason::TooLarge));
}

#[test]
fn a_body_of_chunks_is_held_to_them_from_its_first_byte() {
    let chunked = |target: &str, rest: &str| of(&format!("POST {target} HTTP/1.1\r\nHost: a\r\n{rest}"));
    let behind = |rest: &str| chunked("/x", rest);
    assert_eq!(behind("Content-Length: 1\r\n\r\n\n"), Vetted::Whole(None));
    assert_eq!(behind("X: transfer-encoding: chunked\r\n\r\n\n"), Vetted::Whole(None));
    assert_eq!(behind("\r\ntransfer-encoding: chunked\r\n"), Vetted::Whole(None));
    assert_eq!(behind("TRANSFER-Encoding: chunked\r\nA: b\r\n\r\n"), Vetted::Whole(Some(Chunks::START)));
    let over = "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(behind(over), Vetted::Whole(Some(Chunks::Over)));
    assert!(matches!(chunked("http://a/x", over), Vetted::Rewritten(_, Some(Chunks::Over))));
    for target in ["/x", "http://a/x"] {
        let bad = chunked(target, "Transfer-Encoding: chunked\r\n\r\n\r\n");
        assert!(matches!(bad, Vetted::Refused(refused) if refused.reason == Reason::BadFraming), "{target}");
    }
}
