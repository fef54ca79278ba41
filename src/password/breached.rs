//! Which passwords does everybody who guesses know? A list from a file, eight bytes an entry.
//!
//! A line is a password, or the SHA-1 of one in hexadecimal digits, with or without `:` and how often it was seen, as
//! Have I Been Pwned's list has them. Of each SHA-1 the first 64 bits are kept: of a thousand million passwords that are
//! not on a full list, one is taken for another.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use aws_lc_rs::digest;

/// The longest line that is read: no password is as long.
const LONGEST: usize = 4096;

/// Why a list was not read.
#[derive(Debug, thiserror::Error)]
pub enum BadList {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// More entries than fit into the memory we give it.
    #[error("holds more than {} passwords", Breached::MOST)]
    TooMany,
    /// A line that is no password.
    #[error("holds a line of more than {LONGEST} bytes, in line {0}")]
    LongLine(usize),
    /// No line says anything.
    #[error("holds no password")]
    Empty,
}

/// The list.
pub struct Breached {
    /// The first 64 bits of each SHA-1, in order.
    digests: Vec<u64>,
}

impl Breached {
    /// The most entries: 128 MiB of them.
    pub const MOST: usize = 16 * 1024 * 1024;

    /// Reads the file.
    pub fn load(path: &Path) -> Result<Self, BadList> {
        Self::read(File::open(path)?)
    }

    /// Reads a list.
    pub fn read(list: impl io::Read) -> Result<Self, BadList> {
        Self::read_at_most(list, Self::MOST)
    }

    fn read_at_most(list: impl io::Read, most: usize) -> Result<Self, BadList> {
        let mut list = BufReader::new(list);
        let mut digests = Vec::new();
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if list.by_ref().take(LONGEST as u64 + 2).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if text.len() > LONGEST {
                return Err(BadList::LongLine(number));
            }
            if text.is_empty() {
                continue;
            }
            if digests.len() == most {
                return Err(BadList::TooMany);
            }
            digests.push(of_sha1(text).unwrap_or_else(|| of_password(text)));
        }
        digests.sort_unstable();
        digests.dedup();
        digests.shrink_to_fit();
        if digests.is_empty() { Err(BadList::Empty) } else { Ok(Self { digests }) }
    }

    /// Whether `password` is on it.
    pub fn has(&self, password: &[u8]) -> bool {
        self.digests.binary_search(&of_password(password)).is_ok()
    }

    /// How many passwords are on it.
    pub fn len(&self) -> usize {
        self.digests.len()
    }

    /// Whether there is none on it, which [`Self::read`] refuses.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }
}

impl fmt::Debug for Breached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Breached({} passwords)", self.len())
    }
}

fn of_password(password: &[u8]) -> u64 {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password);
    let first = digest.as_ref().first_chunk().expect("a SHA-1 has twenty bytes");
    u64::from_be_bytes(*first)
}

/// The first 64 bits of a SHA-1 written as forty hexadecimal digits, and perhaps `:` and a number.
fn of_sha1(line: &[u8]) -> Option<u64> {
    let (digits, rest) = line.split_at_checked(40)?;
    let count = match rest {
        [] => true,
        [b':', count @ ..] => !count.is_empty() && count.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !count || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(&digits[..16]).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_their_digests_are_one_list() {
        let text = "pässwörd\r\n\n\
                    5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004\n\
                    b1b3773a05c0ed0176787a4f1574ff0075f7521e\n\
                    password1:2\n\
                    pässwörd";
        let list = Breached::read(text.as_bytes()).unwrap();
        for known in ["pässwörd", "password", "qwerty", "password1:2"] {
            assert!(list.has(known.as_bytes()), "{known}");
        }
        for other in ["password1", "", "Password", "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8"] {
            assert!(!list.has(other.as_bytes()), "{other}");
        }
        assert_eq!(list.len(), 4);
        assert_eq!(format!("{list:?}"), "Breached(4 passwords)");
    }

    #[test]
    fn a_list_has_its_bounds() {
        let most = |text: &str, most| Breached::read_at_most(text.as_bytes(), most);
        assert_eq!(most("a\nb\na\n", 3).unwrap().len(), 2, "said twice is kept once");
        assert!(matches!(most("a\nb\nc\n", 2), Err(BadList::TooMany)));
        assert!(matches!(most("\n\n", 2), Err(BadList::Empty)));
        let long = format!("a\n{}\n", "x".repeat(LONGEST + 1));
        assert!(matches!(most(&long, 9), Err(BadList::LongLine(2))));
        assert_eq!(most(&long[..LONGEST + 2], 9).unwrap().len(), 2);
        assert!(matches!(Breached::load(Path::new("/nowhere/at/all")), Err(BadList::Io(_))));
    }
}
