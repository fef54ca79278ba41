//! Who among those in use has changed? Rounds through everybody who is known, in batches, twice within `account_check`:
//! so that a round that takes long is still in time.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::Known;
use super::asker::BATCH;
use super::shared::Shared;
use crate::clock;
use crate::identity::{Digest, UserId};
use crate::users::User;

/// Who has not been seen for that long is not asked about any more.
const IDLE: Duration = Duration::from_secs(600);

/// The longest pause after a round that failed.
const RETRY: Duration = Duration::from_secs(1);

/// Goes round for as long as there is a gateway.
pub(super) async fn run(shared: Arc<Shared>, check: Duration) {
    let interval = check / 2;
    loop {
        let began = clock::instant();
        let round = AssertUnwindSafe(round(&shared)).catch_unwind().await;
        let pause = match round.unwrap_or_else(|_| Err("a round through the users in use failed".to_owned()))
        {
            Ok(()) => {
                shared.has_answered();
                shared.freshness.proven(began);
                shared.books.tidy(shared.clock.now(), IDLE.max(check));
                interval.saturating_sub(clock::instant().saturating_duration_since(began))
            }
            Err(why) => {
                // Nobody is forgotten meanwhile: who is known to be out stays out.
                shared.is_down(&why);
                interval.min(RETRY)
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Asks about everybody once. With nobody in use, only whether the store answers.
async fn round(shared: &Shared) -> Result<(), String> {
    let mut batch = Vec::new();
    let mut asked = false;
    for page in shared.books.pages() {
        for one in page {
            batch.push(one);
            if batch.len() == BATCH {
                poll(shared, &std::mem::take(&mut batch)).await?;
                asked = true;
            }
        }
    }
    match (batch.is_empty(), asked) {
        (false, _) => poll(shared, &batch).await,
        (true, true) => Ok(()),
        (true, false) => shared.users.ping().await.map_err(|error| error.to_string()),
    }
}

/// Asks about these, with one question.
async fn poll(shared: &Shared, batch: &[(Digest, UserId)]) -> Result<(), String> {
    let asked = shared.clock.now();
    let ids: Vec<UserId> = batch.iter().map(|(_, id)| id.clone()).collect();
    let users = shared.users.by_ids(&ids).await.map_err(|error| error.to_string())?;
    let users: HashMap<&str, &User> = users.iter().map(|user| (user.id.as_str(), user)).collect();
    let mut found: Vec<(Digest, Known)> = Vec::with_capacity(batch.len());
    for (who, id) in batch {
        found.push((
            *who,
            match users.get(id.as_str()) {
                Some(user) => shared.known(*who, user, asked),
                None => Known::gone(Some(id.clone()), asked),
            },
        ));
    }
    // With a new hash, what is in flight cannot wait until somebody asks which tokens are good.
    let renewed = found.iter_mut().filter(|(who, known)| {
        let same = shared.books.peek(*who, |before| before.of_stored() == known.of_stored());
        !known.linked && same == Some(false)
    });
    let renewed: Vec<_> = renewed.map(|(_, known)| known).collect();
    shared.read_links(renewed).await;
    let mut changed = false;
    for (who, known) in found {
        changed |= shared.books.update(who, known);
    }
    if changed {
        shared.changed.send_replace(());
    }
    Ok(())
}
