//! Is the work of every check the same, whatever is stored, and is it bounded?

use std::collections::BTreeMap;

use super::super::settings::NewHash;
use super::super::{Scheme, SchemeSet};
use super::*;
use crate::secret::Secret;

fn bcrypt(cost: u32) -> Work {
    Work::new(HasherSettings::of(NewHash::Bcrypt { cost }))
}

/// All schemes, and argon2id for new ones.
fn argon2id() -> Work {
    let hash = NewHash::Argon2id { memory: 64, iterations: 1, parallelism: 1 };
    Work::new(HasherSettings { verify: Scheme::ALL.into_iter().collect(), ..HasherSettings::of(hash) })
}

fn hash(password: &str, cost: u32) -> PasswordHash {
    bcrypt(cost).hash(&NewPassword::kept(Secret::from(password)))
}

fn stored(text: &str) -> PasswordHash {
    PasswordHash::from_store(text.to_owned())
}

/// Checks, and says how much work of each kind that took.
fn verify(work: &Work, password: &str, stored: Option<&PasswordHash>) -> (bool, BTreeMap<String, u64>) {
    work.spent.lock().unwrap().clear();
    let fits = work.verify(password.as_bytes(), stored);
    let mut units: BTreeMap<String, u64> = BTreeMap::new();
    for part in work.spent.lock().unwrap().iter() {
        let kind = match part {
            Recipe::Bcrypt { .. } => "bcrypt".to_owned(),
            Recipe::Pbkdf2 { prf, .. } => format!("pbkdf2 {prf:?}"),
            Recipe::ShaCrypt { width, salt, .. } => format!("crypt {width:?} {salt}"),
            other => format!("{other:?}"),
        };
        *units.entry(kind).or_default() += part.units();
    }
    units.retain(|_, units| *units > 0);
    (fits, units)
}

fn rounds(cost: u32) -> BTreeMap<String, u64> {
    BTreeMap::from([("bcrypt".to_owned(), 1 << cost)])
}

#[test]
fn what_was_hashed_fits_and_nothing_else() {
    let work = bcrypt(4);
    let known = hash("correct horse", 4);
    assert!(known.expose().starts_with("$2b$04$") && known.expose().len() == 60);
    assert_ne!(known.expose(), hash("correct horse", 4).expose(), "the salt is new each time");
    assert!(verify(&work, "correct horse", Some(&known)).0);
    assert!(!verify(&work, "correct horsf", Some(&known)).0);
    let work = argon2id();
    let known = work.hash(&NewPassword::kept(Secret::from("correct horse")));
    assert!(known.expose().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
    assert!(verify(&work, "correct horse", Some(&known)).0);
    assert!(!verify(&work, "correct horsf", Some(&known)).0);
}

#[test]
fn every_no_takes_the_same_work() {
    let work = bcrypt(6);
    let long = "x".repeat(5000);
    let cheap = hash("correct horse", 4);
    let usual = hash("correct horse", 6);
    let of_nothing = stored("$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.");
    let cases = [
        ("no such user", "wrong", None),
        ("wrong password", "wrong", Some(&usual)),
        ("wrong password, cheap hash", "wrong", Some(&cheap)),
        ("malformed hash", "wrong", Some(&stored("plain text"))),
        ("empty hash", "", Some(&stored(""))),
        ("cost 31", "wrong", Some(&stored(&usual.expose().replace("$06$", "$31$")))),
        ("empty password", "", Some(&usual)),
        ("the hash of nothing", "", Some(&of_nothing)),
        ("a NUL", "correct horse\0", Some(&usual)),
        ("too long", long.as_str(), Some(&usual)),
        ("a scheme that is not verified", "myPassword", Some(&stored("{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE="))),
    ];
    for (case, password, stored) in cases {
        assert_eq!(verify(&work, password, stored), (false, rounds(6)), "{case}");
    }
    assert_eq!(
        verify(&work, "correct horse", Some(&cheap)),
        (true, rounds(6)),
        "nor does a yes tell its cost"
    );
}

#[test]
fn a_dearer_hash_makes_every_check_as_dear() {
    let work = bcrypt(4);
    assert_eq!(verify(&work, "wrong", None).1, rounds(4));
    assert_eq!(verify(&work, "wrong", Some(&hash("correct horse", 7))).1, rounds(7));
    assert_eq!(verify(&work, "wrong", None).1, rounds(7));
    assert_eq!(verify(&work, "wrong", Some(&hash("correct horse", 4))).1, rounds(7));
    let usual = hash("correct horse", 8);
    work.expect(&stored(&usual.expose().replace("$08$", "$31$")));
    assert_eq!(verify(&work, "wrong", None).1, rounds(7), "there is no working for such a hash");
    work.expect(&usual);
    assert_eq!(verify(&work, "wrong", None).1, rounds(8));
}

/// Cheap hashes of many kinds, for "password".
const MIXED: [&str; 6] = [
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
    "pbkdf2:sha1:4096$salt$4b007901b765489abead49d926f721d065a429c1",
    "pbkdf2:sha1:2$salt$ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957",
    "$1$xxxxxxxx$UYCIxa628.9qXjpQCjM4a.",
    "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8",
];

#[test]
fn kinds_are_worked_for_one_after_the_other_and_alike_for_all() {
    let work = argon2id();
    assert_eq!(verify(&work, "wrong", None).1.len(), 1);
    for text in MIXED {
        work.expect(&stored(text));
    }
    let (_, usual) = verify(&work, "wrong", None);
    assert_eq!(usual.len(), 6, "{usual:?}");
    assert_eq!(usual["pbkdf2 Sha1"], 4096);
    for text in MIXED {
        for password in ["wrong", "password", "", "p\0", &"x".repeat(600), &"x".repeat(2000)] {
            assert_eq!(verify(&work, password, Some(&stored(text))).1, usual, "{text}");
        }
    }
    assert_eq!(verify(&work, "wrong", Some(&stored("malformed"))).1, usual);
    assert!(verify(&work, "password", Some(&stored(MIXED[3]))).0, "the cheap one fits all the same");
}

#[test]
fn planted_hashes_make_no_check_dearer_than_the_budget() {
    let work = argon2id();
    // A hundred kinds of a second or two each.
    for memory in 0..100 {
        let planted = MIXED[0].replace("m=256,t=2", &format!("m={},t=8", 262_144 - memory));
        work.expect(&stored(&planted));
    }
    work.expect(&stored(&hash("correct horse", 4).expose().replace("$04$", "$16$")));
    let known = work.known.lock().unwrap();
    let total: u64 = known.recipes.iter().map(|recipe| recipe.micros()).sum();
    assert!(total <= BUDGET && known.warned && known.recipes.len() < 10, "{total} {:?}", known.recipes);
}

#[test]
fn every_scheme_is_bounded() {
    let most = [
        "$2b$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned(),
        MIXED[0].replace("m=256,t=2", "m=262144,t=8"),
        format!("scrypt:262144:8:4$salt${}", "00".repeat(64)),
        format!("pbkdf2:sha512:4000000$salt${}", "00".repeat(64)),
        MIXED[5].replace("$5$", "$5$rounds=1000000$"),
    ];
    for text in most {
        let micros = StoredHash::parse(&text).expect(&text).recipe().micros();
        assert!((500_000..=4_000_000).contains(&micros), "{text}: {micros}");
    }
}

#[test]
fn only_schemes_that_are_named_are_verified() {
    let sha1 = stored("{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=");
    assert!(!verify(&bcrypt(4), "myPassword", Some(&sha1)).0);
    let settings = HasherSettings {
        verify: SchemeSet::NONE.with(Scheme::Sha1),
        ..HasherSettings::of(NewHash::Bcrypt { cost: 4 })
    };
    let work = Work::new(settings);
    assert!(verify(&work, "myPassword", Some(&sha1)).0);
    assert!(!verify(&work, "correct horse", Some(&hash("correct horse", 4))).0);
}

#[test]
fn bcrypt_is_never_given_what_it_would_cut_off() {
    let work = bcrypt(4);
    // What another program stored: bcrypt reads 72 bytes, so the first two fit by its own lights.
    let truncated = stored(&::bcrypt::hash("a".repeat(80), 4).unwrap());
    assert!(!verify(&work, &"a".repeat(80), Some(&truncated)).0);
    assert!(!verify(&work, &("a".repeat(72) + "z"), Some(&truncated)).0);
    let short = stored(&::bcrypt::hash("abc", 4).unwrap());
    assert!(verify(&work, "abc", Some(&short)).0, "an old password may be shorter than a new one must be");
    for other in ["abc\0abc", "abc\0", "\0abc", "abc\0abd"] {
        assert!(!verify(&work, other, Some(&short)).0, "{other:?}");
    }
    let longest = "a".repeat(71);
    assert!(verify(&work, &longest, Some(&hash(&longest, 4))).0);
}

#[test]
fn what_others_cut_off_is_cut_off_where_that_is_said() {
    let cut = HasherSettings { truncate: true, ..HasherSettings::of(NewHash::Bcrypt { cost: 4 }) };
    let work = Work::new(cut);
    for length in [71, 72, 73, 80, 1024] {
        let password = "a".repeat(length);
        let truncated = stored(&::bcrypt::hash(&password, 4).unwrap());
        assert!(verify(&work, &password, Some(&truncated)).0, "{length}");
        assert_eq!(verify(&work, &"a".repeat(70), Some(&truncated)), (false, rounds(4)), "{length}");
        assert_eq!(verify(&work, &(password + "z"), Some(&truncated)).0, (72..1024).contains(&length));
    }
}

#[test]
fn where_nothing_new_is_stored_nothing_costs_what_it_would() {
    let work = argon2id();
    work.expect_only(&[stored("nothing to work for")]);
    assert!(
        !verify(&work, "wrong", None).1.contains_key("bcrypt"),
        "an empty store costs what is configured"
    );
    assert_eq!(verify(&work, "wrong", None).1.len(), 1);
    work.expect_only(&[hash("correct horse", 4), hash("correct horse", 5)]);
    assert_eq!(verify(&work, "wrong", None).1, rounds(5));
    assert_eq!(verify(&work, "correct horse", Some(&hash("correct horse", 4))), (true, rounds(5)));
}
