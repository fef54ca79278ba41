//! `[tokens]`: who issues, for whom, for how long, signed with what?
//!
//! A secret that can be guessed lets anyone sign (RFC 8725 §3.5, RFC 7518 §3.2): below 32 bytes it is refused, and so is
//! one that a tutorial prints. Messages name the setting, never the value. What our tokens leave out or say under other
//! names is read in `minting`, and whose tokens are believed beside them in `trusted`.

mod minting;
mod trusted;

use std::time::Duration;

use toml::de::DeValue;

use super::reading::Reading;
use super::section::{At, Section};
use super::source;
use crate::secret::Secret;
use crate::token::{Settings, SubjectForm};

/// RFC 7518 §3.2: a key at least as long as the hash.
const LEAST: usize = 32;
/// Below this many bits, as the spread of its bytes lets one estimate, a secret is warned about.
const WEAK: f64 = 100.0;
const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

/// Secrets that are printed in tutorials, and so known to everybody.
const PUBLISHED: &[&str] = &["09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"];

/// Reads the section.
pub(super) fn read(reading: &mut Reading, top: &mut Section<'_>) -> Option<Settings> {
    let mut section = top.section(reading, "tokens", "tokens");
    let issuer = issuer(reading, &mut section);
    let audience = section.needed_string(reading, "audience", "\"planner\"");
    let (lifetime, max_lifetime) = lifetimes(reading, &mut section);
    section.word(reading, "algorithm", &["HS256"]);
    let secret = secret(reading, &mut section);
    let previous = previous(reading, &mut section, secret.as_ref());
    let subject = subject(reading, &mut section);
    let minting = minting::read(reading, &mut section);
    let leeway = section.duration(reading, "leeway", Duration::ZERO, Duration::ZERO..=Duration::from_secs(5));
    let cache =
        section.size(reading, "cache", 32 << 20, 64 << 10..=16 << 30).map_or(32 << 20, |size| size.value);
    let list = trusted::sections(reading, &mut section);
    section.finish(reading);
    let mut settings = issuer.zip(audience).zip(secret).map(|((issuer, audience), secret)| Settings {
        issuer,
        audience: audience.value.to_owned(),
        lifetime,
        max_lifetime,
        leeway: leeway.map_or(Duration::ZERO, |leeway| leeway.value),
        secret: secret.value,
        previous,
        subject,
        cache_bytes: usize::try_from(cache).unwrap_or(usize::MAX),
        minting,
        trusted: Vec::new(),
        // Those that `[identity]` asks for.
        claims: Vec::new(),
    });
    trusted::read(reading, list, max_lifetime, settings.as_mut());
    settings
}

/// A URL without query and fragment (RFC 8414 §2); `http` is allowed because a gateway may be tried on loopback.
fn issuer(reading: &mut Reading, section: &mut Section<'_>) -> Option<String> {
    let issuer = section.needed_string(reading, "issuer", "\"https://auth.example.org\"")?;
    let rest = issuer.value.strip_prefix("https://").or_else(|| issuer.value.strip_prefix("http://"));
    let plain = |b: u8| b.is_ascii_graphic() && !b"?#\"\\<>{}|^`@".contains(&b);
    if rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(plain)) {
        return Some(issuer.value.to_owned());
    }
    reading.problems.error(
        issuer.span,
        "`issuer` is not a URL that can name an issuer",
        "the address clients use, without query and fragment: issuer = \"https://auth.example.org\"",
    );
    None
}

fn lifetimes(reading: &mut Reading, section: &mut Section<'_>) -> (Duration, Duration) {
    let second = Duration::from_secs(1);
    let lifetime = section.duration(reading, "lifetime", HOUR / 2, second..=YEAR);
    let max_lifetime = section.duration(reading, "max_lifetime", 24 * HOUR, second..=YEAR);
    let longest = max_lifetime.as_ref().map_or(24 * HOUR, |longest| longest.value);
    let lives = lifetime.as_ref().map_or(HOUR / 2, |lifetime| lifetime.value);
    if lives > longest {
        let message = "tokens would live longer than `max_lifetime` accepts";
        let help = "a shorter `lifetime`, or a longer `max_lifetime` (a revocation is kept for as long)";
        match (lifetime, max_lifetime) {
            (Some(lifetime), Some(longest)) => {
                reading.problems.collision(
                    lifetime.span,
                    (longest.span, "the longest accepted"),
                    message,
                    help,
                );
            }
            (Some(one), None) | (None, Some(one)) => reading.problems.error(one.span, message, help),
            (None, None) => {}
        }
    }
    (lives, longest)
}

fn secret(reading: &mut Reading, section: &mut Section<'_>) -> Option<At<Secret>> {
    section.need("secret", "{ file = \"gatepass.secret\" }");
    let value = section.value("secret")?;
    let secret = source::read(reading, "tokens.secret", value)?;
    good(reading, "tokens.secret", secret, None)
}

fn previous(reading: &mut Reading, section: &mut Section<'_>, current: Option<&At<Secret>>) -> Vec<Secret> {
    let Some(value) = section.value("previous") else { return Vec::new() };
    let DeValue::Array(array) = value.get_ref() else {
        reading.problems.mask(value.span());
        reading.wrong_type(value, "a list of secrets", "previous = [{ file = \"old.secret\" }]");
        return Vec::new();
    };
    let mut found: Vec<Secret> = Vec::new();
    for element in array {
        let Some(secret) = source::read(reading, "tokens.previous", element) else { continue };
        let Some(secret) = good(reading, "tokens.previous", secret, None) else { continue };
        let same = |other: &Secret| other.expose() == secret.value.expose();
        if current.is_some_and(|current| same(&current.value)) || found.iter().any(same) {
            let message = "this is the same secret as another one of `[tokens]`";
            reading.problems.error(
                secret.span,
                message,
                "remove it: `previous` is for secrets that signed before",
            );
            continue;
        }
        found.push(secret.value);
    }
    found
}

/// A secret that can be signed with. `weak` is where a weak one may be allowed: of another issuer, and whether it is.
fn good(reading: &mut Reading, setting: &str, secret: At<Secret>, weak: Option<bool>) -> Option<At<Secret>> {
    let bytes = secret.value.expose();
    let (fault, help) = if bytes.len() < LEAST {
        let fault = format!("is too short: {LEAST} bytes are the least (RFC 7518 §3.2)");
        (fault, "a random one: openssl rand -base64 32")
    } else if PUBLISHED.iter().any(|known| known.as_bytes() == bytes) {
        let fault = "is printed in a well-known tutorial: anyone can sign with it".to_owned();
        (fault, "make your own: openssl rand -base64 32")
    } else {
        if spread(bytes) < WEAK {
            reading.problems.warn(
                Some(secret.span.clone()),
                format!("`{setting}` does not look random"),
                "whoever guesses it can sign tokens: openssl rand -base64 32",
            );
        }
        return Some(secret);
    };
    let message = format!("`{setting}` {fault}");
    match weak {
        Some(true) => {
            let help = "whoever guesses it is any user of this issuer, or of ours if subjects are shared: replace it soon";
            reading.problems.warn(Some(secret.span.clone()), message, help);
            return Some(secret);
        }
        Some(false) => {
            let help =
                format!("{help}; until the application has one, for this issuer alone: weak_secret = true");
            reading.problems.error(secret.span, message, help);
        }
        None => reading.problems.error(secret.span, message, help),
    }
    None
}

/// An estimate, in bits, of what a secret is worth: the entropy of its bytes, repetition counted once.
#[expect(clippy::cast_precision_loss, reason = "an estimate over at most 64 KiB")]
fn spread(bytes: &[u8]) -> f64 {
    let period =
        (1..=bytes.len() / 2).find(|period| bytes.iter().zip(&bytes[*period..]).all(|(a, b)| a == b));
    let bytes = &bytes[..period.unwrap_or(bytes.len())];
    let mut counts = [0_usize; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let length = bytes.len() as f64;
    let share = |count: usize| count as f64 / length;
    counts.iter().filter(|count| **count > 0).map(|count| -share(*count).log2() * *count as f64).sum()
}

fn subject(reading: &mut Reading, section: &mut Section<'_>) -> SubjectForm {
    let form = section.word(reading, "subject", &["id", "login"]);
    let prefix = section.string(reading, "subject_prefix", "\"username:\"");
    if form.is_some_and(|form| form.value == "login") {
        let prefix = prefix.map_or("", |prefix| {
            if prefix.value.len() > 64 || prefix.value.chars().any(|c| c.is_control() || c.is_whitespace()) {
                let help = "at most 64 bytes without white space: subject_prefix = \"username:\"";
                reading.problems.error(prefix.span, "this cannot stand before a login", help);
            }
            prefix.value
        });
        return SubjectForm::Login { prefix: prefix.to_owned() };
    }
    if let Some(prefix) = prefix {
        let help = "write subject = \"login\" too, or remove it";
        reading.problems.error(prefix.span, "`subject_prefix` goes only with subject = \"login\"", help);
    }
    SubjectForm::Id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_texts_are_not_called_weak_and_words_are() {
        use base64::Engine as _;
        for _ in 0..200 {
            let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(crate::secret::random::<32>());
            assert!(spread(text.as_bytes()) > WEAK, "{text}");
        }
        let repeated = "correct-horse".repeat(5);
        for weak in ["changemechangemechangemechangeme1", "a".repeat(64).as_str(), repeated.as_str()] {
            assert!(spread(weak.as_bytes()) < WEAK, "{weak}: {}", spread(weak.as_bytes()));
        }
    }
}
