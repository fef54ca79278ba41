//! What must never be shown, and what must never be guessed.
//!
//! [`Secret`] holds bytes that no log, error or `Debug` output can reveal and that are wiped when dropped;
//! [`random`] draws from the system's generator.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretSlice};

/// Secret bytes: a key, a password. `Debug` shows nothing of them.
#[derive(Clone)]
pub struct Secret(SecretSlice<u8>);

impl Secret {
    /// Takes the bytes over; the source is wiped by its own owner.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(SecretSlice::from(bytes))
    }

    /// The bytes, for the one computation that needs them.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes().to_vec())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// `N` bytes from the system's generator.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Not AWS-LC's generator, which collects entropy of its own first: that was nearly half of what a start computed.
    getrandom::fill(&mut bytes).expect("the system's random generator answers");
    bytes
}

/// An identifier nobody can guess: 128 random bits, 22 characters of base64url.
pub fn random_id() -> String {
    URL_SAFE_NO_PAD.encode(random::<16>())
}
