//! How are users read from an htpasswd file? All of them at once, and again as soon as the file is another.
//!
//! Every question looks at the file first, so that whoever was taken out of it is out with the next sign-in. A file that
//! cannot be read any more, or in which a line makes no sense, changes nothing: those who were in it stay, and the log
//! says which line it was.

mod content;
mod file;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use self::content::Content;
use self::file::{Look, Stamp};
use super::kinds::one_of_each;
use super::{StoreError, User, UserStore};
use crate::identity::{AskedLogin, UserId};
use crate::password::PasswordHash;

/// How long a disk (or a network that pretends to be one) may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// htpasswd(1) empties the file before it writes it: what is read counts if the file is the same this much later.
const SETTLING: Duration = Duration::from_millis(20);
/// And so many times as much later, if it does not end with a line's end, as a file does that is half written.
const HALF_WRITTEN: u32 = 50;
/// How often that is tried.
const TRIES: u32 = 150;
const READ_ONLY: &str = "an htpasswd file is changed with htpasswd(1)";

/// The users of an htpasswd file. Case matters in their logins, as it does for Apache.
pub struct HtpasswdUsers {
    path: PathBuf,
    read: ArcSwap<Read>,
    /// What was last complained of, and whose turn it is to read.
    complaint: Mutex<Option<String>>,
}

/// The file as it was last found in order.
struct Read {
    /// None if it may have changed unseen since.
    stamp: Option<Stamp>,
    bytes: Vec<u8>,
    content: Content,
}

impl HtpasswdUsers {
    /// Reads the file, which must be in order.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let read = bounded(path, settled(path, None)).await?;
        Ok(Self { path: path.to_owned(), read: ArcSwap::from_pointee(read), complaint: Mutex::default() })
    }

    /// The users as the file has them now; as it had them last if it cannot be read any more.
    async fn users(&self) -> Result<Arc<Read>, StoreError> {
        bounded(&self.path, async { Ok(self.looked_at().await) }).await
    }

    async fn looked_at(&self) -> Arc<Read> {
        let held = self.read.load_full();
        let stamp = file::stamp(&self.path).await;
        if stamp.is_ok_and(|stamp| held.stamp == Some(stamp)) {
            return held;
        }
        let mut complaint = self.complaint.lock().await;
        let held = self.read.load_full();
        match settled(&self.path, Some(Arc::clone(&held))).await {
            Ok(read) => {
                if read.bytes != held.bytes {
                    tracing::info!("{}: read again, {} users", self.path.display(), read.content.len());
                }
                *complaint = None;
                self.read.store(Arc::new(read));
            }
            Err(problem) if complaint.as_ref() != Some(&problem) => {
                let place = self.path.display();
                tracing::warn!("{place}: {problem}; the users it had stay until it is in order again");
                *complaint = Some(problem);
            }
            Err(_) => {}
        }
        self.read.load_full()
    }
}

/// Reads until nobody writes any more. What is as it was in `held` is not read as lines again.
async fn settled(path: &Path, held: Option<Arc<Read>>) -> Result<Read, String> {
    let mut last = file::look(path).await?;
    let (mut tries, mut still) = (0, 0);
    while held.as_ref().is_none_or(|held| held.bytes != last.bytes) {
        let needed = if held.is_some() && !last.bytes.ends_with(b"\n") { HALF_WRITTEN } else { 1 };
        if still >= needed {
            break;
        }
        if tries == TRIES {
            return Err("is being written all the time".to_owned());
        }
        tries += 1;
        sleep(SETTLING).await;
        if file::stamp(path).await? == last.stamp {
            still += 1;
        } else {
            still = 0;
            last = file::look(path).await?;
        }
    }
    let Look { stamp, lasting, bytes } = last;
    let content = match held {
        Some(held) if held.bytes == bytes => held.content.clone(),
        _ => Content::read(&bytes).map_err(|line| format!("line {line} is not `login:hash`"))?,
    };
    Ok(Read { stamp: Some(stamp).filter(|_| lasting), bytes, content })
}

async fn bounded<T>(path: &Path, work: impl Future<Output = Result<T, String>>) -> Result<T, StoreError> {
    let told = |what: &str| StoreError::Failed(format!("{}: {what}", path.display()));
    match timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(|what| told(&what)),
        Err(_) => Err(told("cannot be read in time")),
    }
}

#[async_trait]
impl UserStore for HtpasswdUsers {
    async fn by_login(&self, login: &AskedLogin) -> Result<Option<User>, StoreError> {
        Ok(self.users().await?.content.by_login(login).cloned())
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        Ok(self.users().await?.content.by_id(id).cloned())
    }

    async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        let mut ids: Vec<&UserId> = ids.iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let users = self.users().await?;
        Ok(ids.into_iter().filter_map(|id| users.content.by_id(id)).cloned().collect())
    }

    async fn page(&self, after: Option<&UserId>, most: usize) -> Result<Vec<User>, StoreError> {
        Ok(self.users().await?.content.after(after).take(most).cloned().collect())
    }

    async fn sample(&self) -> Result<Vec<PasswordHash>, StoreError> {
        let users = self.users().await?;
        Ok(one_of_each(
            users
                .content
                .after(None)
                .map(|user| user.password.clone())
                .filter(|hash| !hash.expose().is_empty()),
        ))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // Not by what is held: an operator should hear of a file that is out of order while its users still sign in.
        bounded(&self.path, settled(&self.path, Some(self.read.load_full()))).await.map(drop)
    }

    async fn advice(&self) -> Result<Vec<String>, StoreError> {
        let place = self.path.display();
        let mode = bounded(&self.path, file::mode(&self.path)).await?;
        let mut advice = Vec::new();
        if mode & 0o002 != 0 {
            advice.push(format!("everybody on this machine can add users to {place}: chmod o-w {place}"));
        }
        if mode & 0o004 != 0 {
            advice
                .push(format!("everybody on this machine can read the hashes in {place}: chmod o-r {place}"));
        }
        let users = self.users().await?;
        let lines = |lines: &[usize]| {
            let first: Vec<String> = lines.iter().take(10).map(ToString::to_string).collect();
            first.join(", ") + if lines.len() > 10 { ", …" } else { "" }
        };
        if let repeated @ [_, ..] = users.content.repeated() {
            let lines = lines(repeated);
            advice.push(format!("{place}: a login that stood before is ignored: remove line {lines}"));
        }
        if let odd @ [_, ..] = users.content.odd() {
            let lines = lines(odd);
            advice.push(format!(
                "{place}: a login has at most 255 bytes, no control character and no white space around it: nobody signs \
                 in by line {lines}"
            ));
        }
        Ok(advice)
    }

    fn read_only(&self) -> Option<&'static str> {
        Some(READ_ONLY)
    }

    fn is_shared(&self) -> bool {
        true
    }
}

impl fmt::Debug for HtpasswdUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HtpasswdUsers").field("path", &self.path).finish_non_exhaustive()
    }
}
