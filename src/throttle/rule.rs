//! When does a counter make people wait, and how long? The arithmetic, in whole milliseconds.
//!
//! A failure costs a counter `forget_after` / allowance, of which a millisecond is forgiven each millisecond: its debt.
//! `redis/reserve.lua` and `redis/settle.lua` calculate the same.

use std::time::Duration;

use super::Settings;

/// What is kept of a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counter {
    /// The failures that are not forgiven yet, as of `last`, times what each costs.
    pub(super) debt: u64,
    /// When the last failure was counted.
    pub(super) last: u64,
    /// Until when nobody may try.
    pub(super) until: u64,
}

/// How one kind of counter is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) allowance: u64,
    first: u64,
    longest: u64,
    pub(super) forget: u64,
}

impl Rule {
    /// The rules for account and source, account, source.
    pub(super) fn all(settings: &Settings) -> [Self; 3] {
        [settings.account_source, settings.account, settings.source].map(|allowance| Self {
            allowance: u64::from(allowance.max(1)),
            first: millis(settings.first_delay).max(1),
            longest: millis(settings.longest_delay).max(1),
            forget: millis(settings.forget_after).max(1),
        })
    }

    /// What a failure costs.
    pub(super) fn cost(self) -> u64 {
        (self.forget / self.allowance).max(1)
    }

    /// The counter as it stands at `now`, if it is not forgotten. One of a far future was written by another clock, and
    /// would block for as long as that was wrong.
    pub(super) fn standing(self, kept: Option<Counter>, now: u64) -> Counter {
        kept.filter(|kept| kept.last.abs_diff(now) < self.forget).unwrap_or_default()
    }

    /// How long nobody may try.
    pub(super) fn wait(self, counter: Counter, now: u64) -> u64 {
        counter.until.saturating_sub(now).min(self.longest)
    }

    /// The counter with one more failure.
    pub(super) fn counted(self, counter: Counter, now: u64) -> Counter {
        let forgiven = now.saturating_sub(counter.last);
        let debt = counter.debt.saturating_sub(forgiven) + self.cost();
        let failures = debt.div_ceil(self.cost());
        let until = failures.checked_sub(self.allowance).map_or(0, |beyond| now + self.delay(beyond));
        Counter { debt, last: now, until }
    }

    /// The counter with one failure less; `block` is what that failure had set, which no longer holds.
    pub(super) fn given_back(self, counter: Counter, block: u64) -> Counter {
        let until = if counter.until == block { 0 } else { counter.until };
        Counter { debt: counter.debt.saturating_sub(self.cost()), until, ..counter }
    }

    fn delay(self, beyond: u64) -> u64 {
        let doubled = u32::try_from(beyond).ok().and_then(|beyond| 1_u64.checked_shl(beyond));
        doubled.map_or(self.longest, |times| self.first.saturating_mul(times).min(self.longest))
    }
}

/// In milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_900_000_000_000;

    fn rule() -> Rule {
        Rule::all(&Settings::default())[0]
    }

    /// Fails whenever it may, for so many milliseconds; the moments.
    fn hammer(rule: Rule, length: u64) -> Vec<u64> {
        let (mut counter, mut now, mut tried) = (Counter::default(), NOW, Vec::new());
        while now < NOW + length {
            counter = rule.counted(rule.standing(Some(counter), now), now);
            tried.push(now - NOW);
            now += rule.wait(counter, now);
        }
        tried
    }

    #[test]
    fn delays_double_to_the_longest_and_no_further() {
        let tried = hammer(rule(), 600_000);
        assert_eq!(tried[..10], [0; 10], "the allowance");
        assert_eq!(tried[10..14], [1_000, 3_000, 7_000, 15_000]);
        let hour = 3_600_000;
        let day = hammer(rule(), 24 * hour);
        assert!(day.len() <= 10 + 24 * 11, "{} guesses a day", day.len());
        let gaps = day.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.max() <= Some(900_000), "never locked for good");
    }

    #[test]
    fn what_is_forgiven_is_forgiven_evenly() {
        let (rule, mut counter, mut now) = (rule(), Counter::default(), NOW);
        // A typing error every six minutes is what an allowance of ten an hour means.
        for _ in 0..1_000 {
            assert_eq!(rule.wait(rule.standing(Some(counter), now), now), 0);
            counter = rule.counted(rule.standing(Some(counter), now), now);
            now += 360_000;
        }
        assert!(counter.debt <= rule.cost());
    }

    #[test]
    fn an_hour_after_the_last_all_is_forgotten() {
        let (rule, mut counter) = (rule(), Counter::default());
        for _ in 0..40 {
            counter = rule.counted(counter, NOW);
        }
        assert_eq!(rule.wait(counter, NOW), 900_000);
        assert_eq!(rule.wait(counter, NOW + 900_000), 0);
        assert_ne!(rule.standing(Some(counter), NOW + 3_599_999), Counter::default());
        assert_eq!(rule.standing(Some(counter), NOW + 3_600_000), Counter::default());
        assert_eq!(rule.standing(Some(counter), NOW - 3_600_000), Counter::default(), "another clock");
    }

    #[test]
    fn a_success_takes_its_own_block_with_it_and_no_other() {
        let (rule, mut counter) = (rule(), Counter::default());
        for _ in 0..9 {
            counter = rule.counted(counter, NOW);
        }
        let tenth = rule.counted(counter, NOW);
        assert_ne!(tenth.until, 0);
        assert_eq!(rule.given_back(tenth, tenth.until), counter);
        assert_eq!(rule.given_back(tenth, 0).until, tenth.until);
        assert_eq!(rule.given_back(Counter::default(), 0).debt, 0);
    }
}
