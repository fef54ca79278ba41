//! How far is it? On a terminal one line that changes; elsewhere a line each ten thousand rows.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use super::output;
use crate::clock;

/// How often the line on a terminal changes.
const EVERY: Duration = Duration::from_millis(200);
/// After how many rows there is another line elsewhere.
const ROWS: u64 = 10_000;

pub(super) struct Progress {
    rows: u64,
    terminal: bool,
    told: Instant,
    drawn: bool,
}

impl Progress {
    pub(super) fn begin() -> Self {
        Self { rows: 0, terminal: io::stderr().is_terminal(), told: clock::instant(), drawn: false }
    }

    /// One row more.
    pub(super) fn row(&mut self) {
        self.rows += 1;
        if self.terminal {
            let now = clock::instant();
            if now - self.told >= EVERY {
                (self.told, self.drawn) = (now, true);
                draw(&format!("\r{} rows", self.rows));
            }
        } else if self.rows.is_multiple_of(ROWS) {
            output::note(&format!("{} rows", self.rows));
        }
    }

    /// Makes place for what is said next.
    pub(super) fn end(&mut self) {
        if self.drawn {
            draw("\r\x1b[K");
        }
    }
}

fn draw(text: &str) {
    let mut err = io::stderr().lock();
    // Progress nobody can see is no failure of the command.
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}
