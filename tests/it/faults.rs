//! What do four gateways promise while their Redis fails, in each way it can?
//!
//! Every test is one fault and one row of the report: while it goes on, people come to every gateway with good tokens
//! and ended ones, sign in and sign out, and one gateway is killed and started again. Afterwards everything that was
//! asked and answered is looked through: see [`verdict`]. What a fault takes away from the promise stands beside it.

mod failover;
mod fleet;
mod history;
mod planted;
mod replies;
mod run;
mod traffic;
mod verdict;
mod yardstick;

use std::time::Duration;

use history::Felt;
use run::Run;

use crate::world::chaos::Manner;

/// A hundred thousand revocations, to be read by the gateway that is killed, and by the others known to be the same.
#[tokio::test(flavor = "multi_thread")]
async fn killed_and_restarted_with_its_data() {
    let mut run = Run::begin_with("killed, restarted with its data (100,000)", 100_000).await;
    run.all_links(Manner::Absent);
    run.redis.stop();
    run.goes_on().await;
    run.redis.restart();
    run.all_links(Manner::Open);
    run.ends(Felt::InEverything).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_in_mid_traffic() {
    let mut run = Run::begin("stopped (SIGSTOP)").await;
    run.redis.pause();
    run.goes_on().await;
    run.redis.resume();
    run.ends(Felt::InEverything).await;
}

/// A fault of every gateway's way to Redis.
async fn on_the_way(name: &'static str, manner: Manner) {
    let mut run = Run::begin(name).await;
    run.all_links(manner);
    run.goes_on().await;
    run.all_links(Manner::Open);
    run.ends(Felt::InEverything).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accepting_and_silent() {
    on_the_way("accepting and silent", Manner::Silent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_after_accept() {
    on_the_way("closing after accept", Manner::Closing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow() {
    on_the_way("slow: 1 s each way", Manner::Slow(Duration::from_secs(1))).await;
}

/// Two gateways' ways to Redis, while the others go on.
async fn for_two(name: &'static str, manner: Manner) {
    let mut run = Run::begin(name).await;
    run.fleet.links[..2].iter().for_each(|link| link.set(manner));
    run.goes_on().await;
    run.all_links(Manner::Open);
    run.ends(Felt::InEverything).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitioned_requests_do_not_arrive() {
    for_two("partition: two gateways' requests do not arrive", Manner::HoldsRequests).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitioned_replies_do_not_arrive() {
    for_two("partition: two gateways' replies do not arrive", Manner::HoldsReplies).await;
}
