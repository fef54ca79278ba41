//! Is this body of chunks one that everybody reads alike (RFC 9112 §7.1)?
//!
//! Pingora takes a chunk without a size for the last one, and a bare LF for a part of an extension; whoever stands before
//! us may find the body's end elsewhere. So its bytes are followed here as they come in, and what is not strictly a chunk
//! ends the connection. They pass through unchanged.

/// Where in a body of chunks we stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Chunks {
    /// In a size: how many digits there were, and what they come to.
    Size { digits: u8, size: u64 },
    /// In an extension of a chunk of this size.
    Extension { size: u64 },
    /// Behind the CR of a size's line.
    SizeEnd { size: u64 },
    /// In the data: bytes to come.
    Data { left: u64 },
    /// Behind the data: how much of CRLF is still to come.
    DataEnd { left: u8 },
    /// In a trailer's line: whether it has begun, and whether its colon has passed.
    Trailer { begun: bool, named: bool },
    /// Behind the CR of a trailer's line, or of the empty one.
    TrailerEnd { last: bool },
    /// Behind the body.
    Over,
}

/// These are no chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) struct NoChunks;

/// What of some bytes belongs to a body of chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) struct Taken {
    /// All of it.
    pub(in crate::proxy) bytes: usize,
    /// Without sizes, extensions and trailers.
    pub(in crate::proxy) data: usize,
}

/// Hexadecimal digits of 2⁶⁰: no chunk is larger, and no sum overflows.
const MOST_DIGITS: u8 = 15;

impl Chunks {
    /// Before the first chunk.
    pub(in crate::proxy) const START: Self = Self::Size { digits: 0, size: 0 };

    /// Takes note of bytes that came in.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Result<(), NoChunks> {
        self.take(bytes).map(drop)
    }

    /// The same; says how many of them belong to the body.
    pub(in crate::proxy) fn take(&mut self, all: &[u8]) -> Result<Taken, NoChunks> {
        let mut bytes = all;
        let mut data = 0;
        while let Some((&byte, rest)) = bytes.split_first() {
            // What follows is another message.
            if *self == Self::Over {
                break;
            }
            bytes = rest;
            *self = match *self {
                Self::Size { digits, size } => in_size(digits, size, byte)?,
                Self::Extension { size } => match byte {
                    b'\r' => Self::SizeEnd { size },
                    _ if is_text(byte) => Self::Extension { size },
                    _ => return Err(NoChunks),
                },
                Self::SizeEnd { size: 0 } if byte == b'\n' => Self::Trailer { begun: false, named: false },
                Self::SizeEnd { size } if byte == b'\n' => Self::Data { left: size },
                Self::Data { left } => {
                    // The byte that was taken, and as many behind it as there are.
                    let more = usize::try_from(left - 1).unwrap_or(usize::MAX).min(rest.len());
                    bytes = &rest[more..];
                    data += 1 + more;
                    let left = left - 1 - more as u64;
                    if left == 0 { Self::DataEnd { left: 2 } } else { Self::Data { left } }
                }
                Self::DataEnd { left: 2 } if byte == b'\r' => Self::DataEnd { left: 1 },
                Self::DataEnd { left: 1 } if byte == b'\n' => Self::Size { digits: 0, size: 0 },
                Self::Trailer { begun, named } => in_trailer(begun, named, byte)?,
                Self::TrailerEnd { last: true } if byte == b'\n' => Self::Over,
                Self::TrailerEnd { last: false } if byte == b'\n' => {
                    Self::Trailer { begun: false, named: false }
                }
                Self::SizeEnd { .. } | Self::DataEnd { .. } | Self::TrailerEnd { .. } | Self::Over => {
                    return Err(NoChunks);
                }
            };
        }
        Ok(Taken { bytes: all.len() - bytes.len(), data })
    }

    /// Whether the body has come to its end.
    pub(in crate::proxy) fn are_over(self) -> bool {
        self == Self::Over
    }
}

fn in_size(digits: u8, size: u64, byte: u8) -> Result<Chunks, NoChunks> {
    match (byte, char::from(byte).to_digit(16)) {
        (_, Some(digit)) if digits < MOST_DIGITS => {
            Ok(Chunks::Size { digits: digits + 1, size: size << 4 | u64::from(digit) })
        }
        (b'\r', _) if digits > 0 => Ok(Chunks::SizeEnd { size }),
        (b';', _) if digits > 0 => Ok(Chunks::Extension { size }),
        _ => Err(NoChunks),
    }
}

const fn in_trailer(begun: bool, named: bool, byte: u8) -> Result<Chunks, NoChunks> {
    match byte {
        b'\r' if !begun || named => Ok(Chunks::TrailerEnd { last: !begun }),
        b':' if begun => Ok(Chunks::Trailer { begun: true, named: true }),
        // A name has neither blanks nor bytes outside ASCII; a line that begins with one goes on with the last.
        _ if named && is_text(byte) || byte.is_ascii_graphic() && byte != b':' => {
            Ok(Chunks::Trailer { begun: true, named })
        }
        _ => Err(NoChunks),
    }
}

/// What may stand in a line: anything but controls, and tabs.
const fn is_text(byte: u8) -> bool {
    byte == b'\t' || byte >= b' ' && byte != 0x7f
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(bytes: &[u8]) -> Result<Chunks, NoChunks> {
        let mut chunks = Chunks::START;
        chunks.pass(bytes).map(|()| chunks)
    }

    #[test]
    fn bodies_come_to_their_end() {
        for whole in [
            "0\r\n\r\n",
            "000\r\n\r\nGET / HTTP/1.1\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "5;a=b;c=\"d e\"\r\nhello\r\nA\r\n\r\n\r\n\r\n\r\n\r\n\r\n0;x\r\nX-Y: z\u{e9}\t\r\nZ:\r\n\r\n",
        ] {
            assert_eq!(after(whole.as_bytes()), Ok(Chunks::Over), "{whole:?}");
        }
        assert_eq!(after(b"5\r\nhel"), Ok(Chunks::Data { left: 2 }));
    }

    #[test]
    fn what_is_no_chunk_is_none() {
        for bad in [
            "\r\n\r\n",
            ";x\r\n",
            " 5\r\n",
            "5 \r\n",
            "5 ;x\r\n",
            "5\n",
            "5\rx",
            "+5\r\n",
            "-5\r\n",
            "0x5\r\n",
            "g\r\n",
            "1000000000000000\r\n",
            "5;a\nb\r\n",
            "5;a\rb\r\n",
            "5;\0\r\n",
            "5\r\nhelloXX",
            "5\r\nhello\n",
            "5\r\nhello\rx",
            "5\r\nhello0\r\n\r\n",
            "0\r\nno colon\r\n\r\n",
            "0\r\nnone\r\n\r\n",
            "0\r\n: x\r\n\r\n",
            "0\r\n folded: x\r\n\r\n",
            "0\r\nX : y\r\n\r\n",
            "0\r\nX: y\n\r\n",
            "0\r\n\n",
            "0\r\n\rx",
        ] {
            assert_eq!(after(bad.as_bytes()), Err(NoChunks), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            bytes in proptest::collection::vec(proptest::sample::select(&b"012a;:\r\n\r\n\r\nxX \t\x00"[..]), 0..40),
            at in any::<proptest::sample::Index>(),
        ) {
            let at = at.index(bytes.len() + 1);
            let mut chunks = Chunks::START;
            let pieces = chunks.pass(&bytes[..at]).and_then(|()| chunks.pass(&bytes[at..])).map(|()| chunks);
            prop_assert_eq!(pieces, after(&bytes));
        }

        #[test]
        fn whatever_is_put_into_chunks_is_followed(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 0..5)) {
            let mut body = Vec::new();
            for part in parts {
                body.extend(format!("{:x}\r\n", part.len()).into_bytes());
                body.extend(part);
                body.extend(b"\r\n");
            }
            body.extend(b"0\r\n\r\n");
            prop_assert_eq!(after(&body), Ok(Chunks::Over));
            prop_assert!(after(&body[..body.len() - 1]).is_ok_and(|chunks| chunks != Chunks::Over));
        }
    }
}
