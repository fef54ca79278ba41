//! Who does the hashing? A few threads of low priority behind a short queue.
//!
//! A login costs a core for a quarter of a second or so. However many are asked for at once, no more than these threads work
//! on them, the operating system prefers every other thread to them, though it never leaves them with nothing, and what
//! does not fit the queue is told so at once. A job whose caller has gone is not done.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::work::Work;
use super::{HasherSettings, NewPassword, PasswordHash};
use crate::clock;
use crate::secret::Secret;

/// The queue is full: try again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many password checks are waiting")]
pub struct Overloaded;

/// The threads and their queue. Dropping it stops them: what waits is dropped, what runs is finished.
pub struct Hasher {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    work: Work,
    /// Jobs that may be here at once: one on each thread, and those that wait.
    most: usize,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    running: usize,
    /// Places taken for jobs that are still to come.
    taken: usize,
    closed: bool,
}

impl Queue {
    fn places(&self) -> usize {
        self.waiting.len() + self.running + self.taken
    }
}

enum Job {
    Hash(NewPassword, oneshot::Sender<PasswordHash>),
    Verify(Secret, Option<PasswordHash>, oneshot::Sender<bool>),
}

impl Job {
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Hash(_, caller) => caller.is_closed(),
            Self::Verify(_, _, caller) => caller.is_closed(),
        }
    }
}

impl Hasher {
    /// Starts the threads. A cost that no hash may have is `InvalidInput`.
    pub fn start(settings: HasherSettings) -> io::Result<Self> {
        settings.hash.check()?;
        let threads = settings.threads.max(1);
        let hasher = Self {
            shared: Arc::new(Shared {
                queue: Mutex::default(),
                wake: Condvar::new(),
                most: threads.saturating_add(settings.queue),
                work: Work::new(settings),
            }),
        };
        for number in 1..=threads {
            let shared = Arc::clone(&hasher.shared);
            std::thread::Builder::new().name(format!("gatepass-hash-{number}")).spawn(move || {
                lower_priority();
                while let Some(job) = shared.next() {
                    shared.run(job);
                }
            })?;
        }
        Ok(hasher)
    }

    /// Hashes a new password.
    pub async fn hash(&self, password: NewPassword) -> Result<PasswordHash, Overloaded> {
        let place = self.place()?;
        let (caller, answer) = oneshot::channel();
        place.submit(Job::Hash(password, caller))?;
        // No answer: the job failed, or the threads are being stopped.
        answer.await.map_err(|_| Overloaded)
    }

    /// A place for one check, whose password is looked at later. It is given back when dropped.
    pub fn place(&self) -> Result<HashPlace, Overloaded> {
        self.shared.take_place()?;
        Ok(HashPlace { shared: Some(Arc::clone(&self.shared)) })
    }

    /// A place for one hash that nobody waits for; none while anybody waits for another.
    pub fn spare_place(&self) -> Result<HashPlace, Overloaded> {
        if self.waiting() > 0 { Err(Overloaded) } else { self.place() }
    }

    /// There are stored hashes like this one: from now on every check is as dear, not only from the first of those.
    pub fn expect(&self, stored: &PasswordHash) {
        self.shared.work.expect(stored);
    }

    /// Nothing is ever stored here, and what is stored is like these: from now on no check is as dear as a new hash would
    /// be, unless these are.
    pub fn expect_only(&self, stored: &[PasswordHash]) {
        self.shared.work.expect_only(stored);
    }

    /// Whether a hash that `password` fits is to be replaced by what [`HashPlace::renew`] makes: its scheme is
    /// deprecated, or its cost is below the configured one. Never by a weaker scheme, and never if either of the two
    /// schemes cannot read the whole password.
    pub fn is_outdated(&self, stored: &PasswordHash, password: &Secret) -> bool {
        self.shared.work.settings().is_outdated(stored, password.expose())
    }

    /// Jobs waiting now.
    pub fn waiting(&self) -> usize {
        self.shared.lock().waiting.len()
    }
}

/// A place among the jobs of a [`Hasher`].
pub struct HashPlace {
    /// None once the job is in the queue.
    shared: Option<Arc<Shared>>,
}

impl HashPlace {
    /// Whether `password` fits `stored`. `None` (no such user) does the same work and says no.
    pub async fn verify(self, password: Secret, stored: Option<PasswordHash>) -> Result<bool, Overloaded> {
        let (caller, answer) = oneshot::channel();
        self.submit(Job::Verify(password, stored, caller))?;
        answer.await.map_err(|_| Overloaded)
    }

    /// Hashes a password anew that fitted a hash which [`Hasher::is_outdated`].
    pub async fn renew(self, password: Secret) -> Result<PasswordHash, Overloaded> {
        let (caller, answer) = oneshot::channel();
        self.submit(Job::Hash(NewPassword::kept(password), caller))?;
        answer.await.map_err(|_| Overloaded)
    }

    fn submit(mut self, job: Job) -> Result<(), Overloaded> {
        let shared = self.shared.take().expect("a place is used once, by value");
        shared.submit(job)
    }
}

impl Drop for HashPlace {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.lock().taken -= 1;
        }
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closed = true;
        queue.waiting.clear();
        self.shared.wake.notify_all();
    }
}

impl Shared {
    /// No job runs under this lock, so a panic never leaves it half changed.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_place(&self) -> Result<(), Overloaded> {
        let mut queue = self.lock();
        if queue.places() >= self.most {
            queue.waiting.retain(|job| !job.is_abandoned());
        }
        if queue.closed || queue.places() >= self.most {
            return Err(Overloaded);
        }
        queue.taken += 1;
        Ok(())
    }

    /// Puts a job into the place that was taken for it.
    fn submit(&self, job: Job) -> Result<(), Overloaded> {
        let mut queue = self.lock();
        queue.taken -= 1;
        if queue.closed {
            return Err(Overloaded);
        }
        queue.waiting.push_back(job);
        self.wake.notify_one();
        Ok(())
    }

    /// The next job somebody still waits for; `None` when there will be no more.
    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return None;
            }
            match queue.waiting.pop_front() {
                Some(job) if job.is_abandoned() => {}
                Some(job) => {
                    queue.running += 1;
                    return Some(job);
                }
                None => queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn run(&self, job: Job) {
        match job {
            Job::Hash(password, caller) => self.answer(caller, || self.work.hash(&password)),
            Job::Verify(password, stored, caller) => {
                self.answer(caller, || self.work.verify(password.expose(), stored.as_ref()));
            }
        }
    }

    /// Does the work, gives its place back, and answers. A panic in it drops the channel, which the caller sees, and
    /// leaves the thread alive.
    fn answer<T>(&self, caller: oneshot::Sender<T>, work: impl FnOnce() -> T) {
        let done = catch_unwind(AssertUnwindSafe(|| self.timed(work)));
        self.lock().running -= 1;
        if let Ok(result) = done {
            // A caller who has gone meanwhile does not want it any more.
            drop(caller.send(result));
        } else {
            tracing::error!("a password job failed; its caller is told to try again");
        }
    }

    fn timed<T>(&self, work: impl FnOnce() -> T) -> T {
        let start = clock::instant();
        let result = work();
        if let Some(observe) = &self.work.settings().observe {
            observe(start.elapsed().as_secs_f64());
        }
        result
    }
}

/// How much nicer these threads are than the one that starts them.
///
/// Each step is a factor of 1.25 in what the scheduler grants: at 5, a third of what another thread gets. So while requests
/// keep a core busy, hashing has a quarter of it beside one thread and a seventh beside two, and a password is checked in a
/// second or two; at 10 it would have a tenth or a twentieth, and people give up before. A thread that wakes up for a request
/// goes first all the same.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Lets every other thread go first; without effect where the system does not allow it.
fn lower_priority() {
    // Only on Linux is this a matter of one thread; elsewhere it would slow the whole process down.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICENESS);
}

#[cfg(test)]
mod tests;
