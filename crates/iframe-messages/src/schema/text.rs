//! What the types that are texts, bytes and records look like outside.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use ts_rs::{Config, TS};

use crate::record::REFUSED_KEYS;
use crate::token::{AccessToken, RefreshToken};
use crate::{Bytes, Json, MessageId, PairingId, ProcessId, Record, Refusal, StateId};

macro_rules! outside {
    ($($type:ty: $name:literal, $typescript:literal, $generator:ident => $schema:tt;)*) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }

        impl TS for $type {
            type WithoutGenerics = Self;
            type OptionInnerType = Self;

            fn name(_: &Config) -> String {
                $typescript.to_owned()
            }

            fn inline(_: &Config) -> String {
                $typescript.to_owned()
            }
        }
    )*};
}

outside! {
    StateId: "StateId", "string", _generator => { "type": "string", "pattern": "^[0-9a-fA-F]{64}$" };
    ProcessId: "ProcessId", "string", _generator => { "type": "string", "pattern": "^[0-9a-fA-F]{64}(:(0|[1-9][0-9]{0,9}))?$" };
    PairingId: "PairingId", "string", _generator => { "type": "string", "minLength": 1, "maxLength": 256 };
    MessageId: "MessageId", "string", _generator => { "type": "string", "minLength": 1, "maxLength": 256 };
    AccessToken: "AccessToken", "string", _generator => { "type": "string", "minLength": 1, "maxLength": 4096 };
    RefreshToken: "RefreshToken", "string", _generator => { "type": "string", "minLength": 1, "maxLength": 4096 };
    Refusal: "Refusal", "string", _generator => { "type": "string" };
    Json: "Json", "unknown", generator => {
        "propertyNames": { "not": { "enum": REFUSED_KEYS } },
        "additionalProperties": generator.subschema_for::<Json>(),
        "items": generator.subschema_for::<Json>()
    };
    Record: "Record", "Record<string, unknown>", generator => {
        "type": "object",
        "propertyNames": { "not": { "enum": REFUSED_KEYS } },
        "additionalProperties": generator.subschema_for::<Json>()
    };
    Bytes: "Bytes", "Uint8Array | Array<number>", _generator => {
        "description": "As JSON an array of numbers, or the object with numbered keys that JSON.stringify makes of a typed array.",
        "anyOf": [
            { "type": "array", "items": { "type": "integer", "minimum": 0, "maximum": 255 } },
            {
                "type": "object",
                "patternProperties": { "^(0|[1-9][0-9]*)$": { "type": "integer", "minimum": 0, "maximum": 255 } },
                "additionalProperties": false
            }
        ]
    };
}

#[cfg(feature = "wallet")]
outside! {
    crate::wallet::Digest: "Digest", "string", _generator => { "type": "string", "pattern": "^[0-9a-fA-F]{64}$" };
}
