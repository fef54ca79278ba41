//! One JSON line a request, on stdout, written in batches by a thread of its own.
//!
//! A request appends its line to a buffer and goes on. The writer takes the buffer whole, so that a busy gateway
//! makes one system call for hundreds of lines. A reader that does not keep up costs lines, counted, never requests.

use std::cell::RefCell;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::UnixTime;

mod line;

/// Bytes that may wait for the writer.
const MOST_WAITING: usize = 8 * 1024 * 1024;
/// How long lines gather before they are written, unless [`BATCH`] bytes come first.
const GATHER: Duration = Duration::from_millis(20);
const BATCH: usize = 64 * 1024;

/// What is said of one request. Never its query, its token, or any header.
#[derive(Clone, Copy, Debug)]
pub struct AccessEntry<'r> {
    /// When it ended; written as RFC 3339, UTC, with milliseconds.
    pub time: UnixTime,
    /// The identifier the answer and the upstream got.
    pub request_id: &'r str,
    /// The client's address.
    pub client: Option<&'r str>,
    /// The method.
    pub method: &'r str,
    /// The path, without the query.
    pub path: &'r str,
    /// The route's name.
    pub route: &'r str,
    /// The status; 499 when the client was gone before there was one.
    pub status: u16,
    /// `allow` or `deny`.
    pub decision: &'r str,
    /// Why.
    pub reason: &'r str,
    /// `sub` of the token, if one was verified.
    pub subject: Option<&'r str>,
    /// The operator's word for the trusted issuer whose token let the request through; written as `issuer`.
    pub trusted: Option<&'r str>,
    /// The upstream server.
    pub upstream: Option<&'r str>,
    /// Bytes of the answer's body.
    pub bytes: usize,
    /// From the complete head to the end of the answer; written as `duration_ms`.
    pub duration: Duration,
    /// Of that, deciding; `auth_ms`.
    pub auth: Option<Duration>,
    /// Of that, from choosing a server to the end; `upstream_ms`.
    pub upstream_time: Option<Duration>,
    /// What went wrong, for the operator.
    pub detail: Option<&'r str>,
}

/// The log; cheap to clone.
#[derive(Clone)]
pub struct AccessLog {
    shared: Option<Arc<Shared>>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    news: Condvar,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    ended: bool,
}

/// Ends the writer when dropped, after the last line.
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl AccessLog {
    /// A log that says nothing.
    pub const fn silent() -> Self {
        Self { shared: None }
    }

    /// A log into `sink`, and the guard that keeps its writer alive.
    pub fn start(sink: impl Write + Send + 'static) -> std::io::Result<(Self, Writer)> {
        let shared =
            Arc::new(Shared { waiting: Mutex::default(), news: Condvar::new(), dropped: AtomicU64::new(0) });
        let of_writer = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("gatepass-access-log".to_owned())
            .spawn(move || of_writer.write_to(sink))?;
        Ok((Self { shared: Some(Arc::clone(&shared)) }, Writer { shared, thread: Some(thread) }))
    }

    /// Whether anybody reads: an entry need not be made for a silent log.
    pub const fn is_on(&self) -> bool {
        self.shared.is_some()
    }

    /// Adds a line.
    pub fn record(&self, entry: &AccessEntry<'_>) {
        let Some(shared) = &self.shared else { return };
        LINE.with_borrow_mut(|line| {
            line.clear();
            line::write(line, entry);
            shared.add(line);
        });
    }

    /// Lines lost because the reader did not keep up.
    pub fn dropped(&self) -> u64 {
        self.shared.as_ref().map_or(0, |shared| shared.dropped.load(Ordering::Relaxed))
    }
}

thread_local! {
    /// A line is written here first, so that the lock is held for a copy only.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Shared {
    fn add(&self, line: &[u8]) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let before = waiting.lines.len();
        if before > MOST_WAITING {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.lines.extend_from_slice(line);
        let after = waiting.lines.len();
        drop(waiting);
        // Waking costs a system call: only for the first line, and once when a batch is full.
        if before == 0 || (before < BATCH && after >= BATCH) {
            self.news.notify_one();
        }
    }

    fn write_to(&self, mut sink: impl Write) {
        let mut batch = Vec::with_capacity(2 * BATCH);
        let mut told = 0;
        loop {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            while waiting.lines.is_empty() && !waiting.ended {
                waiting = self.news.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            let full = |w: &mut Waiting| w.lines.len() < BATCH && !w.ended;
            let gathered = self.news.wait_timeout_while(waiting, GATHER, full);
            let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut waiting.lines, &mut batch);
            let ended = waiting.ended;
            drop(waiting);
            if let Err(error) = sink.write_all(&batch).and_then(|()| sink.flush()) {
                tracing::warn!(%error, "access-log lines could not be written");
            }
            batch.clear();
            let dropped = self.dropped.load(Ordering::Relaxed);
            if dropped > told {
                tracing::warn!(
                    lines = dropped - told,
                    "access-log lines were dropped: their reader does not keep up"
                );
                told = dropped;
            }
            if ended {
                return;
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.shared.news.notify_one();
        if let Some(thread) = self.thread.take() {
            // It only ends by returning: nothing it does panics.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn entry() -> AccessEntry<'static> {
        AccessEntry {
            time: UnixTime::from_millis(1_790_000_000_042),
            request_id: "r",
            client: None,
            method: "GET",
            path: "/a\n\u{1b}[31m\"",
            route: "default",
            status: 200,
            decision: "allow",
            reason: "public",
            subject: None,
            trusted: None,
            upstream: None,
            bytes: 0,
            duration: Duration::from_micros(12_034),
            auth: None,
            upstream_time: None,
            detail: None,
        }
    }

    #[test]
    fn every_line_is_one_json_object_whatever_the_path_holds() {
        let page = Page::default();
        let (log, writer) = AccessLog::start(page.clone()).unwrap();
        for _ in 0..100 {
            log.record(&entry());
        }
        drop(writer);
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 100);
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["time"], "2026-09-21T14:13:20.042Z");
            assert_eq!(value["path"], "/a\n\u{1b}[31m\"");
            assert_eq!(value["duration_ms"], 12.034);
            assert!(value["client"].is_null() && value.get("upstream_ms").is_none());
            assert!(!line.contains('\u{1b}'));
        }
        assert_eq!(log.dropped(), 0);
    }

    /// A reader that stands still until it is let go.
    struct Stuck(std::sync::mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            // The test has ended: nobody is waited for any more.
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stands_still_costs_lines_and_no_memory_beyond_the_bound() {
        let (release, stuck) = std::sync::mpsc::channel();
        let (log, writer) = AccessLog::start(Stuck(stuck)).unwrap();
        let path = "x".repeat(64 * 1024);
        let entry = AccessEntry { path: &path, ..entry() };
        for _ in 0..3 * MOST_WAITING / path.len() {
            log.record(&entry);
        }
        assert!(log.dropped() > 0);
        drop(release);
        drop(writer);
    }
}
