//! For the fuzz targets: what becomes of a request head before anybody parses it, and of a body of chunks?

use super::chunks::Chunks;
use super::head::{Vetted, vet};

/// What is made of the beginning of a connection.
#[derive(Debug)]
pub enum VettedHead {
    /// Nothing yet.
    Partial,
    /// It is parsed as it is.
    Whole,
    /// It is parsed like this.
    Rewritten(Vec<u8>),
    /// It is never parsed.
    Refused(&'static str),
}

/// Vets the head at the start of `bytes`, which may be `most` bytes long.
pub fn vet_head(bytes: &[u8], most: usize) -> VettedHead {
    match vet(bytes, most) {
        Vetted::Partial => VettedHead::Partial,
        Vetted::Whole(_) => VettedHead::Whole,
        Vetted::Rewritten(head, _) => VettedHead::Rewritten(head.to_vec()),
        Vetted::Refused(refused) => VettedHead::Refused(refused.detail),
    }
}

/// Follows a body of chunks that comes in these pieces: whether it is over, or none if it is no such body.
pub fn follow_chunks(pieces: &[&[u8]]) -> Option<bool> {
    let mut chunks = Chunks::START;
    pieces.iter().try_for_each(|piece| chunks.pass(piece)).ok()?;
    Some(chunks == Chunks::Over)
}
