//! A request over h2 without manners, and what becomes of it: header fields as they are told, in frames as they are told.

use std::time::Duration;

use super::wires::Doors;
use crate::world::frames::{self, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, field, frame};
use crate::world::raw::PATIENCE;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// An answer with this status.
    Status(u16),
    /// The stream was reset.
    Reset,
    /// The connection was ended.
    Gone,
}

impl Said {
    /// Neither an answer that lets through, nor silence.
    pub(super) fn is_refusal(self) -> bool {
        matches!(self, Self::Status(400 | 405) | Self::Reset | Self::Gone)
    }
}

/// One connection, on which stream 1 is asked for.
pub(super) struct Frames(frames::Frames);

impl Frames {
    pub(super) async fn connect(doors: &Doors) -> Self {
        Self(frames::Frames::connect(doors, &doors.trusted).await)
    }

    /// The header block of stream 1.
    pub(super) async fn headers(&mut self, fields: &[(&[u8], &[u8])], end: bool) {
        let block: Vec<u8> = fields.iter().flat_map(|(name, value)| field(name, value)).collect();
        let flags = END_HEADERS | if end { END_STREAM } else { 0 };
        self.0.send(&frame(HEADERS, flags, 1, &block)).await;
    }

    pub(super) async fn data(&mut self, bytes: &[u8], end: bool) {
        self.0.send(&frame(DATA, if end { END_STREAM } else { 0 }, 1, bytes)).await;
    }

    /// What comes of stream 1.
    pub(super) async fn said(&mut self) -> Said {
        self.said_within(PATIENCE).await.expect("an answer or an end, in time")
    }

    /// The same, within this time.
    pub(super) async fn said_within(&mut self, patience: Duration) -> Option<Said> {
        tokio::time::timeout(patience, self.read()).await.ok()
    }

    async fn read(&mut self) -> Said {
        while let Some(frame) = self.0.next().await {
            match (frame.kind, frame.stream) {
                (HEADERS, 1) => return Said::Status(frame.status()),
                (RST_STREAM, 1) => return Said::Reset,
                (GOAWAY, _) => return Said::Gone,
                _ => {}
            }
        }
        Said::Gone
    }
}
