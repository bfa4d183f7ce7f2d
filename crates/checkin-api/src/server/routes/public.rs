//! What the server says about itself.

use http::{Response, StatusCode};

use crate::Refusal;
use crate::server::OPENAPI;
use crate::server::reply::{self, ReplyBody, json, refuse};
use crate::server::service::Call;
use crate::server::store::{CheckInStore, StoreError};

/// Source: checkin §7.3.
pub(in crate::server) fn status() -> Response<ReplyBody> {
    json(StatusCode::OK, r#"{"status":"ok"}"#)
}

pub(in crate::server) fn openapi() -> Response<ReplyBody> {
    json(StatusCode::OK, OPENAPI)
}

/// Whether check-ins can be stored, and why not.
///
/// Choice: CI-32.
pub(in crate::server) async fn ready<S: CheckInStore>(call: &Call<'_, S>) -> Response<ReplyBody> {
    match call.shared.store.check().await {
        Ok(()) => json(StatusCode::OK, r#"{"status":"ready"}"#),
        Err(error) => {
            let refusal = Refusal::new(503, reason(&error)).with_retry_after(error.retry_after());
            let mut response = refuse(&refusal);
            reply::close(&mut response);
            response
        }
    }
}

/// The database's own words; no path and no secret is in them.
fn reason(error: &StoreError) -> String {
    error.to_string().chars().filter(|c| !c.is_control()).take(Refusal::MAX_ERROR_CHARS).collect()
}
