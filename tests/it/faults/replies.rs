//! What if Redis answers, but with an error?

use super::history::Felt;
use super::on_the_way;
use super::run::Run;
use crate::world::chaos::Manner;

#[tokio::test(flavor = "multi_thread")]
async fn loading() {
    on_the_way("-LOADING", Manner::Says("LOADING Redis is loading the dataset in memory")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moved() {
    on_the_way("-MOVED", Manner::Says("MOVED 3999 127.0.0.1:6381")).await;
}

/// Reads go on, so who has a good token goes in.
#[tokio::test(flavor = "multi_thread")]
async fn readonly() {
    let mut run = Run::begin("-READONLY (made a replica)").await;
    // Nobody listens there: it keeps what it has.
    assert_eq!(run.redis.command("REPLICAOF 127.0.0.1 1"), "+OK");
    run.goes_on().await;
    run.redis.promote();
    run.ends(Felt::InWrites).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn noauth() {
    let mut run = Run::begin("-NOAUTH (a password is set)").await;
    run.redis.ask_for_password(Some("battery"));
    // Connections that were there before may go on without it.
    run.cut_all();
    run.goes_on().await;
    run.redis.ask_for_password(None);
    run.ends(Felt::InEverything).await;
}

/// Reads go on here too.
#[tokio::test(flavor = "multi_thread")]
async fn out_of_memory() {
    let mut run = Run::begin("-OOM (maxmemory reached)").await;
    assert_eq!(run.redis.command("CONFIG SET maxmemory 1"), "+OK");
    run.goes_on().await;
    assert_eq!(run.redis.command("CONFIG SET maxmemory 0"), "+OK");
    run.ends(Felt::InWrites).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_wrong_type() {
    let mut run = Run::begin("-WRONGTYPE (the head is overwritten)").await;
    assert_eq!(run.redis.command("SET {gatepass}:head nonsense"), "+OK");
    run.goes_on().await;
    assert_eq!(run.redis.command("DEL {gatepass}:head"), ":1");
    run.ends(Felt::InEverything).await;
}
