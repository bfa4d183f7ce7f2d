//! Schedules.

use http::{Response, StatusCode};
use jiff::Timestamp;

use super::{body, name};
use crate::server::access::random_hex;
use crate::server::fleet::Fleet;
use crate::server::refusal::Refusal;
use crate::server::reply::{ReplyBody, json, no_content, unavailable};
use crate::server::service::Call;
use crate::server::shapes::{PreviewBody, PreviewView, RunView, ScheduleBody, ScheduleList, ScheduleView};
use crate::server::store::{NewSchedule, ScheduleRecord, ScheduleRun, Store};

/// Most schedules.
const MAX_SCHEDULES: usize = 1000;
/// So many slots of an expression are shown.
const PREVIEWED: usize = 5;

fn unknown() -> Refusal {
    Refusal::new(404, "unknown_schedule", "no such schedule")
}

pub(super) fn list<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Response<ReplyBody> {
    let schedules = call.shared.plans().into_iter().map(view).collect();
    json(StatusCode::OK, &ScheduleList { schedules })
}

pub(super) fn show<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<Response<ReplyBody>, Refusal> {
    let id = id(call)?;
    Ok(json(StatusCode::OK, &one(call, &id)?))
}

/// When an expression comes up, before anybody is bound by it.
pub(super) fn preview<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<Response<ReplyBody>, Refusal> {
    let PreviewBody { cron, zone } = body(&call.parts.headers, &call.body)?;
    let after = |time: &Timestamp| cron.next_after(zone.rules(), *time);
    let next = std::iter::successors(after(&call.shared.environment.clock.now()), after);
    let next = next.take(PREVIEWED).map(|time| time.to_string()).collect();
    Ok(json(StatusCode::OK, &PreviewView { next }))
}

pub(super) async fn post<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<Response<ReplyBody>, Refusal> {
    if call.shared.plans().len() >= MAX_SCHEDULES {
        let words = format!("there are {MAX_SCHEDULES} schedules, and no more may be");
        return Err(Refusal::new(409, "too_many_schedules", words));
    }
    let id = random_hex::<4>()
        .map_err(|_| Refusal::new(503, "no_randomness", "the system gives no randomness"))?;
    keep(call, id.to_string()).await?;
    Ok(json(StatusCode::CREATED, &one(call, &id)?))
}

/// Changing one makes its slots count from now on.
pub(super) async fn put<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<Response<ReplyBody>, Refusal> {
    let id = id(call)?;
    one(call, &id)?;
    keep(call, id.clone()).await?;
    Ok(json(StatusCode::OK, &one(call, &id)?))
}

pub(super) async fn delete<S: Store, F: Fleet>(
    call: &Call<'_, S, F>,
) -> Result<Response<ReplyBody>, Refusal> {
    let deleted = call.shared.store.delete_schedule(id(call)?).await.map_err(|error| unavailable(&error))?;
    call.shared.reload().await.map_err(|error| unavailable(&error))?;
    if deleted { Ok(no_content()) } else { Err(unknown()) }
}

fn id<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<String, Refusal> {
    let id = call.segment::<String>();
    id.filter(|id| id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).ok_or_else(unknown)
}

async fn keep<S: Store, F: Fleet>(call: &Call<'_, S, F>, id: String) -> Result<(), Refusal> {
    let asked: ScheduleBody = body(&call.parts.headers, &call.body)?;
    name(&asked.name)?;
    let ScheduleBody { name, cron, zone, command, target, enabled } = asked;
    let author = call.caller()?.name.clone();
    let schedule = NewSchedule { id, name, cron, zone, action: command, target, enabled, author };
    let now = call.shared.environment.clock.now();
    call.shared.store.put_schedule(schedule, now).await.map_err(|error| unavailable(&error))?;
    call.shared.reload().await.map_err(|error| unavailable(&error))
}

fn one<S: Store, F: Fleet>(call: &Call<'_, S, F>, id: &str) -> Result<ScheduleView, Refusal> {
    let found = call.shared.plans().into_iter().find(|(record, _)| record.schedule.id == id);
    found.map(view).ok_or_else(unknown)
}

fn view((record, next): (ScheduleRecord, Option<Timestamp>)) -> ScheduleView {
    let ScheduleRecord { schedule, created_at, last, .. } = record;
    let NewSchedule { id, name, cron, zone, action, target, enabled, author } = schedule;
    let last = last.map(|ScheduleRun { slot, ran, done, failed }| RunView {
        slot,
        outcome: if ran { "ran" } else { "missed" },
        done,
        failed,
    });
    ScheduleView { id, name, cron, zone, command: action, target, enabled, author, created_at, next, last }
}
