//! Reading back: questions in paths and queries, answers in JSON, CSV and JSON lines.

mod boards;
mod cache;
mod csv;
mod cursor;
mod export;
mod lists;
mod people;
mod period;
mod query;
mod scope;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use tokio::sync::Semaphore;

use self::cache::{Cache, Fresh};
use self::query::Query;
use super::reply::{self, ReplyBody, unavailable};
use super::route::Operation;
use super::service::Call;
use super::store::{CheckInStore, State};
use crate::Refusal;

/// What reading keeps between requests.
#[derive(Debug)]
pub(super) struct Reader {
    cache: Cache,
    /// Questions that go through all people of a channel are answered one after the other, so that a reader of the store is
    /// always left for the short ones.
    surveys: Semaphore,
}

impl Default for Reader {
    fn default() -> Self {
        Self { cache: Cache::default(), surveys: Semaphore::new(1) }
    }
}

/// Answers a `GET` of the read side.
pub(super) async fn answer<S: CheckInStore>(
    call: &Call<'_, S>,
    operation: Operation,
) -> Result<Response<ReplyBody>, Refusal> {
    let query = Query::parse(call.parts.uri.query())?;
    match operation {
        Operation::ExportCsv => return export::csv(call, query).await,
        Operation::ExportJsonLines => return export::json_lines(call, query).await,
        _ => {}
    }
    let state = call.shared.store.state().await.map_err(|error| unavailable(&error))?;
    let question = Question { call, state };
    match operation {
        Operation::List => lists::list(&question, query).await,
        Operation::Bots => lists::bots(&question, query).await,
        Operation::Search => lists::search(&question, query).await,
        Operation::Nets => boards::nets(&question, query).await,
        Operation::Weeks => boards::weeks(&question, query).await,
        Operation::Board => boards::board(&question, query).await,
        Operation::RollCall => boards::roll_call(&question, query).await,
        Operation::Leaderboard => people::leaderboard(&question, query).await,
        Operation::Person => people::person(&question, query).await,
        Operation::Missing => people::missing(&question, query).await,
        _ => Err(Refusal::new(404, "not found")),
    }
}

/// A question, and the state of the store in which it is asked.
struct Question<'a, S> {
    call: &'a Call<'a, S>,
    state: State,
}

impl<S: CheckInStore> Question<'_, S> {
    fn store(&self) -> &S {
        &self.call.shared.store
    }

    /// A part of the path that varies.
    fn segment(&self, index: usize) -> Result<String, Refusal> {
        let segment = self.call.segments.get(index).map(String::as_str).unwrap_or_default();
        query::segment(segment).ok_or_else(|| Refusal::new(404, "not found"))
    }

    /// Leave to go through all people.
    async fn survey(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Refusal> {
        let leave = self.call.shared.reader.surveys.acquire().await;
        leave.map_err(|_| Refusal::new(503, "the receiver is being closed"))
    }

    /// Answers with what `make` gives, unless the caller has it already or it is still known.
    ///
    /// The tag changes with the store and with `time`, which is what the answer says that depends on the clock. Choice: CI-63.
    async fn tagged<T: Serialize>(
        &self,
        time: &str,
        make: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<Response<ReplyBody>, Refusal> {
        let uri = &self.call.parts.uri;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let tag = cache::tag(&[
            env!("CARGO_PKG_VERSION"),
            path,
            time,
            &format!("{:?}", self.state),
            &format!("{:?}", self.call.settings.nets),
            &format!("{:?}", self.call.settings.regulars),
        ]);
        if cache::matches(&self.call.parts.headers, IF_NONE_MATCH, &tag) {
            let mut response = Response::new(reply::full(bytes::Bytes::new()));
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(self.with_tag(response, &tag));
        }
        let cache = &self.call.shared.reader.cache;
        let body = match cache.find(path, &tag).await {
            Fresh::Known(body) => body,
            Fresh::Wanted(place) => {
                let made = make.await?;
                let body = serde_json::to_vec(&made)
                    .map_err(|_| Refusal::new(500, "the answer cannot be written"))?;
                place.keep(body.into())
            }
        };
        Ok(self.with_tag(reply::json(StatusCode::OK, body), &tag))
    }

    fn with_tag(&self, mut response: Response<ReplyBody>, tag: &str) -> Response<ReplyBody> {
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(tag) {
            headers.insert(ETAG, tag);
        }
        // May be kept, and is asked about each time; not by those in between, where a key is needed.
        let kept = if self.call.settings.public_reading { "no-cache" } else { "private, no-cache" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
        headers.insert(VARY, HeaderValue::from_static("authorization"));
        response
    }
}

/// The header of an answer that is streamed.
fn streamed(body: ReplyBody, content_type: &'static str, disposition: &'static str) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(http::header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
