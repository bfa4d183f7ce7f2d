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
mod record;
mod refusal;
mod text;

pub mod reply;
pub mod request;
pub mod token;

pub use bytes::Bytes;
pub use decode::{Body, Decoded, Malformed};
pub use decode_error::DecodeError;
pub use ids::{InvalidId, PairingId, ProcessId, StateId};
pub use kind::{ReplyKind, RequestKind};
pub use limits::Limits;
pub use message::{HostMessage, IframeMessage, Message};
pub use message_id::{InvalidMessageId, MessageId};
pub use record::{Json, Record, RefusedValue};
pub use refusal::Refusal;
pub use reply::Reply;
pub use request::{Call, LinkRequest, Request};
