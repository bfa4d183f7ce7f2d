//! The frame: a type byte, a stream id, a length and a payload. Both ends send it; `N` only the proxy does.
//!
//! Source: meeting §4.2.

use std::fmt;

/// Bytes of a frame header: one of type, four of stream id, four of length.
///
/// Source: meeting §4.2.
pub const HEADER_BYTES: usize = 9;

/// Bytes of the port that an `N` frame carries.
///
/// Source: meeting §4.2.
pub const PORT_BYTES: usize = 2;

/// Bytes of an `N` frame as this crate writes it: header and port.
///
/// Source: meeting §4.2.
pub const NEW_FRAME_BYTES: usize = HEADER_BYTES + PORT_BYTES;

/// The number by which both ends know a stream, within one connection.
///
/// Any `u32` can stand on the wire. The proxy chooses ids; this crate's proxy role takes them from 1 upwards and
/// never twice in a connection.
///
/// Source: meeting §4.2.  Choice: TF-5.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamId(u32);

impl StreamId {
    /// The id that is never opened and serves as a probe: a `C` for it is ignored by every peer.
    ///
    /// Choice: TF-11.
    pub const PROBE: Self = Self(u32::MAX);

    /// The stream id with this number.
    #[must_use]
    pub const fn new(id: u32) -> Self {
        Self(id)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The first byte of a frame. Bytes other than `N`, `D` and `C` are kept, so that a reader can skip them.
///
/// Source: meeting §4.2.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameType(u8);

impl FrameType {
    /// `N`: the proxy asks for a new stream to a local port.
    pub const NEW: Self = Self(b'N');
    /// `D`: bytes of a stream.
    pub const DATA: Self = Self(b'D');
    /// `C`: a stream is over.
    pub const CLOSE: Self = Self(b'C');

    /// The type with this byte, known or not.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        Self(byte)
    }

    /// The byte on the wire.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// Whether the document defines this type.
    #[must_use]
    pub const fn is_known(self) -> bool {
        matches!(self.0, b'N' | b'D' | b'C')
    }
}

impl fmt::Debug for FrameType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FrameType({self})")
    }
}

impl fmt::Display for FrameType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_ascii_graphic() {
            write!(f, "'{}'", char::from(self.0))
        } else {
            write!(f, "{:#04x}", self.0)
        }
    }
}

/// The nine bytes in front of a payload. Every nine bytes are a header; whether it is acceptable is for
/// [`Limits`](crate::Limits) to say.
///
/// Source: meeting §4.2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FrameHeader {
    /// What the frame is.
    pub kind: FrameType,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Bytes of payload that follow, 0 to 4,294,967,295.
    pub length: u32,
}

impl FrameHeader {
    /// The header of an `N` frame, whose payload is the two bytes of a port.
    #[must_use]
    pub const fn new_stream(stream: StreamId) -> Self {
        Self { kind: FrameType::NEW, stream, length: 2 }
    }

    /// The header of a `D` frame with `length` bytes of payload.
    #[must_use]
    pub const fn data(stream: StreamId, length: u32) -> Self {
        Self { kind: FrameType::DATA, stream, length }
    }

    /// A `C` frame, which is a header and nothing else.
    #[must_use]
    pub const fn close(stream: StreamId) -> Self {
        Self { kind: FrameType::CLOSE, stream, length: 0 }
    }

    /// The nine bytes on the wire.
    #[must_use]
    pub const fn encode(self) -> [u8; HEADER_BYTES] {
        let [i0, i1, i2, i3] = self.stream.0.to_be_bytes();
        let [l0, l1, l2, l3] = self.length.to_be_bytes();
        [self.kind.0, i0, i1, i2, i3, l0, l1, l2, l3]
    }

    /// The header that these nine bytes are.
    #[must_use]
    pub const fn decode(bytes: [u8; HEADER_BYTES]) -> Self {
        let [kind, i0, i1, i2, i3, l0, l1, l2, l3] = bytes;
        Self {
            kind: FrameType(kind),
            stream: StreamId(u32::from_be_bytes([i0, i1, i2, i3])),
            length: u32::from_be_bytes([l0, l1, l2, l3]),
        }
    }
}

/// A whole frame to send, its payload borrowed.
///
/// Reading has no such type: a payload may be 4 GiB long, so [`Decoder`](crate::Decoder) hands it on in pieces.
///
/// Source: meeting §4.2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Frame<'a> {
    /// `N`: open a stream to this port of 127.0.0.1 on the device. Proxy to agent.
    New {
        /// The stream to open.
        stream: StreamId,
        /// The port on the device.
        port: u16,
    },
    /// `D`: bytes of a stream, either way.
    Data {
        /// The stream they belong to.
        stream: StreamId,
        /// The bytes.
        payload: &'a [u8],
    },
    /// `C`: the stream is over, either way.
    Close {
        /// The stream that ends.
        stream: StreamId,
    },
}

impl Frame<'_> {
    /// Appends the frame's bytes to `out`. No allocation happens while `out` has room.
    ///
    /// A payload longer than the length field can say goes out as several `D` frames, which means the same.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::New { stream, port } => out.extend_from_slice(&encode_new(stream, port)),
            Self::Data { stream, payload } => {
                let mut rest = payload;
                loop {
                    let length = u32::try_from(rest.len()).unwrap_or(u32::MAX);
                    let (head, tail) = rest.split_at(index(length).min(rest.len()));
                    out.extend_from_slice(&FrameHeader::data(stream, length).encode());
                    out.extend_from_slice(head);
                    if tail.is_empty() {
                        return;
                    }
                    rest = tail;
                }
            }
            Self::Close { stream } => out.extend_from_slice(&FrameHeader::close(stream).encode()),
        }
    }
}

/// The eleven bytes of an `N` frame.
///
/// Source: meeting §4.2.
#[must_use]
pub const fn encode_new(stream: StreamId, port: u16) -> [u8; NEW_FRAME_BYTES] {
    let [t, i0, i1, i2, i3, l0, l1, l2, l3] = FrameHeader::new_stream(stream).encode();
    let [p0, p1] = port.to_be_bytes();
    [t, i0, i1, i2, i3, l0, l1, l2, l3, p0, p1]
}

/// A length field as a number of bytes in memory; on a target where it does not fit, as much as memory can hold.
pub(crate) fn index(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_these_bytes() {
        let mut out = Vec::new();
        Frame::New { stream: StreamId::new(1), port: 22 }.encode(&mut out);
        assert_eq!(out, b"N\0\0\0\x01\0\0\0\x02\0\x16");
        out.clear();
        Frame::Data { stream: StreamId::new(0x0102_0304), payload: b"hi" }.encode(&mut out);
        assert_eq!(out, b"D\x01\x02\x03\x04\0\0\0\x02hi");
        out.clear();
        Frame::Close { stream: StreamId::PROBE }.encode(&mut out);
        assert_eq!(out, b"C\xff\xff\xff\xff\0\0\0\0");
    }

    #[test]
    fn every_header_survives_both_ways() {
        for kind in 0..=u8::MAX {
            for number in [0, 1, 255, 256, 65_535, 65_536, u32::MAX - 1, u32::MAX] {
                let header = FrameHeader {
                    kind: FrameType::from_byte(kind),
                    stream: StreamId::new(number),
                    length: number ^ 0x5A,
                };
                assert_eq!(FrameHeader::decode(header.encode()), header);
            }
        }
    }

    #[test]
    fn an_empty_payload_is_one_frame() {
        let mut out = Vec::new();
        Frame::Data { stream: StreamId::new(7), payload: b"" }.encode(&mut out);
        assert_eq!(out, b"D\0\0\0\x07\0\0\0\0");
    }
}
