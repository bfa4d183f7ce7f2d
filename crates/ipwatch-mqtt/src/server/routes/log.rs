//! Who did what, when, and what came of it.

use std::net::IpAddr;

use http::{Response, StatusCode};

use super::query;
use crate::server::fleet::Fleet;
use crate::server::refusal::Refusal;
use crate::server::reply::{ReplyBody, json, unavailable};
use crate::server::service::Call;
use crate::server::shapes::{LogPage, LogView};
use crate::server::store::{LogFilter, Store};

const MAX_ENTRIES: u32 = 1000;
const USUAL_ENTRIES: u32 = 100;

/// Choice: IM-85.
pub(super) async fn read<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<Response<ReplyBody>, Refusal> {
    let values = query(call.parts.uri.query(), &["ip", "before", "limit"])?;
    let [ip, before, limit] = values.as_slice() else { return Err(Refusal::not_found()) };
    let parse = |name, text: &Option<String>| match text.as_deref().map(str::parse::<i64>) {
        None => Ok(None),
        Some(Ok(number)) if number >= 1 => Ok(Some(number)),
        Some(_) => Err(Refusal::invalid(format!("{name} is a number, at least 1"))),
    };
    let device = match ip.as_deref().map(str::parse::<IpAddr>) {
        None => None,
        Some(Ok(address)) => Some(address.to_canonical()),
        Some(Err(_)) => return Err(Refusal::invalid("ip is no address")),
    };
    let most = match parse("limit", limit)? {
        None => USUAL_ENTRIES,
        Some(limit) => u32::try_from(limit)
            .ok()
            .filter(|limit| *limit <= MAX_ENTRIES)
            .ok_or_else(|| Refusal::invalid(format!("limit is at most {MAX_ENTRIES}")))?,
    };
    // One more tells whether there is a next page.
    let filter = LogFilter { device, before: parse("before", before)?, most: most + 1 };
    let mut entries = call.shared.store.log(filter).await.map_err(|error| unavailable(&error))?;
    let is_last = entries.len() <= most as usize;
    entries.truncate(most as usize);
    let next = if is_last { None } else { entries.last().map(|entry| entry.id) };
    Ok(json(StatusCode::OK, &LogPage { entries: entries.into_iter().map(LogView::of).collect(), next }))
}
