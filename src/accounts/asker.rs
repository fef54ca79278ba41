//! How are users asked about whom nothing is known? Those who came while the last question was under way, all with the
//! next one: however many come, the store has one question of ours at a time.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::Known;
use super::queue::Want;
use super::shared::Shared;
use crate::clock::UnixTime;
use crate::identity::{AskedLogin, Digest, UserId};
use crate::token::SubjectForm;
use crate::users::{StoreError, User};

/// The most users that a store is asked about with one question.
pub(super) const BATCH: usize = 1000;

/// Logins looked up at once.
const LOGINS: usize = 8;

/// The pause after a question that had no answer.
const PAUSE: Duration = Duration::from_millis(200);

/// Asks for as long as there is a gateway.
pub(super) async fn run(shared: Arc<Shared>) {
    let most = match shared.subject {
        SubjectForm::Id => BATCH,
        SubjectForm::Login { .. } => LOGINS * LOGINS,
    };
    loop {
        let wants = shared.queue.next(most).await;
        // Without this task nobody new would be let in any more: a question that fails is one question less.
        let answered = AssertUnwindSafe(ask(&shared, &wants)).catch_unwind().await;
        let answered = answered.unwrap_or_else(|_| Err("the question failed".to_owned()));
        match answered {
            Ok(found) => {
                shared.has_answered();
                tell(&shared, found);
            }
            Err(why) => {
                shared.is_down(&why);
                for want in &wants {
                    shared.queue.answer(want.user, Err(()));
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Writes down what was found, then tells who waits for it.
fn tell(shared: &Shared, found: Vec<(Digest, Known)>) {
    let mut changed = false;
    for (user, known) in found {
        changed |= shared.books.install(user, known.clone(), shared.clock.now());
        shared.queue.answer(user, Ok(Arc::new(known)));
    }
    if changed {
        shared.changed.send_replace(());
    }
}

async fn ask(shared: &Shared, wants: &[Want]) -> Result<Vec<(Digest, Known)>, String> {
    let asked = shared.clock.now();
    let found = match &shared.subject {
        SubjectForm::Id => by_id(shared, wants).await,
        SubjectForm::Login { prefix } => by_login(shared, prefix, wants).await,
    };
    let found = found.map_err(|error| error.to_string())?;
    let found = wants.iter().zip(found).map(|(want, user)| (want, known(shared, want, user, asked)));
    let mut found: Vec<(&Want, Known)> = found.collect();
    let open = found.iter_mut().filter(|(want, known)| !known.can_tell(want.password));
    shared.read_links(open.map(|(_, known)| known).collect()).await;
    Ok(found.into_iter().map(|(want, known)| (want.user, known)).collect())
}

fn known(shared: &Shared, want: &Want, user: Option<User>, asked: UnixTime) -> Known {
    if let Some(user) = user {
        return shared.known(want.user, &user, asked);
    }
    // Who was there once may come back.
    let id = match shared.subject {
        SubjectForm::Id => UserId::parse(want.subject.as_str()).ok(),
        SubjectForm::Login { .. } => shared.books.peek(want.user, |before| before.id.clone()).flatten(),
    };
    Known::gone(id, asked)
}

/// The users whose ids the subjects are, in their order.
async fn by_id(shared: &Shared, wants: &[Want]) -> Result<Vec<Option<User>>, StoreError> {
    let id = |want: &Want| UserId::parse(want.subject.as_str()).ok();
    let ids: Vec<UserId> = wants.iter().filter_map(id).collect();
    let found = if ids.is_empty() { Vec::new() } else { shared.users.by_ids(&ids).await? };
    let mut found: HashMap<UserId, User> = found.into_iter().map(|user| (user.id.clone(), user)).collect();
    Ok(wants.iter().map(|want| found.remove(&id(want)?)).collect())
}

/// The users whose logins the subjects are, in their order.
async fn by_login(shared: &Shared, prefix: &str, wants: &[Want]) -> Result<Vec<Option<User>>, StoreError> {
    let mut found = Vec::with_capacity(wants.len());
    for few in wants.chunks(LOGINS) {
        let users = few.iter().map(async |want| {
            let login = want.subject.as_str().strip_prefix(prefix);
            match login.and_then(|login| AskedLogin::parse(login).ok()) {
                Some(login) => shared.users.by_login(&login).await,
                None => Ok(None),
            }
        });
        for user in join_all(users).await {
            found.push(user?);
        }
    }
    Ok(found)
}
