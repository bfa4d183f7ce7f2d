//! The properties that fuzzing tries to break, one function a target.
//!
//! `cargo +nightly fuzz run <target>` searches; `cargo test -p fuzz` replays the corpus on stable. A new target is a
//! function here, ten lines in `fuzz_targets/`, a `[[bin]]` in `Cargo.toml`, a folder of seeds in `corpus/` and a line in
//! [`TARGETS`].
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a broken property panics: that is what the fuzzer looks for"
)]

pub mod checkin_api;
pub mod checkin_api_reading;
pub mod http_exchange;
pub mod iframe_messages;
pub mod ipwatch_mqtt;
pub mod ipwatch_mqtt_schedule;
pub mod meeting_api;
pub mod tunnel_frame;

use std::io;

/// A property: it panics when the bytes break it.
pub type Property = fn(&[u8]);

/// Every target by name, so that the replay misses none.
pub const TARGETS: &[(&str, Property)] = &[
    ("checkin_api_check_in", checkin_api::check_in),
    ("checkin_api_authorization", checkin_api::authorization),
    ("checkin_api_meshcore", checkin_api::meshcore),
    ("checkin_api_reading", checkin_api_reading::reading),
    ("http_exchange_server_url", http_exchange::server_url),
    ("iframe_messages_host", iframe_messages::host),
    ("iframe_messages_server", iframe_messages::server),
    ("ipwatch_mqtt_agent", ipwatch_mqtt::agent),
    ("ipwatch_mqtt_message", ipwatch_mqtt::message),
    ("ipwatch_mqtt_schedule", ipwatch_mqtt_schedule::schedule),
    ("meeting_api_heartbeat", meeting_api::heartbeat),
    ("meeting_api_device_record", meeting_api::device_record),
    ("meeting_api_public_key", meeting_api::public_key),
    ("meeting_api_known_hosts", meeting_api::known_hosts),
    ("meeting_api_http_signature", meeting_api::http_signature),
    ("tunnel_frame_decoder", tunnel_frame::decoder),
    ("tunnel_frame_handshake", tunnel_frame::handshake),
    ("tunnel_frame_session", tunnel_frame::session),
];

/// Runs a property over the files named on the command line: how a crash is looked at without a fuzzer.
///
/// # Errors
/// If a file cannot be read.
pub fn run_files(property: Property) -> io::Result<()> {
    for path in std::env::args_os().skip(1) {
        property(&std::fs::read(path)?);
    }
    Ok(())
}
