//! What a machine told of itself.

use std::time::Duration;

use http::{Response, StatusCode};
use jiff::Timestamp;

use super::devices::address;
use super::query;
use crate::server::fleet::Fleet;
use crate::server::refusal::Refusal;
use crate::server::reply::{ReplyBody, json, unavailable};
use crate::server::service::Call;
use crate::server::shapes::{HistoryView, PointView};
use crate::server::store::{Point, Span, Store};

/// Points of an answer, at most, and where nothing is said of their distance.
const MAX_POINTS: u64 = 2000;
const USUAL_POINTS: u64 = 240;
const USUAL_TIME: Duration = Duration::from_secs(3600);

/// Choice: IM-84.
pub(super) async fn read<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<Response<ReplyBody>, Refusal> {
    let ip = address(call)?;
    let device = call.shared.live.record(ip).ok_or_else(Refusal::unknown_device)?;
    let values = query(call.parts.uri.query(), &["from", "to", "step"])?;
    let [from, to, step] = values.as_slice() else { return Err(Refusal::not_found()) };
    let now = call.shared.environment.clock.now();
    let span = span(from.as_deref(), to.as_deref(), step.as_deref(), now)?;
    let most = usize::try_from(MAX_POINTS).unwrap_or(usize::MAX);
    let points =
        call.shared.store.history(device.id, span, most).await.map_err(|error| unavailable(&error))?;
    let points = points.into_iter().map(view).collect();
    Ok(json(
        StatusCode::OK,
        &HistoryView { ip, from: span.from, to: span.to, step: span.step.as_secs(), points },
    ))
}

fn span(from: Option<&str>, to: Option<&str>, step: Option<&str>, now: Timestamp) -> Result<Span, Refusal> {
    let time = |name: &str, text: &str| {
        let time: Result<Timestamp, _> = text.parse();
        let time = time.ok().and_then(|time| Timestamp::from_second(time.as_second()).ok());
        time.ok_or_else(|| Refusal::invalid(format!("{name} is no time like 2026-01-31T12:00:00Z")))
    };
    let next_second = now.as_second().saturating_add(1);
    let to = match to {
        Some(text) => time("to", text)?,
        None => Timestamp::from_second(next_second).unwrap_or(now),
    };
    let from = match from {
        Some(text) => time("from", text)?,
        None => to.checked_sub(USUAL_TIME).unwrap_or(Timestamp::MIN),
    };
    let seconds = u64::try_from(to.as_second() - from.as_second()).unwrap_or(0);
    if seconds == 0 {
        return Err(Refusal::invalid("from is not before to"));
    }
    let step = match step {
        Some(text) => text.parse().ok().filter(|step| (1..=i64::MAX.unsigned_abs()).contains(step)),
        None => Some(seconds.div_ceil(USUAL_POINTS)),
    };
    let step = step.ok_or_else(|| Refusal::invalid("step is a number of seconds, at least 1"))?;
    if seconds.div_ceil(step) > MAX_POINTS {
        return Err(Refusal::invalid(format!("these are more than {MAX_POINTS} steps; take longer ones")));
    }
    Ok(Span { from, to, step: Duration::from_secs(step) })
}

fn view(point: Point) -> PointView {
    let percent = |share: Option<u16>| share.map(|share| f64::from(share) / 100.0);
    PointView {
        at: point.at,
        samples: point.samples,
        cpu_percent: percent(point.cpu),
        cpu_percent_most: percent(point.cpu_most),
        memory_percent: percent(point.memory),
        disk_percent: percent(point.disk),
        uptime: point.uptime,
    }
}
