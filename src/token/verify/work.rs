//! How many steps did a verification take? Counted in tests only, so that what a refusal costs can be held against what
//! an acceptance does, whatever the machine.

use std::cell::Cell;

/// What costs anything in a verification: each step, and how many bytes it goes through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::token) struct Work {
    /// Bytes put through HMAC.
    pub(in crate::token) signed: usize,
    /// Bytes of base64url decoded.
    pub(in crate::token) decoded: usize,
    /// JSON values read.
    pub(in crate::token) values: usize,
    /// Tokens whose claims were made into something that lasts.
    pub(in crate::token) kept: usize,
}

thread_local! {
    static DONE: Cell<Work> = Cell::default();
}

/// Adds to what this thread has done.
pub(in crate::token) fn note(add: impl FnOnce(&mut Work)) {
    DONE.with(|done| {
        let mut work = done.get();
        add(&mut work);
        done.set(work);
    });
}

/// What this thread does for `action`.
pub(super) fn of(action: impl FnOnce()) -> Work {
    DONE.set(Work::default());
    action();
    DONE.take()
}
