//! Where may a sign-in lead? To a target of this gateway, never to another site.
//!
//! What begins with two slashes, or a slash and a backslash, is another site to a browser, which also drops tabs and line
//! ends from an address. The parser that every request goes through refuses all of them; what it accepts means one thing.

use crate::route::Target;

/// The target, if it is one of this gateway's: path and query as a client would send them.
pub fn own_target(text: &str) -> Option<&str> {
    Target::parse(text.as_bytes()).ok().map(|_| text)
}

/// What `next` says in a query; nothing if it says two things.
pub(super) fn asked(query: &str) -> Option<String> {
    let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "next");
    match (found.next(), found.next()) {
        (Some((_, next)), None) => Some(next.into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_here() {
        for here in
            ["/", "/event/", "/event/1?a=b&c=%20", "/path?next=//evil", "/a%20b", "/?", "/x?https://evil"]
        {
            assert_eq!(own_target(here), Some(here));
        }
        for elsewhere in [
            "",
            "//evil",
            "///evil",
            "/\\evil",
            "\\\\evil",
            "/%2f%2fevil",
            "/%2F/evil",
            "/%5cevil",
            "/./evil",
            "/../evil",
            "/%2e%2e//evil",
            "https://evil",
            "https:evil",
            "HTTPS:/evil",
            "javascript:alert(1)",
            "data:text/html,x",
            "evil",
            "?a",
            "#a",
            "/\t/evil",
            "/\n/evil",
            "\t//evil",
            " //evil",
            " /x",
            "/x\r\nSet-Cookie: a=b",
            "/x?a\r\nb",
            "/x\0",
            "/x y",
            "/é",
            "/x#frag",
            "/;@evil",
            "/%09/evil",
        ] {
            assert_eq!(own_target(elsewhere), None, "{elsewhere:?}");
        }
    }

    #[test]
    fn next_says_one_thing() {
        assert_eq!(asked("a=b&next=%2Fevent%2F%3Fa%3Db"), Some("/event/?a=b".into()));
        assert_eq!(asked("next"), Some(String::new()));
        assert_eq!(asked("a=b"), None);
        assert_eq!(asked("next=/a&next=/a"), None);
    }
}
