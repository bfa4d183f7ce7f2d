use crate::decode::{Body, Decoded};
use crate::{Limits, Message};

/// A window, by a number that the driver gives it: the same window, the same number.
///
/// An origin alone does not say who speaks: a popup or another frame may be of the right origin and still not be the peer.
///
/// Source: iframe §1. Choice: IF-21.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WindowId(pub u64);

/// Who posted a message: `event.origin` and `event.source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender<'a> {
    /// `event.origin`, as the browser gave it.
    pub origin: &'a str,
    /// `event.source`.
    pub window: WindowId,
}

/// What was posted, in whatever format it arrives: decoded only after its sender is known.
pub trait Posted {
    /// Reads it as a message of one direction.
    fn decode<B: Body>(&self, limits: Limits) -> Decoded<B>;
}

impl Posted for [u8] {
    fn decode<B: Body>(&self, limits: Limits) -> Decoded<B> {
        Message::decode(self, limits)
    }
}

impl Posted for Vec<u8> {
    fn decode<B: Body>(&self, limits: Limits) -> Decoded<B> {
        Message::decode(self, limits)
    }
}
