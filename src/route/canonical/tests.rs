//! What is canonical, what is refused, and for which reason.

use super::*;

fn refusal(raw: &[u8]) -> &'static str {
    match Target::parse(raw) {
        Ok(target) => panic!("accepted: {target:?}"),
        Err(BadTarget(reason)) => reason,
    }
}

#[test]
fn what_is_accepted_is_unchanged() {
    let cases = [
        ("/", "/", None),
        ("/event/", "/event/", None),
        ("/event/42?x=1&y=%zz?/../", "/event/42", Some("x=1&y=%zz?/../")),
        ("/?", "/", Some("")),
        ("/caf%C3%A9", "/caf%C3%A9", None),
        ("/caf%c3%a9", "/caf%c3%a9", None),
        ("/%F0%9F%8E%89/%E2%82%AC", "/%F0%9F%8E%89/%E2%82%AC", None),
        ("/user/ada%40example.org", "/user/ada%40example.org", None),
        ("/a@b:c!$&'()*+,=~_-.d", "/a@b:c!$&'()*+,=~_-.d", None),
        ("/...", "/...", None),
        ("/.well-known/x..", "/.well-known/x..", None),
        ("/50%25", "/50%25", None),
        ("/50%25/x", "/50%25/x", None),
        ("/50%25x1", "/50%25x1", None),
        ("/a%20b%3F%23", "/a%20b%3F%23", None),
        ("/q?a|b^c`d{e}\"<>\\", "/q", Some("a|b^c`d{e}\"<>\\")),
    ];
    for (raw, path, query) in cases {
        let target = Target::parse(raw.as_bytes()).unwrap_or_else(|why| panic!("{raw}: {why}"));
        assert_eq!((target.path(), target.query()), (path, query), "{raw}");
    }
}

#[test]
fn the_first_byte_is_a_slash() {
    let bad: &[&[u8]] = &[
        b"",
        b"*",
        b"api/admin",
        b"../api/admin",
        b"%2fapi%2fadmin",
        b"\\api\\admin",
        b"x:/api/admin",
        b"a:80",
        b"%20/api",
        b"#/api/admin",
        b"?x=1",
        b" /api",
        b"http://gw.test/api",
    ];
    for raw in bad {
        assert_eq!(refusal(raw), "the target does not begin with a slash", "{raw:?}");
    }
}

#[test]
fn no_second_reading_is_left() {
    let cases: &[(&str, &[&[u8]])] = &[
        (
            "the path holds a dot segment",
            &[
                b"/..",
                b"/.",
                b"/public/../api/admin",
                b"/public/./../api",
                b"/public/..",
                b"/public/..?x",
                b"/a/./b",
            ],
        ),
        (
            "the path holds an encoded character that needs no encoding",
            &[
                b"/public/%2e%2e/api",
                b"/public/.%2e/api",
                b"/public/%2E./api",
                b"/%61pi/admin",
                b"/p%75blic/x",
                b"/%7E",
                b"/%5F",
                b"/%2d",
                b"/%30",
                b"/%25%32%66",
            ],
        ),
        (
            "the path holds an empty segment",
            &[b"//", b"//api/admin", b"///api", b"/public//../api", b"//public/x", b"/api//admin", b"/api//"],
        ),
        (
            "the path holds an encoded slash",
            &[b"/public/..%2fapi/admin", b"/public%2F..%2Fapi", b"/api%2fadmin", b"/%2f"],
        ),
        ("the path holds an encoded backslash", &[b"/a%5cb", b"/a%5Cb"]),
        ("the path holds a backslash", &[b"/public\\..\\api\\admin", b"/\\api", b"/public/..\\api"]),
        ("the path holds a semicolon", &[b"/public/..;/api", b"/;x=1/", b"/api;jsessionid=1"]),
        ("the path holds an encoded semicolon", &[b"/public/..%3b/api", b"/%3B"]),
        ("the target holds a fragment", &[b"/api/admin#/public", b"/public#/../api/admin"]),
        (
            "the path holds an encoded control character",
            &[b"/a%00", b"/a%0d%0aX", b"/%1f", b"/%7f", b"/%7F", b"/a%C2%80", b"/a%c2%9f", b"/%C2%85"],
        ),
        ("the path holds a control character", &[b"/a\0", b"/a\r\n", b"/\t", b"/a\x7f", b"/\x1b[2J"]),
        (
            "the path holds a percent sign that begins no escape",
            &[b"/%", b"/%4", b"/%zz", b"/a%2", b"/%/25", b"/%u0041", b"/50%", b"/a%?2f"],
        ),
        ("the path is encoded twice", &[b"/%252e%252e/api", b"/%252fapi", b"/%2541", b"/%25aF"]),
        (
            "the path does not decode to UTF-8",
            &[
                b"/%ff",
                b"/%C3",
                b"/%C3x",
                b"/%C3%28",
                b"/%c0%af",
                b"/%c0%ae",
                b"/%e0%80%af",
                b"/%ED%A0%80",
                b"/%f4%90%80%80",
                b"/%F0%9F%8E",
                b"/%A9",
                b"/%C3/%A9",
                b"/%F8%88%80%80%80",
            ],
        ),
        (
            "the path holds a byte outside ASCII that is not percent-encoded",
            &["/café".as_bytes(), b"/\xff", b"/\xc0\xaf"],
        ),
        (
            "the path holds a character that must be percent-encoded",
            &[b"/a b", b"/\"", b"/<x>", b"/^", b"/`", b"/{id}", b"/a|b", b"/[x]"],
        ),
        (
            "the query holds a character that must be percent-encoded",
            &[b"/?a b", b"/?\r\n", b"/?\0", b"/?\xff", b"/?a#b", b"/?\x7f", "/?é".as_bytes()],
        ),
    ];
    for (reason, targets) in cases {
        for raw in *targets {
            assert_eq!(refusal(raw), *reason, "{}", String::from_utf8_lossy(raw));
        }
    }
}

#[test]
fn a_segment_is_decoded_only_where_it_fits() {
    let mut buffer = [0; 4];
    assert_eq!(decode_segment("%C3%A9a%40", &mut buffer), Some("éa@".as_bytes()));
    assert_eq!(decode_segment("abcde", &mut buffer), None);
    assert_eq!(decode_segment("", &mut buffer), Some(&b""[..]));
}
