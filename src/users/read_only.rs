//! What does `mode = "read_only"` mean? That nothing of ours asks a store for a change, whatever it is made of.

use std::sync::Arc;

use async_trait::async_trait;

use super::{StoreError, User, UserStore};
use crate::identity::{AskedLogin, UserId};
use crate::password::PasswordHash;

const WHY: &str = "`mode` in [users] is \"read_only\"";

/// A store that is asked, never changed.
#[derive(Debug)]
pub(super) struct ReadOnly(pub(super) Arc<dyn UserStore>);

#[async_trait]
impl UserStore for ReadOnly {
    async fn by_login(&self, login: &AskedLogin) -> Result<Option<User>, StoreError> {
        self.0.by_login(login).await
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.0.by_id(id).await
    }

    async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        self.0.by_ids(ids).await
    }

    async fn page(&self, after: Option<&UserId>, most: usize) -> Result<Vec<User>, StoreError> {
        self.0.page(after, most).await
    }

    async fn sample(&self) -> Result<Vec<PasswordHash>, StoreError> {
        self.0.sample().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.0.ping().await
    }

    async fn advice(&self) -> Result<Vec<String>, StoreError> {
        self.0.advice().await
    }

    fn read_only(&self) -> Option<&'static str> {
        Some(WHY)
    }

    fn is_shared(&self) -> bool {
        self.0.is_shared()
    }
}
