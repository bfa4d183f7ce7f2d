//! Commands, to one machine, a group or all.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};

use crate::GroupName;
use crate::schedule::{Action, Target};
use crate::server::fleet::Fleet;
use crate::server::power::Done;
use crate::server::refusal::Refusal;
use crate::server::reply::{ReplyBody, json, unavailable};
use crate::server::service::Call;
use crate::server::shapes::{AnswerView, BroadcastAnswer, BroadcastView};
use crate::server::store::{DeviceRecord, Origin, Outcome, Store};

/// The document's route: waits up to five seconds for the machine's answer, and says what it was.
///
/// Source: ipwatch §3.1, §3.2, §4.2, §4.3. Choice: IM-87.
pub(super) async fn one<S: Store, F: Fleet>(
    call: &Call<'_, S, F>,
    action: Action,
) -> Result<Response<ReplyBody>, Refusal> {
    let device = call.segment::<IpAddr>().map(|address| address.to_canonical());
    let device = device.and_then(|address| call.shared.live.record(address));
    let device = device.ok_or_else(Refusal::unknown_device)?;
    let done = act(call, action, vec![device]).await?.pop();
    let done = done.ok_or_else(|| Refusal::new(504, "no_answer", "the machine did not answer in time"))?;
    if let Some(status) = refused(&done) {
        let code = done.code.unwrap_or_else(|| done.outcome.as_str().to_owned());
        return Err(Refusal::new(status, code, done.message));
    }
    let view = AnswerView {
        ip: done.ip,
        command: action,
        success: true,
        message: done.message,
        code: done.code,
        timestamp: done.timestamp,
        took_ms: done.took_ms,
    };
    Ok(json(StatusCode::OK, &view))
}

/// The status of an answer that is none, or says no.
fn refused(done: &Done) -> Option<u16> {
    match (done.outcome, done.code.as_deref()) {
        (Outcome::Done | Outcome::Sent, _) => None,
        (Outcome::NoAnswer, _) => Some(504),
        (Outcome::Unsent, Some("no_mac")) => Some(409),
        (Outcome::Unsent, _) => Some(503),
        (Outcome::Refused, Some("not_allowed")) => Some(403),
        _ => Some(409),
    }
}

pub(super) async fn group<S: Store, F: Fleet>(
    call: &Call<'_, S, F>,
    action: Action,
) -> Result<Response<ReplyBody>, Refusal> {
    let unknown = || Refusal::new(404, "unknown_group", "no such group");
    let name = call.segment::<GroupName>().ok_or_else(unknown)?;
    let groups = call.shared.store.groups().await.map_err(|error| unavailable(&error))?;
    if !groups.iter().any(|group| group.name == name) {
        return Err(unknown());
    }
    many(call, action, Target::Group(name)).await
}

pub(super) async fn all<S: Store, F: Fleet>(
    call: &Call<'_, S, F>,
    action: Action,
) -> Result<Response<ReplyBody>, Refusal> {
    many(call, action, Target::All).await
}

async fn many<S: Store, F: Fleet>(
    call: &Call<'_, S, F>,
    action: Action,
    target: Target,
) -> Result<Response<ReplyBody>, Refusal> {
    let done = act(call, action, call.shared.targets(&target)).await?;
    let good = done.iter().filter(|done| done.is_good()).count();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let view = BroadcastView {
        command: action,
        target: target.to_string(),
        done: count(good),
        failed: count(done.len() - good),
        answers: done.into_iter().map(answer).collect(),
    };
    Ok(json(StatusCode::OK, &view))
}

fn answer(done: Done) -> BroadcastAnswer {
    let Done { ip, outcome, message, code, took_ms, .. } = done;
    BroadcastAnswer { ip, outcome: outcome.as_str(), message, code, took_ms }
}

/// Does it in a task of its own: whoever asked may hang up, and what came of it is written down all the same.
async fn act<S: Store, F: Fleet>(
    call: &Call<'_, S, F>,
    action: Action,
    devices: Vec<DeviceRecord>,
) -> Result<Vec<Done>, Refusal> {
    let caller = call.caller()?;
    if action.is_power() {
        call.shared.known_keys.take_power(&caller.name, call.settings.power_rate)?;
    }
    let origin = Origin::Key(caller.name.clone());
    let (shared, settings) = (Arc::clone(call.shared), Arc::clone(call.settings));
    let acting = tokio::spawn(async move { shared.act(&settings, origin, action, devices).await });
    match acting.await {
        Ok(done) => done.map_err(|error| unavailable(&error)),
        Err(_) => Err(Refusal::new(503, "interrupted", "the receiver is being stopped")
            .with_retry_after(Duration::from_secs(5))),
    }
}
