//! Who is it that guesses? One address, whatever it says of itself, and nobody else.

use super::{PASSWORD, STRICT, ada_in, ada_with, guess};
use crate::world::recorder::Recorder;
use crate::world::{ROUTES, World, config_text};

#[tokio::test(flavor = "multi_thread")]
async fn e22_what_a_client_says_of_its_address_is_not_believed() {
    let world = ada_with(STRICT).await;
    let wrong = async |from: &str, fields: &[&str]| {
        guess(&world, from, fields, "ada@example.org", "wrong password").await.status
    };
    let claims = [
        "X-Forwarded-For: 127.0.0.2",
        "X-Forwarded-For: 203.0.113.1, 127.0.0.2",
        "X-Real-IP: 127.0.0.2",
        "Forwarded: for=127.0.0.2",
        "True-Client-IP: 127.0.0.2",
        "CF-Connecting-IP: 127.0.0.2",
        "X-Client-IP: 127.0.0.2",
        "X-Forwarded-For: 2001:db8::2",
        "X-Forwarded-For: [::ffff:127.0.0.2]:99",
        "X-Forwarded-For: garbage",
        "X-Forwarded-For:",
    ];
    let statuses: Vec<u16> = {
        let mut statuses = Vec::new();
        for claim in claims {
            statuses.push(wrong("127.0.0.1", &[claim]).await);
        }
        statuses
    };
    assert_eq!(statuses[..3], [400; 3]);
    assert_eq!(statuses[3..], [429; 8], "one source");
    assert_eq!(wrong("127.0.0.1", &claims).await, 429);
    // The one that was named has nothing to do with it.
    assert_eq!(guess(&world, "127.0.0.2", &[], "ada@example.org", PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn e22_behind_a_trusted_proxy_it_is_the_rightmost_untrusted_address() {
    let recorder = Recorder::start().await;
    let text = config_text(
        recorder.address(),
        &format!("{ROUTES}\n[throttle]\naccount_source = 2\naccount = 500\nfirst_delay = \"5m\"\n"),
    )
    .replace("[listen]\n", "[listen]\ntrusted_proxies = [\"127.0.0.1/32\", \"10.0.0.0/8\"]\n");
    let world = ada_in(World::configured(recorder, &text).await).await;
    let wrong = async |from: &str, forwarded: &str| {
        let field = format!("X-Forwarded-For: {forwarded}");
        guess(&world, from, &[&field], "ada@example.org", "wrong password").await.status
    };
    for same in [
        [
            "198.51.100.1",
            "::ffff:198.51.100.1",
            "203.0.113.9, 198.51.100.1, 10.0.0.7",
            "garbage, 198.51.100.1:4711",
        ],
        ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "[2001:db8:0:1::3]:80", "198.51.100.2, 2001:db8:0:1::4"],
    ] {
        let mut statuses = Vec::new();
        for forwarded in same {
            statuses.push(wrong("127.0.0.1", forwarded).await);
        }
        assert_eq!(statuses, [400, 400, 429, 429], "{same:?}");
    }
    assert_eq!(wrong("127.0.0.1", "198.51.100.2").await, 400, "named before, by others");
    // Who is not a trusted proxy speaks for itself alone.
    for n in 0..3 {
        let expected = if n < 2 { 400 } else { 429 };
        assert_eq!(wrong("127.0.0.9", &format!("198.51.100.{}", 50 + n)).await, expected);
    }
    assert_eq!(wrong("127.0.0.1", "198.51.100.52").await, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn e23_guessing_does_not_keep_the_owner_out() {
    let world = ada_with(STRICT).await;
    let from = async |address: &str, password: &str| {
        guess(&world, address, &[], "ada@example.org", password).await.status
    };
    assert_eq!(from("127.0.0.2", PASSWORD).await, 200, "her usual place");
    for attacker in 11..=15 {
        assert_eq!(from(&format!("127.0.0.{attacker}"), "wrong password").await, 400);
    }
    // From many addresses, without end.
    for attacker in 16..=25 {
        assert_eq!(from(&format!("127.0.0.{attacker}"), "wrong password").await, 429);
    }
    assert_eq!(from("127.0.0.30", PASSWORD).await, 429, "an address she has never been at waits");
    assert_eq!(from("127.0.0.2", "a slip of her own").await, 400);
    assert_eq!(from("127.0.0.2", PASSWORD).await, 200);
    assert_eq!(from("127.0.0.2", PASSWORD).await, 200);
    // From one address, as long as it likes.
    let world = ada_with(STRICT).await;
    for n in 0..10 {
        let expected = if n < 3 { 400 } else { 429 };
        let answer = guess(&world, "127.0.0.11", &[], "ada@example.org", "wrong password").await;
        assert_eq!(answer.status, expected);
    }
    let answer = guess(&world, "127.0.0.30", &[], "ada@example.org", PASSWORD).await;
    assert_eq!(answer.status, 200, "even where she has never been");
}
