//! The one timer of a connection: it rings when what is waited for has not come in time.
//!
//! It is moved only when it must ring earlier, or has rung too early: a timer set anew for each wait would be taken out
//! of the wheel and put back each time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

use crate::clock;

/// The timer.
pub(in crate::proxy) struct Alarm(Pin<Box<Sleep>>);

impl Alarm {
    /// One that is likely to be asked for no less than `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        Self(Box::pin(tokio::time::sleep(patience)))
    }

    /// Ready once `due` has passed.
    pub(in crate::proxy) fn poll_past(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let due = due.into();
        if due < self.0.deadline() {
            self.0.as_mut().reset(due);
        }
        loop {
            std::task::ready!(self.0.as_mut().poll(cx));
            if tokio::time::Instant::from(clock::instant()) >= due {
                return Poll::Ready(());
            }
            self.0.as_mut().reset(due);
        }
    }

    /// Returns once `due` has passed.
    pub(in crate::proxy) async fn past(&mut self, due: Instant) {
        std::future::poll_fn(|cx| self.poll_past(due, cx)).await;
    }
}
