//! Which stored hashes were replaced by which, while the password stayed the same? Told among gateways, in the store that
//! they share, for as long as a token may live that says a former one.

use async_trait::async_trait;

use super::redis::RedisLinks;
use super::shared::Shared;
use super::sqlite::SqliteLinks;
use super::{Known, Unavailable};
use crate::clock::UnixTime;
use crate::identity::Digest;
use crate::revocation::{Settings, Store};
use crate::token::PasswordVersion;

/// A version, and the one that took its place.
pub(super) type Pair = (PasswordVersion, PasswordVersion);

/// Where they are kept, by the digest of whose passwords they are.
#[async_trait]
pub(super) trait Links: Send + Sync {
    /// Adds some, kept until `expires`.
    async fn add(
        &self,
        user: Digest,
        pairs: &[Pair],
        now: UnixTime,
        expires: UnixTime,
    ) -> Result<(), Unavailable>;

    /// Those of each of these users, in their order.
    async fn of(&self, users: &[Digest], now: UnixTime) -> Result<Vec<Vec<Pair>>, Unavailable>;
}

/// Opens them beside the revocations.
pub(super) async fn open(log: &Settings) -> Result<Box<dyn Links>, Unavailable> {
    Ok(match &log.store {
        Store::Sqlite(path) => Box::new(SqliteLinks::open(path.clone()).await?),
        Store::Redis(address) => Box::new(RedisLinks::new(address, log.ca.as_deref())?),
    })
}

impl Shared {
    /// Reads which hashes these users' were before. Where that cannot be read, it stays open, and with it what is to be said
    /// of tokens that say another password.
    pub(super) async fn read_links(&self, mut of: Vec<&mut Known>) {
        let keys: Vec<Digest> = of
            .iter()
            .filter_map(|known| known.id.as_ref())
            .map(|id| Digest::of_passwords(&self.issuer, id))
            .collect();
        if keys.is_empty() {
            return;
        }
        let found = match self.links.of(&keys, self.clock.now()).await {
            Ok(found) => found,
            Err(error) => return tracing::debug!("{error}"),
        };
        of.iter_mut()
            .filter(|known| known.id.is_some())
            .zip(found)
            .for_each(|(known, pairs)| known.link(&pairs));
    }
}
