//! What does one record of the journal look like?
//!
//! 37 bytes: a letter, 32 bytes of content, and the CRC-32 of both. Numbers are little-endian.

use std::io::{self, Read, Write};

use crate::clock::UnixTime;
use crate::identity::Digest;
use crate::revocation::log::{Incarnation, Mark, Position};
use crate::revocation::register::{Register, State};

/// What the file begins with.
pub(super) const HEADER: &[u8; 16] = b"gatepass journ1\n";

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// A register that was read from the log, or written to it.
    Register(Register),
    /// How far the log had been read.
    Position(Position),
}

/// What is found where a record may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Record(Record),
    /// One that does not add up; the next begins behind it all the same.
    Spoilt,
    /// The end, or one that was not written to its end.
    End,
}

impl Record {
    /// Bytes in the file.
    pub(super) const LENGTH: u64 = 37;

    /// Writes it.
    pub(super) fn write(self, to: &mut impl Write) -> io::Result<()> {
        let mut bytes = [0; 33];
        match self {
            Self::Register(register) => {
                bytes[0] = if register.state() == State::Revoked { b'R' } else { b'L' };
                bytes[1..17].copy_from_slice(&register.digest().to_bytes());
                bytes[17..25].copy_from_slice(&register.version().to_le_bytes());
                bytes[25..33].copy_from_slice(&register.expires().secs().to_le_bytes());
            }
            Self::Position(position) => {
                bytes[0] = b'P';
                bytes[1..17].copy_from_slice(&position.incarnation.to_bytes());
                bytes[17..25].copy_from_slice(&position.seq.to_le_bytes());
                bytes[25..33].copy_from_slice(&position.mark.to_bytes());
            }
        }
        to.write_all(&bytes)?;
        to.write_all(&crc32fast::hash(&bytes).to_le_bytes())
    }

    /// Reads one.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Found> {
        let mut bytes = [0; 37];
        match from.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Found::End),
            Err(error) => return Err(error),
        }
        let (content, sum) = bytes.split_at(33);
        let adds_up = crc32fast::hash(content).to_le_bytes() == sum;
        let record = if adds_up { Self::parse(content) } else { None };
        Ok(record.map_or(Found::Spoilt, Found::Record))
    }

    fn parse(content: &[u8]) -> Option<Self> {
        let digest = content[1..17].try_into().ok()?;
        let middle: [u8; 8] = content[17..25].try_into().ok()?;
        let last: [u8; 8] = content[25..33].try_into().ok()?;
        let register = |state| {
            let (version, expires) = (u64::from_le_bytes(middle), u64::from_le_bytes(last));
            Register::new(Digest::from_bytes(digest), version, state, UnixTime::from_secs(expires))
        };
        match content[0] {
            b'R' => register(State::Revoked).map(Self::Register),
            b'L' => register(State::Lifted).map(Self::Register),
            b'P' => Some(Self::Position(Position {
                incarnation: Incarnation::from_bytes(digest),
                seq: u64::from_le_bytes(middle),
                mark: Mark::from_bytes(last),
            })),
            _ => None,
        }
    }
}

/// Reads the file's beginning; anything else is not ours to write to.
pub(super) fn read_header(from: &mut impl Read) -> io::Result<()> {
    let mut found = [0; HEADER.len()];
    match from.read_exact(&mut found) {
        Ok(()) if found == *HEADER => Ok(()),
        Ok(()) => Err(not_ours()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(not_ours()),
        Err(error) => Err(error),
    }
}

fn not_ours() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "this is not a journal of revocations, and is left alone")
}
