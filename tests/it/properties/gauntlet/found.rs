//! What the gauntlet has found, each by itself.

use super::upstream::Upstream;
use crate::world::raw::Raw;
use crate::world::recorder::Recorder;
use crate::world::{ROUTES, World, config_text};

async fn world() -> (World, Upstream) {
    let upstream = Upstream::start().await;
    let text = config_text(upstream.address, ROUTES);
    (World::configured(Recorder::start().await, &text).await, upstream)
}

/// A chunk without a size was taken for the last one, and a bare LF for a part of an extension.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_body_of_chunks_never_comes_to_its_end() {
    let (world, upstream) = world().await;
    let head =
        "POST /public/x HTTP/1.1\r\nHost: gw.test\r\nX-Case: c1-0\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in
        ["\r\n\r\n", ";x=y\r\n\r\n", "0;a\nb\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "0\r\nno colon\r\n\r\n"]
    {
        let mut raw = Raw::connect(world.address()).await;
        let answer = raw.ask(format!("{head}{body}")).await.expect("an answer");
        assert_eq!(answer.status, 400, "{body:?} with its head");
        assert!(raw.is_closed().await);
        // The same behind a chunk that is one, in a packet of its own.
        let mut raw = Raw::connect(world.address()).await;
        raw.send(format!("{head}1\r\na\r\n")).await;
        raw.send(body).await;
        let answer = raw.answer().await.map(|answer| answer.status);
        assert!(matches!(answer, None | Some(400)), "{body:?} behind its head: {answer:?}");
    }
    assert!(upstream.take().await.iter().all(|seen| !seen.complete));
}

/// A scheme that is none was taken for another scheme than ours, and its bearer for nobody.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_spells_a_credential_wrongly_is_not_nobody() {
    let (world, _upstream) = world().await;
    for value in ["Bearer\ta.b.c", "Bearer:a.b.c", "Bearer,a.b.c", "Bearér a.b.c", "\"Bearer\" a.b.c"] {
        let answer = world.stranger().saying(&format!("Authorization: {value}")).get("/maybe/x").await;
        assert_eq!(answer.status, 400, "{value}");
    }
    let other = world.stranger().saying("Authorization: Basic YTpi").get("/maybe/x").await;
    assert_eq!(other.status, 200);
}
