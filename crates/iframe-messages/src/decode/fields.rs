//! The fields of a message as they come in; those that belong to every message are taken out.

use std::borrow::Cow;

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Error, IgnoredAny, MapAccess};

use crate::MessageId;
use crate::token::AccessToken;

/// A field's name, or the tag.
#[derive(Debug)]
pub(crate) struct Key<'de>(Cow<'de, str>);

impl<'de> Key<'de> {
    pub(super) const fn borrowed(text: &'de str) -> Self {
        Self(Cow::Borrowed(text))
    }

    pub(super) fn owned(text: &str) -> Self {
        Self(Cow::Owned(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What belongs to every message, and where reading is.
#[derive(Debug, Default)]
pub struct Found<'de> {
    pub(super) message_id: Option<MessageId>,
    access_token: Option<AccessToken>,
    saw_tag: bool,
    saw_id: bool,
    /// The field being read: where an error is.
    last: Option<Key<'de>>,
}

impl<'de> Found<'de> {
    pub(super) const fn saw_tag(&mut self) {
        self.saw_tag = true;
    }

    pub(crate) const fn take_access_token(&mut self) -> Option<AccessToken> {
        self.access_token.take()
    }

    pub(crate) fn last_field(&self) -> Option<&str> {
        self.last.as_ref().map(Key::as_str)
    }
}

/// The fields of a message.
pub(crate) struct Fields<'f, 'de, A> {
    map: A,
    found: &'f mut Found<'de>,
    takes_access_token: bool,
}

impl<'f, 'de, A: MapAccess<'de>> Fields<'f, 'de, A> {
    pub(crate) const fn new(map: A, found: &'f mut Found<'de>, takes_access_token: bool) -> Self {
        Self { map, found, takes_access_token }
    }

    /// Reads them as a payload. Fields that it does not know pass.
    pub(crate) fn payload<T: Deserialize<'de>>(self) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(self))
    }

    /// Reads them where there is no payload.
    pub(crate) fn none(mut self) -> Result<(), A::Error> {
        while self.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    /// Reads the value if the field is not the payload's.
    fn take(&mut self, key: &str) -> Result<bool, A::Error> {
        match key {
            "messageId" => {
                if self.found.saw_id {
                    return Err(A::Error::duplicate_field("messageId"));
                }
                self.found.saw_id = true;
                self.found.message_id = self.map.next_value()?;
            }
            "accessToken" if self.takes_access_token => {
                if self.found.access_token.is_some() {
                    return Err(A::Error::duplicate_field("accessToken"));
                }
                self.found.access_token = Some(self.map.next_value()?);
            }
            "type" => {
                if self.found.saw_tag {
                    return Err(A::Error::duplicate_field("type"));
                }
                self.found.saw_tag = true;
                self.map.next_value::<IgnoredAny>()?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<Key<'de>>()? {
            let text = self.found.last.insert(key).0.clone();
            if self.take(&text)? {
                continue;
            }
            return match text {
                Cow::Borrowed(text) => seed.deserialize(BorrowedStrDeserializer::new(text)),
                Cow::Owned(text) => seed.deserialize(StrDeserializer::new(&text)),
            }
            .map(Some);
        }
        self.found.last = None;
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}
