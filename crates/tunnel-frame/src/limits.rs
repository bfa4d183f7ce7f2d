//! What a reader of frames accepts before it calls the connection dead.

use crate::frame::{FrameHeader, FrameType};
use std::fmt;

const SKIP_BYTES: u32 = 64 * 1024;

/// Longest payloads that a reader accepts, per type of frame. No limit here ever causes memory to be reserved.
///
/// | frame | [`Limits::default`] | [`Limits::strict`] |
/// |---|---|---|
/// | `N` | 2 bytes to 64 KiB, the port is read and the rest skipped | exactly 2 bytes |
/// | `D` | any length, handed on as it comes | up to 64 KiB |
/// | `C` | up to 64 KiB, skipped | exactly 0 bytes |
/// | any other type | up to 64 KiB, skipped | refused |
///
/// Choice: TF-2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Limits {
    new_bytes: u32,
    data_bytes: u32,
    close_bytes: u32,
    unknown_bytes: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            new_bytes: SKIP_BYTES,
            data_bytes: u32::MAX,
            close_bytes: SKIP_BYTES,
            unknown_bytes: Some(SKIP_BYTES),
        }
    }
}

impl Limits {
    /// Only what the document writes itself, with `D` up to 64 KiB (threat T1).
    #[must_use]
    pub const fn strict() -> Self {
        Self { new_bytes: 2, data_bytes: SKIP_BYTES, close_bytes: 0, unknown_bytes: None }
    }

    /// Sets the longest `N` payload; values under 2 count as 2. Default 65,536.
    #[must_use]
    pub const fn with_new_bytes(mut self, bytes: u32) -> Self {
        self.new_bytes = if bytes < 2 { 2 } else { bytes };
        self
    }

    /// Sets the longest `D` payload. Default 4,294,967,295, which is every length there is.
    #[must_use]
    pub const fn with_data_bytes(mut self, bytes: u32) -> Self {
        self.data_bytes = bytes;
        self
    }

    /// Sets the longest `C` payload that is skipped. Default 65,536.
    #[must_use]
    pub const fn with_close_bytes(mut self, bytes: u32) -> Self {
        self.close_bytes = bytes;
        self
    }

    /// Sets the longest payload of an unknown type that is skipped; `None` refuses unknown types. Default 65,536.
    #[must_use]
    pub const fn with_unknown_bytes(mut self, bytes: Option<u32>) -> Self {
        self.unknown_bytes = bytes;
        self
    }

    /// Whether a frame with this header may be read.
    ///
    /// # Errors
    /// [`DecodeError::ShortNew`], [`DecodeError::TooLong`] or [`DecodeError::UnknownType`]; after any of them the
    /// stream of frames cannot be trusted any more.
    pub fn check(&self, header: FrameHeader) -> Result<(), DecodeError> {
        let limit = match header.kind {
            FrameType::NEW if header.length < 2 => return Err(DecodeError::ShortNew { header }),
            FrameType::NEW => self.new_bytes,
            FrameType::DATA => self.data_bytes,
            FrameType::CLOSE => self.close_bytes,
            _ => self.unknown_bytes.ok_or(DecodeError::UnknownType { header })?,
        };
        if header.length > limit { Err(DecodeError::TooLong { header, limit }) } else { Ok(()) }
    }
}

/// Why bytes are not frames. The connection that they came from is dead.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum DecodeError {
    /// An `N` whose payload cannot hold a port.
    ShortNew {
        /// The header as it was received.
        header: FrameHeader,
    },
    /// A payload longer than [`Limits`] allow for its type.
    TooLong {
        /// The header as it was received.
        header: FrameHeader,
        /// The limit that it broke, in bytes.
        limit: u32,
    },
    /// A type that the document does not define, where [`Limits`] refuse those.
    UnknownType {
        /// The header as it was received.
        header: FrameHeader,
    },
}

impl DecodeError {
    /// The header that was refused.
    #[must_use]
    pub const fn header(&self) -> FrameHeader {
        match *self {
            Self::ShortNew { header } | Self::TooLong { header, .. } | Self::UnknownType { header } => header,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FrameHeader { kind, stream, length } = self.header();
        match self {
            Self::ShortNew { .. } => write!(f, "frame {kind} of stream {stream} has {length} bytes, no port"),
            Self::TooLong { limit, .. } => {
                write!(
                    f,
                    "frame {kind} of stream {stream} announces {length} bytes, over the limit of {limit}"
                )
            }
            Self::UnknownType { .. } => {
                write!(f, "frame of unknown type {kind} for stream {stream}, {length} bytes")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::StreamId;

    /// Threat T1: all 256 types against 12 boundary lengths, tolerant and strict.
    #[test]
    fn t1_every_type_and_boundary_length() {
        let lengths = [0, 1, 2, 3, 8, 9, 65_535, 65_536, 65_537, 0x7FFF_FFFF, u32::MAX - 9, u32::MAX];
        for byte in 0..=u8::MAX {
            for length in lengths {
                let kind = FrameType::from_byte(byte);
                let header = FrameHeader { kind, stream: StreamId::new(5), length };
                let tolerant = match byte {
                    b'N' => (2..=65_536).contains(&length),
                    b'D' => true,
                    _ => length <= 65_536,
                };
                let strict = match byte {
                    b'N' => length == 2,
                    b'D' => length <= 65_536,
                    b'C' => length == 0,
                    _ => false,
                };
                assert_eq!(Limits::default().check(header).is_ok(), tolerant, "{header:?}");
                assert_eq!(Limits::strict().check(header).is_ok(), strict, "{header:?}");
            }
        }
    }
}
