//! Sockets: browsers let every site open one here, cookie and all, and what comes back can be read. So the page has to be
//! our own, though the handshake is a `GET`.

use super::{OWN, PAGE, minted};
use crate::world::World;
use crate::world::raw::Raw;
use crate::world::recorder::Recorder;

const ROUTES: &str = "[[route]]\npath = \"/live/**\"\nwebsocket = true\ntoken_query = \"access_token\"\n[[route]]\npath = \"/plain/**\"\n";
const HANDSHAKE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A gateway before a backend that switches whenever it is asked to.
async fn world() -> World {
    let recorder = Recorder::answering(|asked| {
        if asked.values("upgrade").is_empty() {
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()
        } else {
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".to_vec()
        }
    });
    World::around(recorder.await, &format!("{ROUTES}{PAGE}")).await
}

async fn status(world: &World, target: &str, fields: &[&str]) -> u16 {
    let fields: String = fields.iter().flat_map(|field| [*field, "\r\n"]).collect();
    let request = format!("GET {target} HTTP/1.1\r\nHost: gw.test\r\n{HANDSHAKE}{fields}\r\n");
    Raw::connect(world.address()).await.ask(request).await.expect("an answer").status
}

#[tokio::test(flavor = "multi_thread")]
async fn only_our_own_page_opens_one_by_the_cookie() {
    let world = world().await;
    let cookie = minted(&world, "");
    for fields in [
        &[][..],
        &["Origin: http://evil.test"],
        &["Origin: https://gw.test"],
        &["Origin: http://gw.test:81"],
        &["Origin: null"],
        &["Origin: http://gw.test", "Origin: http://evil.test"],
        &["Origin: http://evil.test", "Sec-Fetch-Site: cross-site"],
        &["Origin: http://app.gw.test", "Sec-Fetch-Site: same-site"],
    ] {
        let fields = [&[cookie.as_str()], fields].concat();
        assert_eq!(status(&world, "/live/x", &fields).await, 403, "{fields:?}");
    }
    assert_eq!(world.recorder.hits(), 0);
    for field in ["Origin: http://gw.test", "Origin: http://gw.test:80", OWN] {
        let wanted = if field.ends_with(":80") { 403 } else { 101 };
        assert_eq!(status(&world, "/live/x", &[&cookie, field]).await, wanted, "{field}");
    }
    let seen = world.recorder.last();
    assert_eq!(seen.values("x-auth-user"), ["alice"]);
    assert!(seen.values("cookie").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_page_brings_itself_comes_before_the_cookie() {
    let world = world().await;
    let cookie = minted(&world, "");
    let bob = world.mint.token("bob", "");
    let evil = "Origin: http://evil.test";
    let protocol = format!("Sec-WebSocket-Protocol: gatepass, gatepass.bearer.{bob}");
    assert_eq!(status(&world, "/live/x", &[&cookie, &protocol, evil]).await, 101);
    assert_eq!(world.recorder.last().values("x-auth-user"), ["bob"]);
    assert_eq!(status(&world, &format!("/live/x?access_token={bob}"), &[&cookie, evil]).await, 101);
    assert_eq!(world.recorder.last().values("x-auth-user"), ["bob"]);
    let bad = "Sec-WebSocket-Protocol: gatepass.bearer.x.y.z";
    assert_eq!(status(&world, "/live/x", &[&cookie, bad, OWN]).await, 401, "no second try");
    let basic = "Authorization: Basic YTpi";
    assert_eq!(status(&world, "/live/x", &[&cookie, basic, OWN]).await, 401);
    assert_eq!(status(&world, "/live/x", &["Sec-Fetch-Mode: navigate"]).await, 401, "never sent to the page");
    // Where none may be opened it is a plain request, which is not upgraded.
    assert_eq!(status(&world, "/plain/x", &[&cookie, evil]).await, 200);
}
