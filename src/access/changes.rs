//! When is what was let in to be looked at again?

use tokio::sync::watch;

/// Hears of everything that may end access before a token expires.
#[derive(Debug)]
pub struct Changes {
    revocations: watch::Receiver<()>,
    accounts: watch::Receiver<()>,
}

impl Changes {
    pub(super) const fn of(revocations: watch::Receiver<()>, accounts: watch::Receiver<()>) -> Self {
        Self { revocations, accounts }
    }

    /// What has changed so far is known.
    pub fn mark_unchanged(&mut self) {
        self.revocations.mark_unchanged();
        self.accounts.mark_unchanged();
    }

    /// Waits for the next change; none is missed since the last time, or since they were marked.
    pub async fn changed(&mut self) {
        // An error means that whoever tells of them is gone, and the gate with them.
        tokio::select! {
            _ = self.revocations.changed() => {}
            _ = self.accounts.changed() => {}
        }
    }
}
