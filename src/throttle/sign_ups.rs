//! May somebody sign up now? So many an hour from one source, and so many in all.
//!
//! A counter of its own kind in the same store: one more than the allowance waits until one is forgiven, and no longer,
//! for nobody guesses anything here. Each counter is asked by itself, the source's first: a flood from one source does
//! not use up what there is for all.

use std::net::IpAddr;
use std::time::Duration;

use super::attempt::{Attempt, network};
use super::{Refused, Settings, Throttle, Told};
use crate::identity::Digest;

/// What the allowances are for.
const PERIOD: Duration = Duration::from_secs(3600);

impl Throttle {
    /// Counts a sign-up from `client`, or says how long it has to wait.
    pub async fn sign_up(&self, client: Option<IpAddr>) -> Result<(), Refused> {
        // Behind a Unix socket nobody has an address: there is no source to count by.
        let source = client.map(|client| (network(client), self.settings.signups));
        let total = (String::new(), self.settings.signups_total);
        for (source, most) in source.into_iter().chain([total]) {
            if let Some(most) = most {
                self.count(Digest::of_sign_ups(&self.issuer, &source), most).await?;
            }
        }
        Ok(())
    }

    async fn count(&self, who: Digest, most: u32) -> Result<(), Refused> {
        let Some(store) = &self.store else { return Ok(()) };
        let now = self.clock.now();
        if let Some(wait) = self.memo.wait(who, now) {
            return Err(Refused::Wait(wait));
        }
        match store.reserve(&Attempt::counted_as(who), &rule(most)).await? {
            Told::Go(_) => Ok(()),
            Told::Wait { all, .. } => {
                self.memo.note(who, all, now);
                Err(Refused::Wait(all))
            }
        }
    }
}

/// A counter that lets `most` through in an hour, and the next when one of them is forgiven.
fn rule(most: u32) -> Settings {
    let most = most.max(1);
    let each = PERIOD / most;
    Settings {
        account_source: most,
        account: most,
        first_delay: each,
        longest_delay: each,
        forget_after: PERIOD,
        ..Settings::default()
    }
}
