#![doc = include_str!("../README.md")]

mod decoder;
mod frame;
mod limits;

#[cfg(feature = "handshake")]
pub mod handshake;
#[cfg(feature = "mux")]
pub mod mux;

#[cfg(feature = "client")]
pub mod client;
#[cfg(any(feature = "client", feature = "server"))]
mod driver;
#[cfg(feature = "server")]
pub mod server;

pub use decoder::{Decoder, FrameEvent};
pub use frame::{
    Frame, FrameHeader, FrameType, HEADER_BYTES, NEW_FRAME_BYTES, PORT_BYTES, StreamId, encode_new,
};
pub use limits::{DecodeError, Limits};
