//! Does the queue hold its bounds, forget who has gone, and survive a failing job?

use std::future::Future as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::time::Duration;

use super::super::NewHash;
use super::*;

fn settings(observe: impl Fn(f64) + Send + Sync + 'static) -> HasherSettings {
    let observe: Option<Arc<dyn Fn(f64) + Send + Sync>> = Some(Arc::new(observe));
    HasherSettings { observe, ..HasherSettings::of(NewHash::Bcrypt { cost: 4 }) }
}

/// A hasher of one thread and one place, that finishes a job each time the sender sends.
fn held() -> (Hasher, mpsc::Sender<()>, Arc<AtomicUsize>) {
    let (release, held) = mpsc::channel::<()>();
    let (held, done) = (Mutex::new(held), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&done);
    let hasher = Hasher::start(settings(move |_| {
        // When the test ends and drops the sender, this thread ends too.
        let _ = held.lock().unwrap().recv();
        count.fetch_add(1, Ordering::SeqCst);
    }));
    (hasher.unwrap(), release, done)
}

impl Hasher {
    async fn verify(&self, password: Secret, stored: Option<PasswordHash>) -> Result<bool, Overloaded> {
        self.place()?.verify(password, stored).await
    }
}

macro_rules! asked {
    ($name:ident = $future:expr) => {
        let mut $name = Box::pin($future);
        assert!($name.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    };
}

fn new(text: &str) -> NewPassword {
    NewPassword::parse(Secret::from(text)).unwrap()
}

#[tokio::test]
async fn hashes_and_verifies() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let hasher = Hasher::start(settings(move |seconds| {
        assert!(seconds > 0.0);
        count.fetch_add(1, Ordering::SeqCst);
    }))
    .unwrap();
    let hash = hasher.hash(new("correct horse")).await.unwrap();
    assert!(hasher.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
    assert!(!hasher.verify("correct horsf".into(), Some(hash)).await.unwrap());
    assert!(!hasher.verify("correct horse".into(), None).await.unwrap());
    assert_eq!(seen.load(Ordering::SeqCst), 4);
    assert_eq!(hasher.waiting(), 0);
}

#[tokio::test]
async fn a_full_queue_says_so_at_once() {
    let (hasher, release, _) = held();
    asked!(first = hasher.hash(new("correct horse")));
    asked!(second = hasher.verify("wrong".into(), None));
    assert_eq!(hasher.verify("third".into(), None).await, Err(Overloaded));
    assert!(hasher.waiting() >= 1);
    release.send(()).unwrap();
    release.send(()).unwrap();
    assert!(first.await.is_ok());
    assert_eq!(second.await, Ok(false));
}

#[tokio::test]
async fn a_place_that_was_taken_is_kept_free() {
    let (hasher, release, _) = held();
    let place = hasher.place().unwrap();
    let other = hasher.place().unwrap();
    assert!(hasher.place().is_err() && hasher.hash(new("correct horse")).await.is_err());
    assert_eq!(hasher.waiting(), 0);
    drop(other);
    asked!(first = hasher.verify("wrong".into(), None));
    assert!(hasher.place().is_err());
    release.send(()).unwrap();
    release.send(()).unwrap();
    assert_eq!(place.verify("wrong".into(), None).await, Ok(false));
    assert_eq!(first.await, Ok(false));
}

#[tokio::test]
async fn nobody_works_for_who_has_gone() {
    let (hasher, release, done) = held();
    asked!(first = hasher.verify("wrong".into(), None));
    asked!(second = hasher.verify("wrong".into(), None));
    drop(second);
    asked!(third = hasher.verify("wrong".into(), None));
    release.send(()).unwrap();
    release.send(()).unwrap();
    assert_eq!((first.await, third.await), (Ok(false), Ok(false)));
    assert_eq!(done.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_job_that_panics_takes_nothing_with_it() {
    let broken = AtomicBool::new(true);
    let hasher =
        Hasher::start(settings(move |_| assert!(!broken.swap(false, Ordering::SeqCst), "on purpose")))
            .unwrap();
    assert_eq!(hasher.verify("wrong".into(), None).await, Err(Overloaded));
    assert_eq!(hasher.verify("wrong".into(), None).await, Ok(false), "the one thread still serves");
    let both = tokio::join!(hasher.verify("wrong".into(), None), hasher.verify("wrong".into(), None));
    assert_eq!(both, (Ok(false), Ok(false)), "and its place was given back");
}

#[tokio::test]
async fn dropping_it_lets_the_waiting_go() {
    let (hasher, release, _) = held();
    let shared = Arc::clone(&hasher.shared);
    // By hand, for a caller's future would borrow the hasher.
    let ask = || {
        let (caller, answer) = oneshot::channel();
        shared.take_place().unwrap();
        shared.submit(Job::Verify("wrong".into(), None, caller)).unwrap();
        answer
    };
    let (running, waiting) = (ask(), ask());
    let deadline = clock::instant() + Duration::from_secs(60);
    while hasher.waiting() > 1 {
        assert!(clock::instant() < deadline, "the first is never begun");
        tokio::task::yield_now().await;
    }
    drop(hasher);
    assert!(waiting.await.is_err());
    assert_eq!(shared.take_place(), Err(Overloaded));
    drop(release);
    assert_eq!(running.await, Ok(false), "what runs is finished");
}

#[tokio::test]
async fn what_nobody_waits_for_gives_way() {
    let (hasher, release, _) = held();
    let hash = hasher.spare_place().unwrap().renew("an old password".into());
    asked!(hash = hash);
    asked!(waits = hasher.verify("wrong".into(), None));
    assert!(hasher.spare_place().is_err());
    release.send(()).unwrap();
    release.send(()).unwrap();
    assert!(hash.await.is_ok() && waits.await == Ok(false));
    let (hasher, release, _) = held();
    asked!(hash = hasher.spare_place().unwrap().renew("short".into()));
    release.send(()).unwrap();
    let hash = hash.await.unwrap();
    release.send(()).unwrap();
    assert_eq!(hasher.verify("short".into(), Some(hash)).await, Ok(true), "however short it is");
}

#[test]
fn a_cost_that_is_none_is_refused() {
    let argon2id = |memory, iterations, parallelism| NewHash::Argon2id { memory, iterations, parallelism };
    let bcrypt = [0, 3, 17, 31].map(|cost| NewHash::Bcrypt { cost });
    let argon2id = [argon2id(7, 1, 1), argon2id(262_145, 1, 1), argon2id(262_144, 9, 1), argon2id(64, 0, 1)];
    for hash in bcrypt.into_iter().chain(argon2id) {
        let error = Hasher::start(HasherSettings::of(hash)).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}

#[cfg(target_os = "linux")]
mod on_a_busy_core {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::*;

    /// Of this thread.
    fn niceness() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        // The name may hold anything; what follows it may not.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        fields.split(' ').nth(16).unwrap().parse().unwrap()
    }

    /// How many nanoseconds this thread has had a core so far.
    fn on_core() -> f64 {
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        stat.split(' ').next().unwrap().parse().unwrap()
    }

    /// From now on, this thread and those it starts share one core.
    fn share_one_core() {
        let all = sched_getaffinity(None).unwrap();
        let mut one = CpuSet::new();
        one.set((0..CpuSet::MAX_CPU).find(|&core| all.is_set(core)).unwrap());
        sched_setaffinity(None, &one).unwrap();
    }

    #[tokio::test]
    async fn hashing_alone_is_of_low_priority() {
        let seen = Arc::new(Mutex::new(None));
        let note = Arc::clone(&seen);
        let hasher = Hasher::start(settings(move |_| *note.lock().unwrap() = Some(niceness()))).unwrap();
        assert_eq!(hasher.verify("wrong".into(), None).await, Ok(false));
        assert_eq!(*seen.lock().unwrap(), Some((niceness() + NICENESS).min(19)));
    }

    /// Counts what each had of the core, not how long it took: whoever else is there takes from both.
    #[test]
    fn it_is_never_left_with_nothing() {
        share_one_core();
        let spent = Arc::new(Mutex::new(0.0));
        let note = Arc::clone(&spent);
        let observe: Arc<dyn Fn(f64) + Send + Sync> = Arc::new(move |_| *note.lock().unwrap() = on_core());
        let settings =
            HasherSettings { observe: Some(observe), ..HasherSettings::of(NewHash::Bcrypt { cost: 10 }) };
        let hasher = Hasher::start(settings).unwrap();
        let (mut ours, mut theirs) = (0.0, 0.0);
        for _ in 0..4 {
            asked!(job = hasher.verify("wrong".into(), None));
            // Whoever has just been woken is owed nothing yet.
            let (began, had) = (on_core(), *spent.lock().unwrap());
            while job.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                std::hint::spin_loop();
            }
            ours += on_core() - began;
            theirs += *spent.lock().unwrap() - had;
        }
        let share = theirs / (ours + theirs);
        assert!((0.15..0.40).contains(&share), "hashing had {share:.3} of the core");
    }
}
