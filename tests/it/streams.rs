//! Streams that stay open: who may open one, and that it ends with its token.

pub(crate) mod client;
mod ending;
mod handshake;
pub(crate) mod upstream;
mod waiting;

use crate::world::recorder::Recorder;
use crate::world::{World, config_text};
use upstream::Stage;

/// Everything needs a token; `/live/**` may be upgraded, and takes its token from the query as well.
const ROUTES: &str = r#"
[[route]]
path = "/live/**"
websocket = true
token_query = "access_token"

[[route]]
path = "/open/**"
websocket = true
access = "public"

[[route]]
path = "/plain/**"
"#;

/// A gateway before a stage, with these sections beside the routes.
async fn world(stage: &Stage, more: &str) -> World {
    let text = config_text(stage.address(), &format!("{ROUTES}\n{more}"));
    World::configured(Recorder::start().await, &text).await
}
