//! How long is `"30m"`, how much is `"64KiB"`? Durations and sizes as people write them, always with a unit.
//!
//! Strict on purpose: a number without a unit, a fraction, or a unit in another case is refused, never guessed
//! (`"30M"` would be months to one reader and minutes to another).

use std::fmt::Write as _;
use std::time::Duration;

const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

const SIZES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// Reads `"90s"`, `"1h30m"`: whole numbers with `d`, `h`, `m`, `s` or `ms`, the larger unit first; a space may part
/// them.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0_u64;
    let mut larger = 0;
    while !rest.is_empty() {
        let (number, unit, after) = part(rest)?;
        let place = larger + TIMES[larger..].iter().position(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(TIMES[place].1)?)?;
        larger = place + 1;
        // One space may stand between two parts, and nowhere else.
        rest = after.strip_prefix(' ').filter(|next| !next.is_empty()).unwrap_or(after);
    }
    (larger > 0).then(|| Duration::from_millis(total))
}

/// Reads `"16KiB"`, `"1MB"`: one whole number and one unit; bytes.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit, after) = part(text)?;
    let (_, bytes) = SIZES.iter().find(|(name, _)| *name == unit)?;
    if after.is_empty() { number.checked_mul(*bytes) } else { None }
}

/// A number, the letters behind it, and the rest.
fn part(text: &str) -> Option<(u64, &str, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let letters = text[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
    let number = text[..digits].parse().ok()?;
    Some((number, &text[digits..digits + letters], &text[digits + letters..]))
}

/// Writes what [`duration`] reads.
pub(super) fn show_duration(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, millis) in TIMES {
        if left >= millis {
            write!(text, "{}{unit}", left / millis).expect("a string takes what is written");
            left %= millis;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Writes what [`size`] reads.
pub(super) fn show_size(bytes: u64) -> String {
    let exact = SIZES[..3].iter().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit));
    exact.map_or_else(|| format!("{bytes}B"), |(name, unit)| format!("{}{name}", bytes / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_whole_numbers_and_units() {
        assert_eq!(duration("30m"), Some(Duration::from_secs(1800)));
        assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("1h 30m"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("1500ms"), Some(Duration::from_millis(1500)));
        assert_eq!(duration("0s"), Some(Duration::ZERO));
        let bad = [
            "",
            "30",
            "m",
            "1.5h",
            "30M",
            "30 m",
            "30m ",
            " 30m",
            "1h  30m",
            "-1s",
            "5s1m",
            "1m1m",
            "5 minutes",
            "30min",
            "99999999999999999d",
        ];
        for text in bad {
            assert_eq!(duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn sizes_need_whole_numbers_and_units() {
        assert_eq!(size("16KiB"), Some(16 * 1024));
        assert_eq!(size("1MB"), Some(1_000_000));
        assert_eq!(size("0B"), Some(0));
        for text in ["", "16", "KiB", "16kib", "16K", "1.5MiB", "1 MiB", "1MiB1KiB", "99999999999GiB"] {
            assert_eq!(size(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_shown_can_be_written() {
        for millis in [0, 1, 1500, 5000, 60_000, 5_400_000, 86_400_000] {
            let wanted = Duration::from_millis(millis);
            assert_eq!(duration(&show_duration(wanted)), Some(wanted));
        }
        for bytes in [0, 1, 1000, 1024, 16_384, 100 << 20, 1 << 30] {
            assert_eq!(size(&show_size(bytes)), Some(bytes));
        }
    }
}
