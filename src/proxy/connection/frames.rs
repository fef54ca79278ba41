//! Where in a WebSocket's bytes to the client do we stand, and what is said when it is ended from here?
//!
//! A close frame (RFC 6455 §5.5.1) may be sent between two frames and not within one. The bytes pass through unchanged;
//! this only counts along.

/// Follows what the upstream sends: its answer's head, then frames (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frames {
    /// In the head of the answer: the byte before its first, and how much of its last four bytes has passed.
    Head { begun: bool, ending: u8 },
    /// Between two frames.
    Between,
    /// In a frame's header: its first byte, and how many bytes have passed.
    Opcode { close: bool },
    /// In a frame's long length: bytes to come, and the length so far.
    Length { close: bool, left: u8, length: u64 },
    /// In a frame's payload: bytes to come.
    Payload { close: bool, left: u64 },
    /// After a close frame, or after something that is not a frame of a server's: nothing is ours to add.
    Over,
}

impl Frames {
    /// Before the head of the answer.
    pub(super) const START: Self = Self::Head { begun: false, ending: 0 };

    /// Whether a frame may be added here.
    pub(super) fn may_speak(self) -> bool {
        self == Self::Between
    }

    /// Takes note of bytes that go to the client.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while let Some(&byte) = bytes.first() {
            let mut used = 1;
            *self = match *self {
                Self::Head { begun: false, .. } if !bytes.starts_with(b"HTTP/1.1 101") => Self::Over,
                Self::Head { ending, .. } => in_head(ending, byte),
                Self::Between => Self::Opcode { close: byte & 0x0f == 8 },
                Self::Opcode { close } => in_length(close, byte),
                Self::Length { close, left: 1, length } => in_payload(close, length << 8 | u64::from(byte)),
                Self::Length { close, left, length } => {
                    Self::Length { close, left: left - 1, length: length << 8 | u64::from(byte) }
                }
                Self::Payload { close, left } => {
                    let passed = left.min(bytes.len() as u64);
                    used = usize::try_from(passed).unwrap_or(bytes.len());
                    in_payload(close, left - passed)
                }
                Self::Over => return,
            };
            bytes = &bytes[used..];
        }
    }
}

const fn in_head(ending: u8, byte: u8) -> Frames {
    match (ending, byte) {
        (3, b'\n') => Frames::Between,
        (0 | 2, b'\r') | (1, b'\n') => Frames::Head { begun: true, ending: ending + 1 },
        (_, b'\r') => Frames::Head { begun: true, ending: 1 },
        _ => Frames::Head { begun: true, ending: 0 },
    }
}

/// The second byte: a server masks nothing (RFC 6455 §5.1).
fn in_length(close: bool, byte: u8) -> Frames {
    match byte {
        126 => Frames::Length { close, left: 2, length: 0 },
        127 => Frames::Length { close, left: 8, length: 0 },
        128.. => Frames::Over,
        length => in_payload(close, u64::from(length)),
    }
}

const fn in_payload(close: bool, left: u64) -> Frames {
    match (left, close) {
        (0, true) => Frames::Over,
        (0, false) => Frames::Between,
        _ => Frames::Payload { close, left },
    }
}

/// What a client is told when its WebSocket is ended from here (RFC 6455 §7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Farewell {
    /// 1008: its token's time is over.
    Expired = 1,
    /// 1008: its token, login, user or key was revoked.
    Revoked,
    /// 1013: whether its token was revoked cannot be told.
    TryAgainLater,
    /// 1001: we are shutting down, or the upstream has been silent for too long.
    GoingAway,
}

impl Farewell {
    /// The one with this number.
    pub(super) fn numbered(number: u8) -> Option<Self> {
        [Self::Expired, Self::Revoked, Self::TryAgainLater, Self::GoingAway]
            .into_iter()
            .find(|farewell| *farewell as u8 == number)
    }

    /// The close frame: FIN and opcode 8, the length, the status code, a few words.
    pub(super) const fn frame(self) -> &'static [u8] {
        match self {
            Self::Expired => b"\x88\x0f\x03\xf0token expired",
            Self::Revoked => b"\x88\x0f\x03\xf0token revoked",
            Self::TryAgainLater => b"\x88\x11\x03\xf5try again later",
            Self::GoingAway => b"\x88\x0c\x03\xe9going away",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

    /// A server's frame, its length written in as many bytes as asked for.
    fn frame(opcode: u8, payload: usize, form: u8) -> Vec<u8> {
        let mut frame = vec![0x80 | opcode];
        match form {
            7 => frame.push(u8::try_from(payload).unwrap()),
            16 => {
                frame.push(126);
                frame.extend(u16::try_from(payload).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(127);
                frame.extend((payload as u64).to_be_bytes());
            }
        }
        frame.resize(frame.len() + payload, 0x88);
        frame
    }

    fn after(bytes: &[u8]) -> Frames {
        let mut frames = Frames::START;
        frames.pass(bytes);
        frames
    }

    #[test]
    fn only_an_upgrade_is_followed() {
        assert!(after(HEAD).may_speak());
        assert!(!after(&HEAD[..HEAD.len() - 1]).may_speak());
        assert!(after(b"HTTP/1.1 101 \r\nA: \r\r\n\r\n").may_speak());
        assert_eq!(after(b"HTTP/1.1 200 OK\r\n\r\n"), Frames::Over);
    }

    #[test]
    fn nothing_is_added_after_a_close_frame_or_what_no_server_sends() {
        assert_eq!(after(&[HEAD, &frame(8, 2, 7)].concat()), Frames::Over);
        assert_eq!(after(&[HEAD, &frame(8, 0, 7)].concat()), Frames::Over);
        assert_eq!(after(&[HEAD, b"\x81\x83abcdxyz"].concat()), Frames::Over);
    }

    #[test]
    fn the_farewells_are_close_frames() {
        for number in 1..=4 {
            let farewell = Farewell::numbered(number).unwrap();
            let frame = farewell.frame();
            assert_eq!((frame[0], usize::from(frame[1])), (0x88, frame.len() - 2), "{farewell:?}");
            assert_eq!(after(&[HEAD, frame].concat()), Frames::Over);
        }
        assert_eq!(Farewell::numbered(0), None);
        assert_eq!(Farewell::numbered(5), None);
    }

    fn any_frame() -> impl Strategy<Value = Vec<u8>> {
        let opcode = prop_oneof![Just(0u8), Just(1), Just(2), Just(9), Just(10)];
        let size = prop_oneof![
            (0..126usize).prop_map(|size| (size, 7u8)),
            (0..70_000usize).prop_map(|size| (size.min(65_535), 16)),
            (0..70_000usize).prop_map(|size| (size, 64)),
        ];
        (opcode, size).prop_map(|(opcode, (size, form))| frame(opcode, size, form))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn however_it_is_cut_boundaries_are_where_frames_end(
            sent in prop::collection::vec(any_frame(), 1..6),
            cuts in prop::collection::vec(1..5_000usize, 1..40),
        ) {
            let mut ends = vec![HEAD.len()];
            ends.extend(sent.iter().scan(HEAD.len(), |at, frame| { *at += frame.len(); Some(*at) }));
            let all = [HEAD.to_vec(), sent.concat()].concat();
            let (mut frames, mut at) = (Frames::START, 0);
            // The head's first bytes come together, as they are written.
            let sizes = std::iter::once(HEAD.len() - 2).chain(cuts.into_iter().cycle());
            for size in sizes {
                let end = (at + size).min(all.len());
                frames.pass(&all[at..end]);
                at = end;
                prop_assert_eq!(frames.may_speak(), ends.contains(&at), "at {}", at);
                if at == all.len() { break }
            }
            prop_assert!(frames.may_speak());
        }
    }
}
