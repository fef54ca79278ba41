//! Does what the real producers wrote verify, and nothing that only resembles it? `hashes/generate.py` wrote the file.

use std::time::Duration;

use gatepass::clock;
use gatepass::password::{Hasher, HasherSettings, NewHash, PasswordHash, Scheme, SchemeSet};
use gatepass::secret::Secret;

/// A line of the file.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) producer: String,
    pub(super) scheme: Scheme,
    pub(super) password: String,
    pub(super) hash: String,
}

impl Row {
    /// bcrypt reads 72 bytes; its makers have cut off the rest.
    fn is_cut(&self) -> bool {
        self.scheme == Scheme::Bcrypt && self.password.len() > 71
    }
}

pub(super) fn rows() -> Vec<Row> {
    let lines = include_str!("../hashes/hashes.txt").lines();
    let rows = lines.map(|line| {
        let [producer, _, scheme, password, hash] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let scheme = Scheme::parse(scheme).unwrap();
        Row { producer: producer.into(), scheme, password: password.into(), hash: hash.into() }
    });
    rows.collect()
}

/// One that verifies these schemes.
fn hasher(verify: SchemeSet, truncate: bool) -> Hasher {
    let settings = HasherSettings { verify, truncate, ..HasherSettings::of(NewHash::Bcrypt { cost: 4 }) };
    Hasher::start(settings).unwrap()
}

async fn fits(hasher: &Hasher, password: &str, hash: &str) -> bool {
    let stored = PasswordHash::from_store(hash.to_owned());
    hasher.place().unwrap().verify(Secret::from(password), Some(stored)).await.unwrap()
}

fn scheme(hash: &str) -> Option<Scheme> {
    Scheme::of(&PasswordHash::from_store(hash.to_owned()))
}

/// All but one.
fn without(scheme: Scheme) -> SchemeSet {
    Scheme::ALL.into_iter().filter(|other| *other != scheme).collect()
}

#[tokio::test]
async fn every_row_fits_its_password_and_no_other() {
    for row in rows() {
        let context = format!("{} {} {:?} {}", row.producer, row.scheme, row.password, row.hash);
        assert_eq!(scheme(&row.hash), Some(row.scheme), "{context}");
        let only = hasher(SchemeSet::NONE.with(row.scheme), false);
        // Nobody signs in with an empty password, whatever is stored.
        let good = !row.password.is_empty() && !row.is_cut();
        assert_eq!(fits(&only, &row.password, &row.hash).await, good, "{context}");
        let nearly = format!("{}x", row.password);
        assert!(!fits(&only, &nearly, &row.hash).await, "{context}");
        assert!(!fits(&hasher(without(row.scheme), true), &row.password, &row.hash).await, "{context}");
        if row.is_cut() {
            let cutting = hasher(SchemeSet::STRONG, true);
            assert!(fits(&cutting, &row.password, &row.hash).await, "{context}");
            assert!(!fits(&cutting, &row.password[..71], &row.hash).await, "{context}");
        }
    }
}

#[test]
fn every_scheme_has_rows() {
    let rows = rows();
    for scheme in Scheme::ALL {
        let of_scheme: Vec<&Row> = rows.iter().filter(|row| row.scheme == scheme).collect();
        for password in ["correct horse", "pässwörd", "  two  spaces ", ""] {
            assert!(of_scheme.iter().any(|row| row.password == password), "{scheme} of {password:?}");
        }
        assert!(of_scheme.iter().any(|row| row.password.len() == 80), "{scheme} of a long one");
    }
    let producers = ["passlib", "argon2-cffi", "pwdlib", "Django", "Werkzeug", "htpasswd"];
    for producer in producers {
        assert!(rows.iter().any(|row| row.producer == producer), "{producer}");
    }
}

/// `text` with another character at `at`, of the same alphabet.
fn changed(text: &str, at: usize) -> String {
    let old = text.as_bytes()[at];
    let new = if old == b'0' { "1" } else { "0" };
    format!("{}{new}{}", &text[..at], &text[at + 1..])
}

#[tokio::test]
async fn what_was_cut_short_or_changed_fits_nothing() {
    for row in rows().into_iter().filter(|row| row.password == "pässwörd") {
        let hasher = hasher(Scheme::ALL.into_iter().collect(), false);
        let end = row.hash.trim_end_matches('=').len();
        let mut variants: Vec<String> = [end - 2, end - 9, end - 15].map(|at| changed(&row.hash, at)).into();
        variants
            .extend([1, 2, 7, row.hash.len() - 1].map(|left| row.hash[..row.hash.len() - left].to_owned()));
        variants.extend(["=", "x", "$", " ", "\n", "\u{e9}"].map(|more| format!("{}{more}", row.hash)));
        variants.extend([" ", "$", "x"].map(|more| format!("{more}{}", row.hash)));
        for variant in variants {
            assert_ne!(variant, row.hash);
            assert!(!fits(&hasher, &row.password, &variant).await, "{} as {variant}", row.hash);
        }
    }
}

/// Costs that would keep a thread for hours, or take all memory.
#[tokio::test]
async fn a_planted_hash_is_no_work() {
    let digest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let planted = [
        "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned(),
        "bcrypt$$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned(),
        "bcrypt_sha256$$2b$20$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned(),
        "$bcrypt-sha256$v=2,t=2b,r=31$CCCCCCCCCCCCCCCCCCCCC.$E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned(),
        format!("$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ${digest}"),
        format!("$argon2id$v=19$m=8,t=4294967295,p=1$c29tZXNhbHQ${digest}"),
        format!("argon2$argon2i$v=19$m=65536,t=1000,p=1$c29tZXNhbHQ${digest}"),
        format!("$scrypt$ln=30,r=8,p=1$c29tZXNhbHQ${digest}"),
        format!("$scrypt$ln=1,r=1,p=1073741823$c29tZXNhbHQ${digest}"),
        format!("scrypt$1048576$salt$8$1${digest}="),
        format!("scrypt:2:8388608:1$salt${}", "00".repeat(64)),
        format!("$pbkdf2-sha256$4294967295$c29tZXNhbHQ${digest}"),
        format!("pbkdf2_sha256$2000000000$salt${digest}="),
        format!("pbkdf2:sha256:999999999$salt${}", "00".repeat(32)),
        format!("$5$rounds=999999999$salt${digest}"),
        format!("$6$rounds=999999999$salt${digest}{digest}"),
        format!("$6$rounds=5000$salt${}", "A".repeat(1 << 20)),
    ];
    let hasher = hasher(Scheme::ALL.into_iter().collect(), true);
    let start = clock::instant();
    for planted in planted {
        assert_eq!(scheme(&planted), None, "{planted}");
        assert!(!fits(&hasher, "password", &planted).await, "{planted}");
    }
    // Any one of them would take longer.
    assert!(start.elapsed() < Duration::from_secs(60));
}
