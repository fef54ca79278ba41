//! Is the node found that has our keys, also when they move?

use std::net::TcpListener;

use gatepass::revocation::Scope;

use super::{at, handle, is_revoked, order, revoke, token, until};
use crate::contract::revocation::open;
use crate::world::redis::Redis;

/// The slot of all our keys.
const SLOT: &str = "1469";

/// A node with every slot; it takes a moment until it says so.
pub(crate) fn alone() -> Redis {
    let node = Redis::start_with(&["--cluster-enabled", "yes"]);
    assert_eq!(node.command("CLUSTER ADDSLOTSRANGE 0 16383"), "+OK");
    node
}

fn is_whole(node: &Redis) -> bool {
    node.ask("CLUSTER INFO").contains(&"cluster_state:ok".to_owned())
}

fn id(node: &Redis) -> String {
    node.ask("CLUSTER MYID").pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slot_is_the_servers() {
    let node = alone();
    assert_eq!(node.command("CLUSTER KEYSLOT {gatepass}:head"), format!(":{SLOT}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_move_to_another_node_are_followed() {
    let (from, to) = (alone(), Redis::start_with(&["--cluster-enabled", "yes"]));
    until("the cluster is whole", || is_whole(&from)).await;
    assert_eq!(from.command(&format!("CLUSTER MEET 127.0.0.1 {}", to.port())), "+OK");
    until("they know each other", || is_whole(&to)).await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().port();
    // The node that has the keys at first is not even named.
    let settings = at(format!("redis+cluster://127.0.0.1:{silent},127.0.0.1:{}", to.port()));
    let (here, there) = (open(&settings).await, open(&settings).await);
    let tokens: Vec<_> = (0..20).map(|n| token("ada", "mine", &format!("token-{n}"))).collect();
    for mine in &tokens[..10] {
        revoke(&here, order(Scope::Token, mine)).await;
    }
    assert_eq!(to.command(&format!("CLUSTER SETSLOT {SLOT} IMPORTING {}", id(&from))), "+OK");
    assert_eq!(from.command(&format!("CLUSTER SETSLOT {SLOT} MIGRATING {}", id(&to))), "+OK");
    let keys = from.ask(&format!("CLUSTER GETKEYSINSLOT {SLOT} 1000"));
    let keys: Vec<_> = keys.iter().filter(|line| line.starts_with("{gatepass}")).collect();
    assert_eq!(keys.len(), 12);
    for key in keys {
        assert_eq!(from.command(&format!("MIGRATE 127.0.0.1 {} {key} 0 5000", to.port())), "+OK");
        // Half here, half there: a write is refused or taken, and the handle goes on.
        let _ = handle(&settings).await.revoke(order(Scope::Token, &tokens[19])).await;
    }
    for node in [&to, &from] {
        assert_eq!(node.command(&format!("CLUSTER SETSLOT {SLOT} NODE {}", id(&to))), "+OK");
    }
    for mine in &tokens[10..] {
        revoke(&here, order(Scope::Token, mine)).await;
    }
    until("the other knows", || tokens.iter().all(|mine| is_revoked(&there, mine))).await;
    let key = format!("EXISTS {{gatepass}}:r:{}", tokens[10].token.to_hex());
    assert_eq!(to.command(&key), ":1");
    let fresh = open(&settings).await;
    assert!(tokens.iter().all(|mine| is_revoked(&fresh, mine)));
}
