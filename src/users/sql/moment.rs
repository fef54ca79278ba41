//! Since when is there such a user? Points in time as tables have them: text of ISO 8601's kind, or a number.

use serde_json::Value;

use crate::clock::UnixTime;

/// Numbers from here on are milliseconds: as seconds they would lie beyond the year 5000.
const MILLIS: u64 = 100_000_000_000;

/// The moment that `value` means, if it means one. A text without an offset is UTC's.
pub(super) fn read(value: &Value) -> Option<UnixTime> {
    match value {
        Value::Number(number) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a fraction of a second is left out; what is below nothing is nothing"
            )]
            let whole = number.as_u64().or_else(|| number.as_f64().map(|number| number as u64))?;
            let moment =
                if whole < MILLIS { UnixTime::from_secs(whole) } else { UnixTime::from_millis(whole) };
            Some(moment).filter(|moment| moment.millis() > 0)
        }
        Value::String(text) => iso(text.trim()),
        _ => None,
    }
}

/// `2026-11-22`, `2026-11-22 10:20:30.123456`, `2026-11-22T10:20:30+01:00`.
fn iso(text: &str) -> Option<UnixTime> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let mark = |at: usize, marks: &[u8]| text.as_bytes().get(at).is_some_and(|b| marks.contains(b));
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    if !(mark(4, b"-") && mark(7, b"-") && (1..=12).contains(&month) && (1..=31).contains(&day)) {
        return None;
    }
    let days = days(year, month, day);
    if text.len() == 10 {
        return moment(days * 86_400_000);
    }
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let clock = hour < 24 && minute < 60 && second <= 60;
    if !(mark(10, b"T ") && mark(13, b":") && mark(16, b":") && clock) {
        return None;
    }
    let rest = text.get(19..)?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset_seconds(offset)?;
    moment(seconds * 1000 + millis)
}

fn moment(millis: i64) -> Option<UnixTime> {
    u64::try_from(millis).ok().map(UnixTime::from_millis)
}

/// Nothing, `Z`, `+01`, `+0100` or `+01:00`.
fn offset_seconds(text: &str) -> Option<i64> {
    let Some(sign) = text.chars().next() else { return Some(0) };
    let digits: String = text[sign.len_utf8()..].chars().filter(|c| *c != ':').collect();
    let sign = match sign {
        'Z' | 'z' => return digits.is_empty().then_some(0),
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    if !(digits.len() == 2 || digits.len() == 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 =
        digits.get(2..).filter(|rest| !rest.is_empty()).map_or(Some(0), |rest| rest.parse().ok())?;
    Some(sign * (hours * 3600 + minutes * 60))
}

/// Days since 1970-01-01 in the Gregorian calendar. Years are counted from March, so that the leap day is the last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leaps = year / 4 - year / 100 + year / 400;
    365 * year + leaps + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// `moment` as SQL reads it, in UTC: `2026-11-22 10:20:30.123`, and `zone` behind it.
pub(in crate::users) fn text(moment: UnixTime, zone: &str) -> String {
    let (seconds, millis) = (moment.secs(), moment.millis() % 1000);
    let (mut day, second) = (i64::try_from(seconds / 86_400).unwrap_or(0), seconds % 86_400);
    // Day 0 of the year 0, and the calendar's cycle of 400 years.
    day += 719_468;
    let (cycle, rest) = (day / 146_097, day % 146_097);
    let of_cycle = (rest - rest / 1460 + rest / 36_524 - rest / 146_096) / 365;
    let of_year = rest - (365 * of_cycle + of_cycle / 4 - of_cycle / 100);
    let counted = (5 * of_year + 2) / 153;
    let (month, of_month) = ((counted + 2) % 12 + 1, of_year - (153 * counted + 2) / 5 + 1);
    let year = cycle * 400 + of_cycle + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{of_month:02} {hour:02}:{minute:02}:{second:02}.{millis:03}{zone}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn millis(value: &Value) -> Option<u64> {
        read(value).map(UnixTime::millis)
    }

    #[test]
    fn moments_are_read_as_applications_write_them() {
        let moment = 1_700_000_000_123;
        for text in [
            "2023-11-14T22:13:20.123Z",
            "2023-11-14 22:13:20.123",
            "2023-11-14 22:13:20.123456",
            "2023-11-14 23:13:20.123+01",
            "2023-11-15T03:43:20.123+05:30",
            "2023-11-14T14:13:20.123-0800",
        ] {
            assert_eq!(millis(&json!(text)), Some(moment), "{text}");
        }
        assert_eq!(millis(&json!(1_700_000_000)), Some(1_700_000_000_000));
        assert_eq!(millis(&json!(1_700_000_000.5)), Some(1_700_000_000_000));
        assert_eq!(millis(&json!(moment)), Some(moment));
        assert_eq!(millis(&json!("2024-02-29")), Some(1_709_164_800_000));
        for nothing in [json!(null), json!(0), json!(-5), json!(true), json!([1])] {
            assert_eq!(millis(&nothing), None, "{nothing}");
        }
        for text in [
            "",
            "yesterday",
            "2023-13-01",
            "2023-11-14T",
            "2023-11-14 22:13",
            "2023-11-14 22:13:20x",
            "infinity",
            "1960-01-01",
            "2023-11-14 22:13:20+é",
            "éééééééééé",
        ] {
            assert_eq!(millis(&json!(text)), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for day in (0..60_000).step_by(13) {
            let moment = UnixTime::from_millis(day * 86_400_000 + 45_296_789);
            assert_eq!(read(&json!(text(moment, "+00:00"))), Some(moment));
        }
        assert_eq!(text(UnixTime::from_millis(1_709_164_800_001), ""), "2024-02-29 00:00:00.001");
    }
}
