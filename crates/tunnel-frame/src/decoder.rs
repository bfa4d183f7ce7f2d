//! The reader of frames: bytes in, events out, no memory of its own.

use crate::frame::{FrameHeader, FrameType, HEADER_BYTES, NEW_FRAME_BYTES, StreamId, index};
use crate::limits::{DecodeError, Limits};

/// What [`Decoder::decode`] found at the front of its input.
///
/// Source: meeting §4.2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum FrameEvent<'a> {
    /// An `N` frame.
    New {
        /// The stream to open.
        stream: StreamId,
        /// The port of 127.0.0.1 on the device.
        port: u16,
    },
    /// The header of a `D` frame. Its payload follows as [`FrameEvent::Data`], none if `length` is 0.
    DataStart {
        /// The stream that the payload belongs to.
        stream: StreamId,
        /// Bytes of payload to come.
        length: u32,
    },
    /// A piece of a `D` frame's payload, never empty.
    Data {
        /// The stream it belongs to.
        stream: StreamId,
        /// The bytes, borrowed from the input.
        bytes: &'a [u8],
        /// Bytes of the same payload that are still to come.
        remaining: u32,
    },
    /// A `C` frame. If it has a payload, that is skipped next.
    Close {
        /// The stream that is over.
        stream: StreamId,
    },
    /// The header of a frame of a type that the document does not define. Its payload is skipped next.
    Unknown {
        /// The header as it was received.
        header: FrameHeader,
    },
    /// Payload bytes that mean nothing, passed over.
    Skipped {
        /// Bytes still to be skipped after these.
        remaining: u32,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Header,
    Data { stream: StreamId, remaining: u32 },
    Skip { remaining: u32 },
    Dead(DecodeError),
}

/// Reads frames from a stream of bytes that arrives in pieces of any size.
///
/// It holds a few words of state and never a byte of payload: a `D` of 4 GiB passes through as it comes. The caller
/// keeps what was not consumed, at most ten bytes once `decode` has answered `None`.
///
/// ```
/// use tunnel_frame::{Decoder, FrameEvent, Limits, StreamId};
///
/// let mut decoder = Decoder::new(Limits::default());
/// let stream = StreamId::new(1);
/// let mut input: &[u8] = b"D\0\0\0\x01\0\0\0\x05hel";
/// let mut events = Vec::new();
/// while let Some((event, used)) = decoder.decode(input)? {
///     events.push(event);
///     input = &input[used..];
/// }
/// assert_eq!(events, [
///     FrameEvent::DataStart { stream, length: 5 },
///     FrameEvent::Data { stream, bytes: b"hel", remaining: 2 },
/// ]);
/// # Ok::<(), tunnel_frame::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    limits: Limits,
    state: State,
}

impl Decoder {
    /// A decoder at the start of a frame.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, state: State::Header }
    }

    /// Reads one event from the front of `input`: the event and how many bytes of `input` it used, at least one.
    /// `None` means that more bytes are needed; pass the same bytes again with more behind them.
    ///
    /// # Errors
    /// A header that breaks the [`Limits`]. The stream is dead: every later call answers the same.
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Option<(FrameEvent<'a>, usize)>, DecodeError> {
        match self.state {
            State::Header => self.decode_header(input),
            State::Data { stream, remaining } => {
                let Some((bytes, remaining)) = take(input, remaining) else { return Ok(None) };
                self.state = if remaining == 0 { State::Header } else { State::Data { stream, remaining } };
                Ok(Some((FrameEvent::Data { stream, bytes, remaining }, bytes.len())))
            }
            State::Skip { remaining } => {
                let Some((bytes, remaining)) = take(input, remaining) else { return Ok(None) };
                self.skip(remaining);
                Ok(Some((FrameEvent::Skipped { remaining }, bytes.len())))
            }
            State::Dead(error) => Err(error),
        }
    }

    /// Whether the next bytes are payload of a `D` frame, and how many are still to come.
    #[must_use]
    pub const fn data_remaining(&self) -> Option<u32> {
        match self.state {
            State::Data { remaining, .. } => Some(remaining),
            _ => None,
        }
    }

    /// Whether the decoder stands between two frames, where the end of the stream cuts nothing off.
    #[must_use]
    pub const fn is_at_boundary(&self) -> bool {
        matches!(self.state, State::Header)
    }

    fn decode_header<'a>(&mut self, input: &'a [u8]) -> Result<Option<(FrameEvent<'a>, usize)>, DecodeError> {
        let Some(bytes) = input.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let header = FrameHeader::decode(*bytes);
        if let Err(error) = self.limits.check(header) {
            self.state = State::Dead(error);
            return Err(error);
        }
        let FrameHeader { kind, stream, length } = header;
        match kind {
            FrameType::NEW => {
                let Some([.., high, low]) = input.first_chunk::<NEW_FRAME_BYTES>() else { return Ok(None) };
                self.skip(length.saturating_sub(2));
                let port = u16::from_be_bytes([*high, *low]);
                Ok(Some((FrameEvent::New { stream, port }, NEW_FRAME_BYTES)))
            }
            FrameType::DATA => {
                if length > 0 {
                    self.state = State::Data { stream, remaining: length };
                }
                Ok(Some((FrameEvent::DataStart { stream, length }, HEADER_BYTES)))
            }
            FrameType::CLOSE => {
                self.skip(length);
                Ok(Some((FrameEvent::Close { stream }, HEADER_BYTES)))
            }
            _ => {
                self.skip(length);
                Ok(Some((FrameEvent::Unknown { header }, HEADER_BYTES)))
            }
        }
    }

    fn skip(&mut self, remaining: u32) {
        self.state = if remaining == 0 { State::Header } else { State::Skip { remaining } };
    }
}

/// As much of `input` as belongs to a payload of which `remaining` bytes are to come, and what is left after it.
fn take(input: &[u8], remaining: u32) -> Option<(&[u8], u32)> {
    if input.is_empty() {
        return None;
    }
    let (bytes, _) = input.split_at(index(remaining).min(input.len()));
    // `bytes` is no longer than `remaining`, so its length fits.
    let used = u32::try_from(bytes.len()).unwrap_or(remaining);
    Some((bytes, remaining.saturating_sub(used)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(decoder: &mut Decoder, mut input: &[u8]) -> Result<(Vec<String>, usize), DecodeError> {
        let before = input.len();
        let mut seen = Vec::new();
        while let Some((event, used)) = decoder.decode(input)? {
            assert!(used > 0);
            seen.push(format!("{event:?}"));
            input = &input[used..];
        }
        Ok((seen, before - input.len()))
    }

    #[test]
    fn a_payload_of_four_gib_passes_in_pieces() {
        let stream = StreamId::new(9);
        let mut decoder = Decoder::new(Limits::default());
        let header = FrameHeader::data(stream, u32::MAX).encode();
        assert_eq!(
            decoder.decode(&header),
            Ok(Some((FrameEvent::DataStart { stream, length: u32::MAX }, HEADER_BYTES)))
        );
        let piece = vec![7_u8; 1 << 20];
        let mut total = 0_u64;
        while let Some(remaining) = decoder.data_remaining() {
            let Ok(Some((FrameEvent::Data { bytes, remaining: left, .. }, used))) = decoder.decode(&piece)
            else {
                panic!("a piece of data")
            };
            assert_eq!(bytes.len(), used);
            assert_eq!(u64::from(remaining - left), used as u64);
            total += used as u64;
        }
        assert_eq!(total, u64::from(u32::MAX));
        assert!(decoder.is_at_boundary());
    }

    #[test]
    fn what_is_not_understood_is_skipped() {
        let mut input = Vec::new();
        input.extend_from_slice(b"N\0\0\0\x01\0\0\0\x04\0\x16xy");
        input.extend_from_slice(b"C\0\0\0\x01\0\0\0\x03bye");
        input.extend_from_slice(b"P\0\0\0\0\0\0\0\x01.");
        input.extend_from_slice(b"C\0\0\0\x02\0\0\0\0");
        let mut decoder = Decoder::new(Limits::default());
        let (seen, used) = read(&mut decoder, &input).unwrap();
        assert_eq!(used, input.len());
        assert_eq!(
            seen,
            [
                "New { stream: StreamId(1), port: 22 }",
                "Skipped { remaining: 0 }",
                "Close { stream: StreamId(1) }",
                "Skipped { remaining: 0 }",
                "Unknown { header: FrameHeader { kind: FrameType('P'), stream: StreamId(0), length: 1 } }",
                "Skipped { remaining: 0 }",
                "Close { stream: StreamId(2) }",
            ]
        );
    }

    #[test]
    fn a_refused_header_kills_the_stream_for_good() {
        let mut decoder = Decoder::new(Limits::strict());
        let error = decoder.decode(b"X\0\0\0\x01\0\0\0\0").unwrap_err();
        assert_eq!(error.to_string(), "frame of unknown type 'X' for stream 1, 0 bytes");
        assert_eq!(decoder.decode(b"C\0\0\0\x01\0\0\0\0"), Err(error));
    }

    /// A JSON line read as a header announces 1.9 GB; nothing is reserved for it.
    #[test]
    fn a_json_line_read_as_frames_is_refused() {
        let error = Decoder::new(Limits::default()).decode(br#"{"status":"authenticated"}"#).unwrap_err();
        assert_eq!(error.header().kind, FrameType::from_byte(b'{'));
    }
}
