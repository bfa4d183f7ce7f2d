//! The server's own SSH host keys, for the device's known_hosts.

use super::{Method, Route};

/// Device to server; the answer is `text/plain` in the form of `ssh-keyscan`, one line a key. Source: meeting §3.2.
pub const ROUTE: Route = Route::new(Method::Get, "/api/ssh-hostkey");

/// Most bytes of the answer that a device reads (threat R4). Choice: MA-15.
pub const MAX_REPLY_BYTES: usize = 64 * 1024;
/// Most keys of the answer that a device takes (threat R4). Choice: MA-15.
pub const MAX_KEYS: usize = 16;
