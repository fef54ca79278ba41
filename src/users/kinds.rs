//! Which of many hashes cost the same? What is before salt and digest says so, in every scheme that is in use.

use std::collections::BTreeMap;

use crate::password::PasswordHash;

/// The first hash of each kind.
pub(super) fn one_of_each(hashes: impl IntoIterator<Item = PasswordHash>) -> Vec<PasswordHash> {
    let mut kinds = BTreeMap::new();
    for hash in hashes {
        let kind = kind(hash.expose());
        if !kinds.contains_key(kind) {
            kinds.insert(kind.to_owned(), hash);
        }
    }
    kinds.into_values().collect()
}

/// Scheme and cost. Nothing of a hash that is none, so that a thousand of them are one kind.
fn kind(hash: &str) -> &str {
    // bcrypt has its salt and digest in one piece; Django puts a name in front of it.
    let bcrypt = hash.match_indices("$2").map(|(at, _)| at).find(|at| {
        let rest = &hash.as_bytes()[at + 2..];
        rest.len() > 5 && rest[1] == b'$' && rest[4] == b'$' && rest[2..4].iter().all(u8::is_ascii_digit)
    });
    if let Some(at) = bcrypt {
        return &hash[..at + 7];
    }
    if hash.starts_with('{') {
        return hash.split_inclusive('}').next().unwrap_or_default();
    }
    // Everywhere else the last two pieces are salt and digest.
    let mut dollars = hash.rmatch_indices('$').map(|(at, _)| at);
    let (_, salt) = (dollars.next(), dollars.next());
    &hash[..salt.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_scheme_and_cost() {
        for (hash, expected) in [
            ("$2b$12$saltsaltsaltsaltsalt..digest", "$2b$12$"),
            ("bcrypt_sha256$$2b$10$saltdigest", "bcrypt_sha256$$2b$10$"),
            ("$argon2id$v=19$m=65536,t=3,p=4$salt$digest", "$argon2id$v=19$m=65536,t=3,p=4"),
            ("pbkdf2_sha256$600000$salt$digest", "pbkdf2_sha256$600000"),
            ("scrypt:32768:8:1$salt$digest", "scrypt:32768:8:1"),
            ("$6$rounds=5000$salt$digest", "$6$rounds=5000"),
            ("$apr1$salt$digest", "$apr1"),
            ("{SHA}digest", "{SHA}"),
            ("nonsense", ""),
            ("", ""),
            ("$2b$1", ""),
            ("x$2\u{e9}$12$", "x$2\u{e9}"),
        ] {
            assert_eq!(kind(hash), expected, "{hash}");
        }
        let hashes = ["$2b$12$one", "$2b$12$two", "$2b$10$three", "x", "y"];
        let kept = one_of_each(hashes.map(|hash| PasswordHash::from_store(hash.to_owned())));
        assert_eq!(
            kept.iter().map(PasswordHash::expose).collect::<Vec<_>>(),
            ["x", "$2b$10$three", "$2b$12$one"]
        );
    }
}
