//! What did the store say just now? Blocks it has told of, so that a flood does not ask it again and again.
//!
//! An entry counts for a second at most: a block that another gateway has lifted meanwhile holds no longer than that.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::HashMap;

use crate::clock::UnixTime;
use crate::identity::Digest;

/// How long what the store said is good for.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// Entries at once; what does not fit is asked about.
const MOST: usize = 8_192;

/// Who was refused, and until when.
#[derive(Default)]
pub(super) struct Memo(Mutex<HashMap<Digest, Block>>);

struct Block {
    until: UnixTime,
    good_until: UnixTime,
}

impl Memo {
    /// Nothing under this lock can panic halfway.
    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Block>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long this one has to wait, if that is known.
    pub(super) fn wait(&self, who: Digest, now: UnixTime) -> Option<Duration> {
        let blocks = self.lock();
        let block = blocks.get(&who).filter(|block| block.good_until > now)?;
        Some(block.until.since(now))
    }

    /// The store has said that this one has to wait.
    pub(super) fn note(&self, who: Digest, wait: Duration, now: UnixTime) {
        let mut blocks = self.lock();
        if blocks.len() >= MOST {
            blocks.retain(|_, block| block.good_until > now);
        }
        if blocks.len() < MOST {
            let until = now.plus(wait);
            blocks.insert(who, Block { until, good_until: until.min(now.plus(GOOD_FOR)) });
        }
    }

    /// This one has signed in.
    pub(super) fn forget(&self, who: Digest) {
        self.lock().remove(&who);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_for_a_second_and_not_without_end() {
        let (memo, now) = (Memo::default(), UnixTime::from_secs(1_900_000_000));
        let who = |n: usize| Digest::of_source("", &n.to_string());
        memo.note(who(0), Duration::from_secs(60), now);
        let soon = now.plus(Duration::from_millis(999));
        assert_eq!(memo.wait(who(0), soon), Some(Duration::from_millis(59_001)));
        assert_eq!(memo.wait(who(0), now.plus(GOOD_FOR)), None);
        memo.note(who(1), Duration::from_millis(300), now);
        assert_eq!(memo.wait(who(1), now.plus(Duration::from_millis(300))), None, "the block is over");
        memo.forget(who(0));
        assert_eq!(memo.wait(who(0), soon), None);
        for n in 0..MOST + 8 {
            memo.note(who(n), Duration::from_secs(60), now);
        }
        assert_eq!(memo.lock().len(), MOST);
        memo.note(who(3 * MOST), Duration::from_secs(60), now.plus(GOOD_FOR));
        assert_eq!(memo.lock().len(), 1, "what is no longer good makes place");
    }
}
