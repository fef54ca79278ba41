//! How much may an h2 client have us do without asking for anything?
//!
//! Pings, settings, priorities, window updates, resets and empty data cost a client nothing and us a little, so they are
//! rationed: so many at once, and then so many a second and for what it is sent. Reads along with the frames' heads
//! (RFC 9113 §4.1) as they come in; what is in them is the engine's business, which bounds a header block's size, streams
//! reset before they are looked at, and stream errors.

use std::time::Instant;

use super::pace::Flow;
use crate::clock;

/// `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n` (RFC 9113 §3.4).
const PREFACE: u32 = 24;
/// A frame's head.
const HEAD: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// What is forgiven at once. A browser that leaves a page resets a hundred streams.
const BURST: u32 = 2_000;
/// What is forgiven each second.
const A_SECOND: u128 = 200;
/// For so many bytes that the client takes, one more is forgiven: it has to tell us that it took them.
const TAKEN: u64 = 32;
/// A stream that is opened and reset has cost a decision.
const RESET: u32 = 4;

/// What a client has left.
#[derive(Debug)]
pub(super) struct Ration {
    opened: Instant,
    /// Bytes to pass: of the preface or of a frame's payload.
    left: u32,
    head: [u8; HEAD],
    have: usize,
    /// Whether a header block has begun and not ended, and ends with what is left.
    block: Option<Block>,
    noted: bool,
    spent: u32,
    settled: Instant,
    said: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Open,
    Ending,
}

/// It has used up its ration.
#[derive(Debug)]
pub(super) struct UsedUp;

impl Ration {
    pub(super) const fn new(opened: Instant) -> Self {
        Self {
            opened,
            left: PREFACE,
            head: [0; HEAD],
            have: 0,
            block: None,
            noted: false,
            spent: 0,
            settled: opened,
            said: 0,
        }
    }

    /// Takes note of bytes from the client.
    pub(super) fn pass(&mut self, mut bytes: &[u8], flow: &Flow) -> Result<(), UsedUp> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let passed = bytes.len().min(self.left as usize);
                self.left -= u32::try_from(passed).unwrap_or(self.left);
                bytes = &bytes[passed..];
                self.end_block();
                continue;
            }
            let wanted = (HEAD - self.have).min(bytes.len());
            self.head[self.have..self.have + wanted].copy_from_slice(&bytes[..wanted]);
            self.have += wanted;
            bytes = &bytes[wanted..];
            if self.have == HEAD {
                self.have = 0;
                self.frame(flow)?;
            }
        }
        self.note(flow);
        Ok(())
    }

    /// A frame begins.
    fn frame(&mut self, flow: &Flow) -> Result<(), UsedUp> {
        let [high, middle, low, kind, flags, ..] = self.head;
        self.left = u32::from_be_bytes([0, high, middle, low]);
        if matches!(kind, HEADERS | CONTINUATION) {
            self.block = Some(if flags & END_HEADERS == 0 { Block::Open } else { Block::Ending });
        }
        self.end_block();
        self.spent += match kind {
            DATA if self.left > 0 || flags & END_STREAM != 0 => 0,
            HEADERS => 0,
            RST_STREAM => RESET,
            _ => 1,
        };
        if self.spent > BURST { self.settle(flow) } else { Ok(()) }
    }

    fn end_block(&mut self) {
        if self.left == 0 && self.block == Some(Block::Ending) {
            self.block = None;
        }
    }

    /// Takes off what is forgiven by now.
    fn settle(&mut self, flow: &Flow) -> Result<(), UsedUp> {
        let (now, said) = (clock::instant(), flow.said());
        let seconds = now.saturating_duration_since(self.settled).as_millis() * A_SECOND / 1000;
        let taken = said.wrapping_sub(self.said) / TAKEN;
        let forgiven = u128::from(taken) + seconds;
        if forgiven > 0 {
            (self.settled, self.said) = (now, said);
            self.spent = self.spent.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
        }
        if self.spent > BURST { Err(UsedUp) } else { Ok(()) }
    }

    /// Notes whether a header block is waited for; as a rule it came whole.
    fn note(&mut self, flow: &Flow) {
        if self.block.is_some() != self.noted {
            self.noted = self.block.is_some();
            let began = || clock::instant().saturating_duration_since(self.opened);
            flow.set_block(self.noted.then(began));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PING: u8 = 6;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    }

    fn begun() -> (Ration, Flow) {
        let (mut ration, flow) = (Ration::new(clock::instant()), Flow::default());
        ration.pass(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &flow).unwrap();
        (ration, flow)
    }

    /// How many such frames are let through at once.
    fn lasts(frame: &[u8]) -> u32 {
        let (mut ration, flow) = begun();
        (0..100_000).find(|_| ration.pass(frame, &flow).is_err()).unwrap_or(u32::MAX)
    }

    #[test]
    fn what_asks_for_nothing_is_rationed() {
        for kind in [2, 4, 6, 8, 9, 0x20] {
            let passed = lasts(&frame(kind, END_HEADERS, &[0; 8]));
            assert!((BURST..BURST + 400).contains(&passed), "{kind}: {passed}");
        }
        assert!((BURST..BURST + 400).contains(&lasts(&frame(DATA, 0, b""))), "empty data");
        assert!((BURST / 4..BURST / 2).contains(&lasts(&frame(RST_STREAM, 0, &[0; 4]))));
        assert_eq!(lasts(&frame(DATA, 0, b"x")), u32::MAX, "the engine counts those");
        assert_eq!(lasts(&frame(HEADERS, END_HEADERS | END_STREAM, b"x")), u32::MAX);
    }

    #[test]
    fn who_takes_much_may_say_so_often() {
        let (mut ration, flow) = begun();
        let update = frame(8, 0, &[0, 0, 16, 0]);
        for _ in 0..20_000 {
            flow.wrote(4096);
            assert!(ration.pass(&update, &flow).is_ok());
        }
    }

    #[test]
    fn time_forgives() {
        let (mut ration, flow) = begun();
        let ping = frame(PING, 0, &[0; 8]);
        for _ in 0..BURST {
            ration.pass(&ping, &flow).unwrap();
        }
        ration.settled = ration.settled.checked_sub(Duration::from_secs(1)).unwrap();
        for _ in 0..A_SECOND {
            ration.pass(&ping, &flow).unwrap();
        }
    }

    #[test]
    fn a_header_block_is_open_from_its_head_to_its_last_byte_however_it_is_cut() {
        let block = [frame(HEADERS, END_STREAM, b"abc"), frame(CONTINUATION, END_HEADERS, b"def")].concat();
        for size in 1..block.len() {
            let (mut ration, flow) = begun();
            let mut passed = 0;
            for part in block.chunks(size) {
                ration.pass(part, &flow).unwrap();
                passed += part.len();
                assert_eq!(
                    flow.block().is_some(),
                    passed >= HEAD && passed < block.len(),
                    "{passed} by {size}"
                );
            }
        }
    }
}
