//! How is a log given back what it has lost?
//!
//! What it did not confirm to hold when it was loaded, in batches, the recent first: that is what other gateways may
//! not have read before it was lost, and what they need in order to be sure of their sets again.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::Unavailable;
use super::follower::Shared;
use super::index::SHARDS;
use super::log::Mark;
use super::register::{MAX_VERSION, Register};
use super::replica::RECENT;
use super::underway::Underway;
use crate::clock::UnixTime;
use crate::secret;

/// Registers given back at once.
const BATCH: usize = 1_000;

/// How long a batch is waited for to come up where the log is followed, before the next.
const PACE: Duration = Duration::from_millis(200);

/// Gives everything back; says how many registers that were.
pub(crate) async fn give_back(shared: Arc<Shared>, now: UnixTime) -> Result<usize, Unavailable> {
    // Versions are microseconds.
    let recent = u64::try_from(RECENT.as_micros()).unwrap_or(u64::MAX);
    let recent = shared.index.highest().saturating_sub(recent);
    let mut returned = 0;
    for versions in [recent..MAX_VERSION + 1, 0..recent] {
        returned += give_back_of(&shared, versions, now).await?;
    }
    Ok(returned)
}

async fn give_back_of(
    shared: &Arc<Shared>,
    versions: Range<u64>,
    now: UnixTime,
) -> Result<usize, Unavailable> {
    let (mut returned, mut batch) = (0, Vec::with_capacity(BATCH));
    // Each in an order of its own: what another has given back meanwhile is read, and no longer doubted.
    let mut order: Vec<([u8; 8], usize)> = (0..SHARDS).map(|shard| (secret::random(), shard)).collect();
    order.sort_unstable();
    for (_, shard) in order {
        batch.extend(shared.index.doubted(shard, now, versions.clone()));
        while batch.len() >= BATCH {
            let rest = batch.split_off(BATCH);
            returned += write(shared, std::mem::replace(&mut batch, rest)).await?;
        }
        tokio::task::yield_now().await;
    }
    Ok(returned + write(shared, batch).await?)
}

async fn write(shared: &Arc<Shared>, registers: Vec<Register>) -> Result<usize, Unavailable> {
    if registers.is_empty() {
        return Ok(0);
    }
    let underway = Underway::begin(shared);
    let marked: Vec<(Register, Mark)> =
        registers.into_iter().map(|register| (register, underway.mark())).collect();
    let mut changed = shared.changed.subscribe();
    if let Some(last) = shared.log.write_back(&marked).await? {
        // It must come up where reading goes on: a log that loses its tail again is noticed.
        underway.acknowledged(last);
        let until_read = async { while shared.replica().awaits(last) && changed.changed().await.is_ok() {} };
        // Then what others have given back by now is known as well. If it takes long, some is given twice.
        let _ = tokio::time::timeout(PACE, until_read).await;
    }
    Ok(marked.len())
}
