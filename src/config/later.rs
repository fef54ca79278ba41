//! Which keys and values does the contract name that this version does not have? They are refused by name, because a
//! setting that is silently ignored is a door somebody believes shut.

/// Sections and keys of later versions: the section's name (`""` is the top level), and the key.
const KEYS: &[(&str, &str)] = &[
    ("", "account_check"),
    ("upstreams.*", "health"),
    ("tokens.trusted", "jwks"),
    ("tokens.trusted", "jwks_uri"),
    ("tokens.trusted", "public_key"),
    ("tokens", "account_check"),
    ("endpoints", "introspect"),
    ("endpoints", "jwks"),
    ("endpoints", "verify"),
    ("route", "rate_limit"),
];

/// Values of later versions: section, key, what the value begins with.
const VALUES: &[(&str, &str, &str)] = &[
    ("tokens", "algorithm", "HS384"),
    ("tokens", "algorithm", "HS512"),
    ("tokens", "algorithm", "RS"),
    ("tokens", "algorithm", "PS"),
    ("tokens", "algorithm", "ES"),
    ("tokens", "algorithm", "EdDSA"),
    ("tokens.trusted", "algorithm", "HS384"),
    ("tokens.trusted", "algorithm", "HS512"),
    ("tokens.trusted", "algorithm", "RS"),
    ("tokens.trusted", "algorithm", "PS"),
    ("tokens.trusted", "algorithm", "ES"),
    ("tokens.trusted", "algorithm", "EdDSA"),
];

/// Whether a later version has this key.
pub(super) fn has_key(section: &str, key: &str) -> bool {
    KEYS.contains(&(section, key))
}

/// What a later version understands this value as, if it does.
pub(super) fn has_value(section: &str, key: &str, value: &str) -> Option<&'static str> {
    let found = VALUES.iter().filter(|entry| entry.0 == section && entry.1 == key);
    found.map(|entry| entry.2).find(|beginning| value.starts_with(beginning))
}
