//! Somebody who can sign in.

use crate::world::World;

pub(super) const PASSWORD: &str = "correct horse battery";
pub(super) const LOGIN: &str = "ada@example.org";
/// What she signs in with.
pub(super) const FORM: &str = "username=ada%40example.org&password=correct+horse+battery";
pub(super) const FORM_TYPE: &str = "application/x-www-form-urlencoded";

/// Signs her up.
pub(super) async fn in_world(world: World) -> World {
    assert_eq!(world.stranger().sign_up(LOGIN, PASSWORD).await.status, 200);
    world
}
