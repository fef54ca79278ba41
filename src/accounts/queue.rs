//! Who has to be asked about, and who waits for the answer? Everybody who waits for one user shares one question.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::Known;
use crate::identity::{Digest, Subject};
use crate::token::{PasswordVersion, Verified};

/// Users that may wait at once: about 10 MB of what is written down of them.
const MOST: usize = 20_000;

/// What came of a question: the user, or that the store did not answer.
pub(super) type Answer = Result<Arc<Known>, ()>;

/// Hears the answer.
pub(super) type Ear = watch::Receiver<Option<Answer>>;

/// A user to ask about.
#[derive(Clone, Debug)]
pub(super) struct Want {
    pub(super) user: Digest,
    pub(super) subject: Subject,
    /// What the token that asked first says of its password.
    pub(super) password: Option<PasswordVersion>,
}

/// Too many wait.
#[derive(Debug)]
pub(super) struct Full;

/// Questions that have no answer yet.
#[derive(Default)]
pub(super) struct Queue {
    books: Mutex<Waiting>,
    more: Notify,
}

#[derive(Default)]
struct Waiting {
    /// Being asked, or about to be.
    open: HashMap<Digest, watch::Sender<Option<Answer>>>,
    next: VecDeque<Want>,
}

impl Queue {
    /// Has the user of `token` asked about; says whether that is a new question.
    pub(super) fn join(&self, token: &Verified) -> Result<(Ear, bool), Full> {
        let user = token.digests().user;
        let mut waiting = self.waiting();
        if let Some(asked) = waiting.open.get(&user) {
            return Ok((asked.subscribe(), false));
        }
        if waiting.open.len() >= MOST {
            return Err(Full);
        }
        let (answer, ear) = watch::channel(None);
        waiting.open.insert(user, answer);
        let password = token.password_version();
        waiting.next.push_back(Want { user, subject: token.subject().clone(), password });
        drop(waiting);
        self.more.notify_one();
        Ok((ear, true))
    }

    /// The next users to ask about, at most `most`; waits for one.
    pub(super) async fn next(&self, most: usize) -> Vec<Want> {
        loop {
            let more = self.more.notified();
            {
                let next = &mut self.waiting().next;
                if !next.is_empty() {
                    let most = most.min(next.len());
                    return next.drain(..most).collect();
                }
            }
            more.await;
        }
    }

    /// Tells everybody who waits for `user`.
    pub(super) fn answer(&self, user: Digest, answer: Answer) {
        let asked = self.waiting().open.remove(&user);
        if let Some(asked) = asked {
            asked.send_replace(Some(answer));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
