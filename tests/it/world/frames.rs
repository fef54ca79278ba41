//! An h2 client that sends exactly the frames it is told (RFC 9113 §4.1), whether they make sense or not.

use std::time::Duration;

use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::World;
use super::raw::PATIENCE;
use super::tls::tls;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;

/// One frame.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The status in a response's head.
    pub(crate) fn status(&self) -> u16 {
        status(&self.payload).unwrap_or_else(|| panic!("no status in {:02x?}", self.payload))
    }

    /// The error code of a `RST_STREAM` or a `GOAWAY`.
    pub(crate) fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

/// A frame's bytes.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header field as HPACK writes it without compressing or remembering anything (RFC 7541 §6.2.2).
pub(crate) fn field(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Vec<u8> {
    [vec![0], text(name.as_ref()), text(value.as_ref())].concat()
}

fn text(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if text.len() < 127 {
        bytes.push(u8::try_from(text.len()).unwrap());
    } else {
        // An integer with a prefix of seven bits (RFC 7541 §5.1).
        bytes.push(127);
        let mut rest = text.len() - 127;
        while rest >= 128 {
            bytes.push(u8::try_from(rest % 128).unwrap() | 128);
            rest /= 128;
        }
        bytes.push(u8::try_from(rest).unwrap());
    }
    bytes.extend(text);
    bytes
}

/// A request's head.
pub(crate) fn head(method: &str, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let pseudo = [(":method", method), (":scheme", "https"), (":authority", "gw.test"), (":path", path)];
    pseudo.iter().chain(fields).flat_map(|(name, value)| field(name, value)).collect()
}

/// The status at the beginning of a response's head: an entry of the static table, or digits.
fn status(block: &[u8]) -> Option<u16> {
    const KNOWN: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    // The table's size may be announced first (RFC 7541 §6.3).
    let start = block.iter().position(|byte| byte & 0xe0 != 0x20)?;
    match &block[start..] {
        [indexed @ 0x88..=0x8e, ..] => Some(KNOWN[usize::from(indexed - 0x88)]),
        [_, 3, digits, ..] if digits.is_ascii_digit() => {
            std::str::from_utf8(&block[start + 2..start + 5]).ok()?.parse().ok()
        }
        [_, length, coded @ ..] if length & 0x80 != 0 => {
            huffman(coded.get(..usize::from(length & 0x7f))?).parse().ok()
        }
        _ => None,
    }
}

/// Three digits in HPACK's code: `0` to `2` have five bits, `3` to `9` six (RFC 7541, appendix B).
fn huffman(coded: &[u8]) -> String {
    let bits: Vec<String> = coded.iter().map(|byte| format!("{byte:08b}")).collect();
    let bits = bits.concat();
    let mut rest = bits.as_str();
    let mut digits = String::new();
    while digits.len() < 3 {
        let size = if rest.starts_with("000") { 5 } else { 6 };
        let value = u32::from_str_radix(&rest[..size], 2).unwrap();
        let digit = if size == 5 { value } else { value - 0b01_1001 + 3 };
        digits.push(char::from_digit(digit, 10).expect("a digit"));
        rest = &rest[size..];
    }
    digits
}

/// One connection, beyond its preface.
pub(crate) struct Frames {
    from: ReadHalf<TlsStream<TcpStream>>,
    to: WriteHalf<TlsStream<TcpStream>>,
}

impl Frames {
    /// A client that keeps no table of header fields, and no other setting.
    pub(crate) async fn connect(world: &World, trusted: &CertificateDer<'static>) -> Self {
        Self::setting(world, trusted, &[]).await
    }

    /// A client with these settings (RFC 9113 §6.5.2) too.
    pub(crate) async fn setting(
        world: &World,
        trusted: &CertificateDer<'static>,
        settings: &[(u16, u32)],
    ) -> Self {
        const TABLE_SIZE: (u16, u32) = (1, 0);
        let (from, to) = tokio::io::split(tls(world, trusted.clone(), &[b"h2"]).await);
        let mut client = Self { from, to };
        let settings: Vec<u8> = [TABLE_SIZE]
            .iter()
            .chain(settings)
            .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        client.send(&frame(SETTINGS, 0, 0, &settings)).await;
        client
    }

    /// Sends bytes; false if the other side has closed, or takes nothing more.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        let sent = async {
            self.to.write_all(bytes).await?;
            self.to.flush().await
        };
        matches!(tokio::time::timeout(PATIENCE, sent).await.expect("bytes are taken in time"), Ok(()))
    }

    /// The next frame; none at the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        tokio::time::timeout(PATIENCE, read(&mut self.from)).await.expect("a frame, or the end, in time")
    }

    /// The next frame of this kind on this stream; none if the connection ends first.
    pub(crate) async fn next_of(&mut self, kind: u8, stream: u32) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if (frame.kind, frame.stream) == (kind, stream) {
                return Some(frame);
            }
        }
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn rest(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }

    /// Sends again and again while what comes back is taken, and waits for the end of the connection; how many frames of
    /// `kind` came.
    pub(crate) async fn flood(self, most: u32, kind: u8, mut bytes: impl FnMut(u32) -> Vec<u8>) -> u32 {
        let Self { from, mut to } = self;
        let listening = tokio::spawn(async move {
            let (mut from, mut count) = (tokio::io::BufReader::new(from), 0);
            while let Some(frame) = read(&mut from).await {
                count += u32::from(frame.kind == kind);
            }
            count
        });
        for turn in 0..most {
            let sent = async {
                to.write_all(&bytes(turn)).await?;
                to.flush().await
            };
            if listening.is_finished()
                || matches!(tokio::time::timeout(PATIENCE, sent).await, Err(_) | Ok(Err(_)))
            {
                break;
            }
        }
        tokio::time::timeout(PATIENCE, listening).await.expect("the end of the connection").unwrap()
    }
}

async fn read(from: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
    let mut head = [0; 9];
    from.read_exact(&mut head).await.ok()?;
    let [high, middle, low, kind, _, stream @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
    from.read_exact(&mut payload).await.ok()?;
    Some(Frame { kind, stream: u32::from_be_bytes(stream), payload })
}

/// A pause between two bytes of a client that is slow.
pub(crate) fn slowly(every: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval
}
