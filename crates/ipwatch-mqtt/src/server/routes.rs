//! What the routes do.

mod commands;
mod devices;
mod events;
mod groups;
mod history;
mod log;
mod schedules;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::de::DeserializeOwned;

use super::OPENAPI;
use super::fleet::Fleet;
use super::refusal::Refusal;
use super::reply::{self, ReplyBody};
use super::route::Operation;
use super::service::Call;
use super::shapes::SessionView;
use super::store::Store;

pub(super) async fn perform<S: Store, F: Fleet>(
    operation: Operation,
    call: &Call<'_, S, F>,
) -> Result<Response<ReplyBody>, Refusal> {
    match operation {
        Operation::Track(action) => commands::one(call, action).await,
        Operation::CommandGroup(action) => commands::group(call, action).await,
        Operation::CommandAll(action) => commands::all(call, action).await,
        Operation::Devices => Ok(reply::json(StatusCode::OK, &call.shared.live.list())),
        Operation::Device => devices::show(call),
        Operation::PutDevice => devices::put(call).await,
        Operation::DeleteDevice => devices::retire(call).await,
        Operation::History => history::read(call).await,
        Operation::Groups => groups::list(call).await,
        Operation::Group => groups::show(call).await,
        Operation::PutGroup => groups::put(call).await,
        Operation::DeleteGroup => groups::delete(call).await,
        Operation::Schedules => Ok(schedules::list(call)),
        Operation::PreviewSchedule => schedules::preview(call),
        Operation::PostSchedule => schedules::post(call).await,
        Operation::Schedule => schedules::show(call),
        Operation::PutSchedule => schedules::put(call).await,
        Operation::DeleteSchedule => schedules::delete(call).await,
        Operation::Log => log::read(call).await,
        Operation::Events => events::follow(call),
        Operation::Session => session(call),
        Operation::OpenApi => Ok(reply::reply(StatusCode::OK, "application/json", OPENAPI)),
    }
}

fn session<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<Response<ReplyBody>, Refusal> {
    let caller = call.caller()?;
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let view = SessionView {
        name: caller.name.clone(),
        role: caller.role.as_str(),
        answer_within_ms: millis(call.settings.answer_within),
        up_within_ms: millis(call.settings.up_within),
    };
    Ok(reply::json(StatusCode::OK, &view))
}

/// A segment of a path or a part of a query without its percent signs; `None` when they are no UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = after.split_at_checked(2)?;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit(*digits.first()?)?, digit(*digits.last()?)?);
        bytes.push(high << 4 | low);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// The parts of a query, without their percent signs; each may occur once.
fn query(query: Option<&str>, known: &[&'static str]) -> Result<Vec<Option<String>>, Refusal> {
    let mut values: Vec<Option<String>> = vec![None; known.len()];
    for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        // Whatever else is there is somebody else's.
        let Some(at) = known.iter().position(|known| *known == name) else { continue };
        let value = decoded(value).ok_or_else(|| Refusal::invalid(format!("{name} cannot be read")))?;
        match values.get_mut(at) {
            Some(slot @ None) => *slot = Some(value),
            _ => return Err(Refusal::invalid(format!("{name} is there twice"))),
        }
    }
    Ok(values)
}

/// Reads a body of JSON.
fn body<T: DeserializeOwned>(headers: &http::HeaderMap, body: &Bytes) -> Result<T, Refusal> {
    // A page of somebody else's can send text without being asked, and JSON not.
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::new(415, "media_type", "the body must be application/json"));
    }
    serde_json::from_slice(body).map_err(|error| Refusal::invalid(error.to_string()))
}

/// Checks what people call something.
fn name(name: &str) -> Result<(), Refusal> {
    let fits = (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits && name.trim() == name {
        return Ok(());
    }
    Err(Refusal::invalid(
        "a name has 1 to 100 characters, none of them a control character, and no blank at its ends",
    ))
}
