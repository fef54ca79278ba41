//! What is open ends with its user's right to it.

use super::{Recorder, behind, often, token};
use crate::streams::client::{Client, HANDSHAKE};
use crate::streams::upstream::Stage;
use crate::world::config_text;
use crate::world::people::Stranger;

const ROUTES: &str = "
[[route]]
path = \"/live/**\"
websocket = true
";

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_its_user_is_disabled_deleted_or_has_a_new_password() {
    let stage = Stage::open().await;
    let world = often(Recorder::start().await, &config_text(stage.address(), ROUTES)).await;
    let mut open = Vec::new();
    for name in ["ada", "bob", "eve", "gus"] {
        let token = token(&world.stranger(), &format!("{name}@example.org")).await;
        let mut client = Client::connect(world.address()).await;
        client.ask("GET", "/live/echo", HANDSHAKE, &token).await;
        assert!(client.head().await.starts_with("HTTP/1.1 101"));
        client.is_alive().await;
        open.push(client);
    }
    let mut gus = open.pop().unwrap();
    let changes = [
        "UPDATE users SET password = (SELECT password FROM users WHERE login LIKE 'gus%') WHERE login LIKE 'eve%'",
        "DELETE FROM users WHERE login LIKE 'bob%'",
        "UPDATE users SET disabled = 1 WHERE login LIKE 'ada%'",
    ];
    for change in changes {
        assert_eq!(behind(world.dir.path(), change), 1);
        let ended = open.pop().unwrap().ends().await;
        assert_eq!(ended, b"\x88\x0f\x03\xf0token revoked", "{:?}", String::from_utf8_lossy(&ended));
        gus.is_alive().await;
    }
    let metrics = Stranger::at(world.gateway.admin()).get("/metrics").await.text();
    for reason in ["user_disabled", "revoked_user", "revoked_login"] {
        let line = format!("gatepass_streams_closed_total{{reason=\"{reason}\"}} 1");
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
}
