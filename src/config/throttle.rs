//! `[throttle]`: how many sign-ins may fail, how long is the wait from then on, and how many may sign up?

use std::time::Duration;

use toml::de::DeValue;

use super::reading::Reading;
use super::section::{At, Section};
use super::text::show_duration;
use crate::throttle::Settings;

/// Reads `[throttle]`.
pub(super) fn read(reading: &mut Reading, top: &mut Section<'_>) -> Settings {
    let mut section = top.section(reading, "throttle", "throttle");
    let or = Settings::default();
    let logins = section.boolean(reading, "logins");
    let mut count = |reading: &mut Reading, key, default: u32| {
        let found = section.integer(reading, key, u64::from(default), 1..=1_000_000);
        u32::try_from(found).unwrap_or(default)
    };
    let account_source = count(reading, "account_source", or.account_source);
    let account = count(reading, "account", or.account);
    let source = count(reading, "source", or.source);
    let signups = limit(reading, &mut section, "signups", or.signups);
    let signups_total = limit(reading, &mut section, "signups_total", or.signups_total);
    let second = Duration::from_secs(1);
    let first = section.duration(reading, "first_delay", or.first_delay, second..=second * 3600);
    let longest = section.duration(reading, "longest_delay", or.longest_delay, second..=second * 86_400);
    let forget_after = second * 60..=second * 7 * 86_400;
    let forget = section.duration(reading, "forget_after", or.forget_after, forget_after);
    section.finish(reading);
    if let Some(off) = logins.as_ref().filter(|logins| !logins.value) {
        reading.problems.warn(
            Some(off.span.clone()),
            "nothing limits how many passwords are tried at the token endpoint",
            "leave `logins` out, or have something in front limit them",
        );
    }
    let (first, longest, forget) = (
        or_default(first, or.first_delay),
        or_default(longest, or.longest_delay),
        or_default(forget, or.forget_after),
    );
    ascending(reading, ("first_delay", &first), ("longest_delay", &longest));
    ascending(reading, ("longest_delay", &longest), ("forget_after", &forget));
    Settings {
        logins: logins.is_none_or(|logins| logins.value),
        account_source,
        account,
        source,
        first_delay: first.0,
        longest_delay: longest.0,
        forget_after: forget.0,
        signups,
        signups_total,
    }
}

/// How many, or `false` for as many as come.
fn limit(
    reading: &mut Reading,
    section: &mut Section<'_>,
    key: &'static str,
    default: Option<u32>,
) -> Option<u32> {
    if let Some(DeValue::Boolean(false)) = section.value(key).map(toml::Spanned::get_ref) {
        return None;
    }
    let found = section.integer(reading, key, u64::from(default.unwrap_or(1)), 1..=1_000_000);
    u32::try_from(found).ok()
}

/// A duration, and where it stands if it does.
type Set = (Duration, Option<At<Duration>>);

fn or_default(found: Option<At<Duration>>, default: Duration) -> Set {
    (found.as_ref().map_or(default, |found| found.value), found)
}

/// Complains where the first is longer than the second, at whichever of them is in the file.
fn ascending(reading: &mut Reading, shorter: (&str, &Set), longer: (&str, &Set)) {
    let ((low, (least, set)), (high, (most, other))) = (shorter, longer);
    let Some(place) = set.as_ref().or(other.as_ref()).filter(|_| least > most) else { return };
    let help = format!("{low} = \"{}\", or more for `{high}`", show_duration(*most));
    reading.problems.error(place.span.clone(), format!("`{low}` is longer than `{high}`"), help);
}
