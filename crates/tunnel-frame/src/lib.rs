#![doc = include_str!("../README.md")]

mod decoder;
mod frame;
mod limits;

#[cfg(feature = "handshake")]
pub mod handshake;

pub use decoder::{Decoder, FrameEvent};
pub use frame::{
    Frame, FrameHeader, FrameType, HEADER_BYTES, NEW_FRAME_BYTES, PORT_BYTES, StreamId, encode_new,
};
pub use limits::{DecodeError, Limits};
