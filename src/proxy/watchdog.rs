//! Who sees to it that what was let through ends when its token does?
//!
//! One task for all exchanges. It looks at them when the set of revocations has changed, when the next token expires, and
//! once a second in any case: a token that came since may expire sooner, and a set grows stale without a change.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::AbortHandle;

use super::connection::{Moment, Registry};
use super::policy::Policy;
use crate::clock;

/// The longest time between two looks.
const TICK: Duration = Duration::from_secs(1);
/// The shortest: changes that come together are looked at together.
const PAUSE: Duration = Duration::from_millis(20);
/// How many times as long as it looks it rests, so that however many exchanges there are it takes a tenth of a core.
const REST: u32 = 10;

/// The task; it ends when this is dropped.
pub(super) struct Watchdog(AbortHandle);

impl Watchdog {
    pub(super) fn start(policy: Arc<Policy>, registry: Arc<Registry>) -> Self {
        Self(tokio::spawn(watch(policy, registry)).abort_handle())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch(policy: Arc<Policy>, registry: Arc<Registry>) {
    let mut changed = policy.gate.changed();
    loop {
        // What changes from here on is looked at again.
        changed.mark_unchanged();
        let began = clock::instant();
        let look = async {
            let at = Moment { time: policy.clock.now(), instant: began };
            policy.upstreams.sweep(began);
            registry.inspect(&policy.gate, at, TICK).await
        };
        // Without this task nothing would end a stream any more: a look that fails is one look less.
        let next = AssertUnwindSafe(look).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("a look at the requests in flight failed; the next follows");
            PAUSE
        });
        let pause = PAUSE.max(clock::instant().saturating_duration_since(began) * REST);
        tokio::time::sleep(pause).await;
        // A change that came meanwhile is there at once. The sender lives as long as the gate, which is held here.
        let _ = tokio::time::timeout(next.saturating_sub(pause), changed.changed()).await;
    }
}
