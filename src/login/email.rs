//! Is this an e-mail address?
//!
//! What HTML calls a valid e-mail address (WHATWG HTML, `<input type=email>`), which is what forms send, within the
//! lengths of RFC 5321 §4.5.3.1: whether it reaches anybody, only a mail can tell.

/// Whether `text` is one address and nothing else.
pub(super) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    text.len() <= 254
        && (1..=64).contains(&local.len())
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b))
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_forms_send() {
        for good in ["ada@example.org", "a@b", "first.last+tag@sub-domain.example.co", "o'neil@x1.example"] {
            assert!(is_address(good), "{good}");
        }
    }

    #[test]
    fn what_only_looks_like_one() {
        let long = format!("{}@example.org", "a".repeat(65));
        let longest =
            format!("a@{}", ["b".repeat(63), "b".repeat(63), "b".repeat(63), "b".repeat(63)].join("."));
        for bad in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.org",
            "ada@example@org",
            "ada @example.org",
            "ada@exa mple.org",
            "ada@example..org",
            "ada@.example.org",
            "ada@example.org.",
            "ada@-example.org",
            ".ada@example.org",
            "a..b@example.org",
            "ada@example.org\r\nBcc: x@y",
            "\"ada\"@example.org",
            "<ada@example.org>",
            "ada@ex\u{e4}mple.org",
            "ada@exam_ple.org",
            &long,
            &longest,
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }
}
