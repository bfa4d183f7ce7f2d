//! The published key of a device as plain text, for sshd's ForceCommand and for people.

use super::{Method, Route};
use crate::{DecodeError, DeviceKey};

/// `?device_key=…`; 200 `text/plain` with the key, or 404. Source: meeting §3.4.
pub const ROUTE: Route = Route::new(Method::Get, "/api/forcecommand/get_device_key");

/// The body of the 404. Choice: MA-18.
pub const NOT_FOUND: &[u8] = br#"{"status":"not_found"}"#;

/// Path and query for a device.
#[must_use]
pub fn path(device_key: &DeviceKey) -> String {
    format!("{}?device_key={device_key}", ROUTE.template)
}

/// Reads the text: its one line, without the line end.
///
/// # Errors
/// [`DecodeError::NotUtf8`] for bytes that are no text, `Invalid` when there is not exactly one line.
pub fn decode(body: &[u8]) -> Result<&str, DecodeError> {
    let text = std::str::from_utf8(body).map_err(|_| DecodeError::NotUtf8)?.trim_end_matches(['\r', '\n']);
    if text.is_empty() || text.contains(['\r', '\n']) {
        return Err(DecodeError::Invalid { field: "pubkey" });
    }
    Ok(text)
}
