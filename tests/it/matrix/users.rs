//! The cells of users who are changed behind the gateway's back.

use gatepass::access::Reason;

use super::Matrix;
use crate::accounts::{becomes, behind, often, token};
use crate::world::recorder::Recorder;
use crate::world::{ROUTES, config_text};

pub(super) async fn cells(matrix: &mut Matrix) {
    let recorder = Recorder::start().await;
    let text = config_text(recorder.address(), ROUTES);
    let world = often(recorder, &text).await;
    let token = token(&world.stranger(), "ada@example.org").await;
    let ada = world.stranger().bearing(&token);
    matrix.cell(&world, &ada, ("GET", "/api/me"), (200, Reason::Authenticated, 1)).await;
    for (change, reason) in [
        ("UPDATE users SET disabled = 1", Reason::UserDisabled),
        ("UPDATE users SET disabled = 0, password = 'another'", Reason::RevokedLogin),
        ("DELETE FROM users", Reason::RevokedUser),
    ] {
        assert_eq!(behind(world.dir.path(), change), 1);
        becomes(&ada, 401, reason.as_str()).await;
        for target in ["/api/me", "/maybe/x"] {
            matrix.cell(&world, &ada, ("GET", target), (401, reason, 0)).await;
        }
        matrix.cell(&world, &ada, ("GET", "/public/x"), (200, Reason::Public, 1)).await;
    }
}
