#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod bytes;
mod decode;
mod decode_error;
mod ids;
mod kind;
mod limits;
mod message;
mod message_id;
mod moment;
mod origin;
mod posted;
mod record;
mod refusal;
mod text;

#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod client;
pub mod reply;
pub mod request;
#[cfg(feature = "schema")]
#[cfg_attr(docsrs, doc(cfg(feature = "schema")))]
pub mod schema;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub mod server;
pub mod token;
#[cfg(feature = "wallet")]
#[cfg_attr(docsrs, doc(cfg(feature = "wallet")))]
pub mod wallet;

pub use bytes::Bytes;
pub use decode::{Body, Decoded, Malformed};
pub use decode_error::DecodeError;
pub use ids::{InvalidId, PairingId, ProcessId, StateId};
pub use kind::{ReplyKind, RequestKind};
pub use limits::Limits;
pub use message::{HostMessage, IframeMessage, Message};
pub use message_id::{InvalidMessageId, MessageId};
pub use moment::Moment;
pub use origin::{InvalidOrigin, Origin};
pub use posted::{Posted, Sender, WindowId};
pub use record::{Json, Record, RefusedValue};
pub use refusal::Refusal;
pub use reply::Reply;
pub use request::{Call, LinkRequest, Request};
