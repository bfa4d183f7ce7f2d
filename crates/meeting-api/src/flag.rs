//! A boolean as the field writes it: `true`, `false`, `1`, `0`, `"1"`, `"0"`, `"true"`, `"false"`; `null` is no.
//!
//! Choice: MA-6.

use serde::{Deserialize, Deserializer, Serializer};

use crate::loose::Loose;

/// For `#[serde(deserialize_with)]`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Loose::deserialize(deserializer)?.flag().ok_or_else(|| serde::de::Error::custom("a boolean is expected"))
}

/// For `#[serde(serialize_with)]` on the one request whose samples show `0` and `1`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference to the field")]
pub(crate) fn serialize_as_number<S: Serializer>(flag: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(u8::from(*flag))
}
