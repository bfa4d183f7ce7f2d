#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api_key;
mod check_in;
mod decode_error;
mod fields;
mod packet_hash;
mod refusal;
mod timestamp;

#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod client;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod outbox;
pub mod reading;

#[cfg(feature = "meshcore")]
#[cfg_attr(docsrs, doc(cfg(feature = "meshcore")))]
pub mod meshcore;
#[cfg(feature = "net")]
#[cfg_attr(docsrs, doc(cfg(feature = "net")))]
pub mod net;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub mod server;

pub use api_key::{ApiKey, InvalidApiKey};
pub use check_in::CheckIn;
pub use decode_error::{DecodeError, Field, FieldError, Problem};
pub use packet_hash::{InvalidPacketHash, PacketHash};
pub use refusal::Refusal;
pub use timestamp::Timestamp;
