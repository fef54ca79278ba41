//! Who does the hashing? A few threads of low priority behind a short queue.
//!
//! A login costs a core for a quarter of a second. However many are asked for at once, no more than these threads work
//! on them, the operating system prefers every other thread to them, and what does not fit the queue is told so at
//! once. A job whose caller has gone is not done.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::bcrypt_hash::{LEAST_COST, MOST_COST};
use super::work::Work;
use super::{NewPassword, PasswordHash};
use crate::clock;
use crate::secret::Secret;

/// What `[passwords]` says of the work.
#[derive(Clone)]
pub struct HasherSettings {
    /// bcrypt's cost: 4 to 16.
    pub cost: u32,
    /// Threads that hash; cores − 1, at least one.
    pub threads: usize,
    /// Jobs that may wait; one more is [`Overloaded`].
    pub queue: usize,
    /// Called with the seconds each hash took (for the metric).
    pub observe: Option<Arc<dyn Fn(f64) + Send + Sync>>,
}

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
    observe: Option<Arc<dyn Fn(f64) + Send + Sync>>,
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
    /// Hashes that cost more are not worked for: they never fit.
    pub const MOST_COST: u32 = MOST_COST;

    /// Starts the threads. A cost outside 4 to 16 is `InvalidInput`.
    pub fn start(settings: HasherSettings) -> io::Result<Self> {
        if !(LEAST_COST..=MOST_COST).contains(&settings.cost) {
            let message = format!("bcrypt's cost is {LEAST_COST} to {MOST_COST}, not {}", settings.cost);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let threads = settings.threads.max(1);
        let hasher = Self {
            shared: Arc::new(Shared {
                queue: Mutex::default(),
                wake: Condvar::new(),
                work: Work::new(settings.cost),
                most: threads.saturating_add(settings.queue),
                observe: settings.observe,
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

    /// There are stored hashes of this cost: from now on every check is as dear, not only from the first of those.
    pub fn expect_cost(&self, cost: u32) {
        self.shared.work.expect_cost(cost);
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
        if let Some(observe) = &self.observe {
            observe(start.elapsed().as_secs_f64());
        }
        result
    }
}

/// Lets every other thread go first; without effect where the system does not allow it.
fn lower_priority() {
    // Only on Linux is this a matter of one thread; elsewhere it would slow the whole process down.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(10);
}

#[cfg(test)]
mod tests;
