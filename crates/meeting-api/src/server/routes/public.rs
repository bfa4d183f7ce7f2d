//! What the server says about itself.

use crate::Refusal;
use crate::endpoint::api_status::ApiStatus;
use crate::server::OPENAPI;
use crate::server::call::Call;
use crate::server::reply::Reply;
use crate::server::store::Store;

pub(super) fn status() -> Reply {
    Reply::json(ApiStatus::ready(env!("CARGO_PKG_VERSION")).encode())
}

pub(super) fn openapi() -> Reply {
    Reply::static_json(OPENAPI.as_bytes())
}

/// Source: meeting §3.2.
pub(super) fn host_keys<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    match call.settings.host_keys.as_str() {
        "" => Err(Refusal::new(404, "No host keys configured")),
        lines => Ok(Reply::text(lines.to_owned())),
    }
}

pub(super) fn server_pubkey<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let Some(key) = &call.settings.server_pubkey else {
        return Err(Refusal::new(404, "No public key configured"));
    };
    match call.query_value("format") {
        Some("plain") => Ok(Reply::text(format!("{}\n", key.pubkey))),
        None | Some("json" | "") => Ok(Reply::json(key.encode())),
        Some(_) => Err(Refusal::new(400, "Invalid format").with_field("format")),
    }
}
