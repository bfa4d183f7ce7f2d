//! One check-in.

use std::future::Future;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::{media_type, unsupported};
use crate::server::access::Caller;
use crate::server::reply::{ReplyBody, json, unavailable};
use crate::server::service::Call;
use crate::server::store::{CheckInStore, Outcome, Submission};
use crate::{CheckIn, DecodeError, Refusal};

/// Longest name of a sender, a channel or a bot, in bytes. Choice: CI-33.
const MAX_NAME_BYTES: usize = 1024;

/// Stores it: 201 when it is new, 200 when it is held already.
///
/// Source: checkin §2 to §5. Choice: CI-20.
pub(in crate::server) async fn one<S: CheckInStore>(
    call: &Call<'_, S>,
    body: impl Future<Output = Result<Bytes, Refusal>>,
) -> Result<Response<ReplyBody>, Refusal> {
    let caller = caller(call)?;
    counted(call, caller, store(call, caller, body).await)
}

/// Notes a refusal that is the bot's doing beside its key.
pub(super) fn counted<S, T>(
    call: &Call<'_, S>,
    caller: &Caller,
    stored: Result<T, Refusal>,
) -> Result<T, Refusal> {
    stored.inspect_err(|refusal| {
        if refusal.status < 500 {
            call.shared.rejected.add(&caller.name, 1, call.now);
        }
    })
}

async fn store<S: CheckInStore>(
    call: &Call<'_, S>,
    caller: &Caller,
    body: impl Future<Output = Result<Bytes, Refusal>>,
) -> Result<Response<ReplyBody>, Refusal> {
    // Absent is JSON: no bot is turned away for leaving out what the document takes for granted. Choice: CI-34.
    let json_type = |kind: &str| kind == "application/json" || kind.ends_with("+json");
    if media_type(&call.parts.headers).is_some_and(|kind| !json_type(&kind)) {
        return Err(unsupported("application/json"));
    }
    call.shared.buckets.take(&caller.name, 1, call.settings.rate)?;
    let body = body.await?;
    let check_in = read(&body)?;
    let copy = Submission { check_in, received_at: call.now, key: caller.name.clone() };
    let outcomes = call.shared.store.submit(vec![copy]).await.map_err(|error| unavailable(&error))?;
    let outcome = outcomes.first().copied().unwrap_or(Outcome::Duplicate);
    call.shared.observe_accepted(outcome);
    Ok(match outcome {
        Outcome::New => json(StatusCode::CREATED, r#"{"status":"created"}"#),
        Outcome::Duplicate => json(StatusCode::OK, r#"{"status":"duplicate"}"#),
    })
}

/// Whose key was shown; the table gives one to every operation that asks.
pub(super) fn caller<'a, S>(call: &'a Call<'_, S>) -> Result<&'a Caller, Refusal> {
    call.caller.as_ref().ok_or_else(|| Refusal::new(401, "API key refused"))
}

/// Reads a check-in, or says all that is wrong with it.
///
/// # Errors
/// 400, naming the fields at fault.
pub(super) fn read(json: &[u8]) -> Result<CheckIn, Refusal> {
    let check_in = CheckIn::decode(json).map_err(|error| malformed(&error))?;
    let names = [
        ("username", Some(check_in.username.as_str())),
        ("channel", Some(check_in.channel.as_str())),
        ("source_bot", check_in.source_bot.as_deref()),
    ];
    let long = names.into_iter().filter(|(_, name)| name.is_some_and(|name| name.len() > MAX_NAME_BYTES));
    let long: Vec<_> = long.map(|(field, _)| field).collect();
    if long.is_empty() {
        return Ok(check_in);
    }
    Err(Refusal::new(400, format!("longer than {MAX_NAME_BYTES} bytes: {}", long.join(", ")))
        .with_fields(long))
}

fn malformed(error: &DecodeError) -> Refusal {
    let fields = error.fields().iter().map(|fault| fault.field.name());
    Refusal::new(400, error.to_string()).with_fields(fields)
}
