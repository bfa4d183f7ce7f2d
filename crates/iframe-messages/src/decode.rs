//! From bytes to a message, in one pass where `type` comes first, as pages write it.
//!
//! 1. `Message::decode` looks at the length;
//! 2. the first key is `type` and names a message of this direction: [`Body::read`] reads the rest as that message, while
//!    [`Fields`] takes `messageId` and `accessToken` out of the stream of fields;
//! 3. else, or when that fails, [`Head`] goes over all of it without keeping anything but `type` and `messageId`.

mod fields;
mod head;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use fields::Key;
pub(crate) use fields::{Fields, Found};
use head::Head;

use crate::{DecodeError, Limits, Message, MessageId, Refusal};

/// What is read from what a page posted.
///
/// Source: iframe §3. Choice: IF-6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded<B> {
    /// Not a message of this protocol and direction: to be ignored, since pages say other things too.
    NotOurs,
    /// Of this protocol, and malformed: a request is to be answered with an error.
    Malformed(Malformed),
    /// A message.
    Message(Message<B>),
}

/// A message of this protocol that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Its `messageId`, where that can be read.
    pub message_id: Option<MessageId>,
    /// Its `type`.
    pub tag: &'static str,
    /// What is wrong.
    pub error: DecodeError,
}

impl Malformed {
    /// What to answer: the document's text where it has one. Choice: IF-11.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        match self.error.field() {
            Some("stateId") => Refusal::InvalidStateId,
            Some("accessToken") => Refusal::InvalidToken,
            _ => Refusal::failed(&format!("read {}", self.tag), &self.error),
        }
    }
}

/// A direction's messages: [`Request`](crate::Request) or [`Reply`](crate::Reply). Not to be implemented elsewhere.
pub trait Body: Sized + sealed::Sealed {
    /// Which messages there are.
    type Kind: Copy;

    #[doc(hidden)]
    fn kind_of(tag: &str) -> Option<Self::Kind>;

    #[doc(hidden)]
    fn tag(kind: Self::Kind) -> &'static str;

    #[doc(hidden)]
    fn read<'de, A: MapAccess<'de>>(
        kind: Self::Kind,
        map: A,
        found: &mut Found<'de>,
    ) -> Result<Self, A::Error>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::Request {}
    impl Sealed for crate::Reply {}
}

pub(crate) fn decode<B: Body>(json: &[u8], limits: Limits) -> Decoded<B> {
    let too_large = json.len() > limits.max_message_bytes();
    let error = if too_large {
        Attempt::Failed(DecodeError::too_large(limits))
    } else {
        match first_pass(json) {
            Ok(decoded) => return decoded,
            Err(error) => error,
        }
    };
    let Ok(head) = serde_json::from_slice::<Head<'_>>(json) else { return Decoded::NotOurs };
    let Some(kind) = head.tag().and_then(B::kind_of) else { return Decoded::NotOurs };
    let error = match error {
        Attempt::TagLater => match second_pass(json, kind) {
            Ok(message) => return Decoded::Message(message),
            Err(error) => error,
        },
        Attempt::Failed(error) => error,
    };
    Decoded::Malformed(Malformed { message_id: head.message_id, tag: B::tag(kind), error })
}

/// Why the first pass gave nothing.
enum Attempt {
    /// The first field is not `type`.
    TagLater,
    /// It is no message.
    Failed(DecodeError),
}

fn first_pass<B: Body>(json: &[u8]) -> Result<Decoded<B>, Attempt> {
    let mut found = Found::default();
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let read = deserializer.deserialize_map(TagFirst { found: &mut found, body: PhantomData::<B> });
    let read = read.and_then(|read| deserializer.end().map(|()| read));
    match read {
        Ok(First::Body(body)) => Ok(Decoded::Message(Message { body, message_id: found.message_id })),
        Ok(First::Stranger) => Ok(Decoded::NotOurs),
        Ok(First::TagLater) => Err(Attempt::TagLater),
        Err(error) => Err(Attempt::Failed(DecodeError::from_json(&error, &found))),
    }
}

fn second_pass<B: Body>(json: &[u8], kind: B::Kind) -> Result<Message<B>, DecodeError> {
    let mut found = Found::default();
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let read = deserializer.deserialize_map(TagKnown { kind, found: &mut found, body: PhantomData::<B> });
    match read.and_then(|body| deserializer.end().map(|()| body)) {
        Ok(body) => Ok(Message { body, message_id: found.message_id }),
        Err(error) => Err(DecodeError::from_json(&error, &found)),
    }
}

/// What the first field says.
enum First<B> {
    Body(B),
    Stranger,
    TagLater,
}

struct TagFirst<'f, 'de, B> {
    found: &'f mut Found<'de>,
    body: PhantomData<B>,
}

impl<'de, B: Body> Visitor<'de> for TagFirst<'_, 'de, B> {
    type Value = First<B>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<First<B>, A::Error> {
        let tag = match map.next_key::<Key<'de>>()? {
            None => return Ok(First::Stranger),
            Some(key) if key.as_str() == "type" => map.next_value::<Key<'de>>()?,
            Some(_) => {
                skip(map, true)?;
                return Ok(First::TagLater);
            }
        };
        let Some(kind) = B::kind_of(tag.as_str()) else {
            skip(map, false)?;
            return Ok(First::Stranger);
        };
        self.found.saw_tag();
        B::read(kind, map, self.found).map(First::Body)
    }
}

struct TagKnown<'f, 'de, B: Body> {
    kind: B::Kind,
    found: &'f mut Found<'de>,
    body: PhantomData<B>,
}

impl<'de, B: Body> Visitor<'de> for TagKnown<'_, 'de, B> {
    type Value = B;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<B, A::Error> {
        B::read(self.kind, map, self.found)
    }
}

/// Goes over the rest of an object: a format's reader wants to be read to the end.
fn skip<'de, A: MapAccess<'de>>(mut map: A, value_first: bool) -> Result<(), A::Error> {
    if value_first {
        map.next_value::<IgnoredAny>()?;
    }
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// A text that is kept where it is, if it stands there as it is.
impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key::borrowed(text))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key::owned(text))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}
