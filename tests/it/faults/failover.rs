//! What if Redis comes back with less than it had, or twice?

use super::history::{Excuse, Felt};
use super::run::{MAX_STALENESS, RECOVERY, Run};
use crate::world::chaos::Manner;
use crate::world::redis::Redis;

/// All that it held is given back by the gateways. One of them is killed and started again while Redis is away: it has
/// its journal, and waits until nobody gives anything back any more.
#[tokio::test(flavor = "multi_thread")]
async fn restarted_empty() {
    emptied("restarted empty, 2,000 to give back", 2_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restarted_empty_with_much_to_give_back() {
    if cfg!(debug_assertions) {
        // A build without optimisation takes five times as long for each.
        emptied("restarted empty, 20,000 to give back", 20_000).await;
    } else {
        emptied("restarted empty, 100,000 to give back", 100_000).await;
    }
}

async fn emptied(name: &'static str, held: usize) {
    let mut run = Run::begin_with(name, held).await;
    run.spares_the_victim().await;
    run.all_links(Manner::Absent);
    run.redis.stop();
    let stopped = run.now();
    run.until(stopped + MAX_STALENESS).await;
    run.kills_one_while(|_| {});
    run.until(stopped + MAX_STALENESS * 2).await;
    run.redis.restart_empty();
    run.all_links(Manner::Open);
    run.excuse_last_words(stopped);
    run.ends(Felt::InEverything).await;
}

/// While one gateway is down: it starts against a log that holds nothing yet.
#[tokio::test(flavor = "multi_thread")]
async fn flushed() {
    let mut run = Run::begin("FLUSHALL").await;
    run.spares_the_victim().await;
    run.kills_one_while(|run| run.redis.flush_all());
    run.goes_on_unharmed().await;
    run.ends(Felt::Nowhere).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trimmed_under_a_lagging_reader() {
    let mut run = Run::begin("stream trimmed under a lagging reader").await;
    run.fleet.links[1].set(Manner::Silent);
    run.goes_on().await;
    assert!(run.redis.command("XTRIM {gatepass}:stream MAXLEN 0").starts_with(':'));
    run.fleet.links[1].set(Manner::Open);
    run.ends(Felt::InEverything).await;
}

/// What was written after the backup is known to the gateways that live, and to nobody else; one of them is killed and
/// started again before they can give it back.
#[tokio::test(flavor = "multi_thread")]
async fn failed_over_with_a_lost_tail() {
    let mut run = Run::begin("fail-over: the tail lost, its readers alive").await;
    let backup = run.redis.backup();
    run.until(run.now() + MAX_STALENESS / 2).await;
    run.spares_the_victim().await;
    run.all_links(Manner::Absent);
    run.redis.stop();
    let stopped = run.now();
    run.until(stopped + MAX_STALENESS).await;
    run.kills_one_while(|_| {});
    run.until(stopped + MAX_STALENESS * 2).await;
    run.redis.restore(backup);
    run.all_links(Manner::Open);
    run.excuse_last_words(stopped);
    run.ends(Felt::InEverything).await;
}

/// One gateway goes on with the old primary: what it is told, and what the others are, cannot be known on both sides
/// before they are one again. `min-replicas-to-write` is what keeps Redis from it.
#[tokio::test(flavor = "multi_thread")]
async fn old_primary_still_answers() {
    let mut run = Run::begin("old primary still answers one gateway (each side)").await;
    let promoted = Redis::start();
    promoted.replicate(&run.redis);
    let split = run.now();
    run.fleet.links[1..].iter().for_each(|link| link.point_to(promoted.port()));
    promoted.promote();
    run.goes_on().await;
    run.fleet.links[0].point_to(promoted.port());
    let healed = run.now();
    let acknowledged = split..healed + MAX_STALENESS;
    run.excuse(Excuse {
        acknowledged: acknowledged.clone(),
        by: &[1, 2, 3],
        to: &[0],
        until: healed + MAX_STALENESS,
    });
    // Theirs to know when it has given back what only it was told.
    run.excuse(Excuse { acknowledged, by: &[0], to: &[1, 2, 3], until: healed + RECOVERY });
    run.ends(Felt::Nowhere).await;
}
