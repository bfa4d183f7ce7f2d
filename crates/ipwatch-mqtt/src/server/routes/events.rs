//! What happens, as it happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response};
use http_body_util::BodyExt;

use crate::server::fleet::Fleet;
use crate::server::live::Follower;
use crate::server::refusal::Refusal;
use crate::server::reply::ReplyBody;
use crate::server::service::Call;
use crate::server::store::Store;

/// A place among the followers.
struct Place(Arc<AtomicU64>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// `text/event-stream`: `snapshot`, `device`, `removed`, `stranger`, `log`.
///
/// Choice: IM-91.
pub(super) fn follow<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<Response<ReplyBody>, Refusal> {
    let (shared, settings) = (call.shared, call.settings);
    let most = settings.max_subscribers as u64;
    let free = |now: u64| (now < most).then_some(now + 1);
    if shared.followers.fetch_update(Ordering::AcqRel, Ordering::Acquire, free).is_err() {
        return Err(Refusal::new(503, "too_many_followers", "too many follow the events already")
            .with_retry_after(Duration::from_secs(30)));
    }
    let place = Place(Arc::clone(&shared.followers));
    let last = call.parts.headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let position = last.and_then(|id| shared.live.position(id));
    let live = Arc::clone(&shared.live);
    let body = Follower::new(live, position, settings.heartbeat, settings.stream_for, place);
    let mut response = Response::new(body.boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would gather events before it passes them on.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}
