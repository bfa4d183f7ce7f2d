//! Many check-ins at once: JSON lines in, a result per line out, one commit.

use std::future::Future;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use super::submit::{caller, counted, read};
use super::{media_type, unsupported};
use crate::Refusal;
use crate::server::access::Caller;
use crate::server::observer::Rejection;
use crate::server::reply::{ReplyBody, reply, unavailable};
use crate::server::service::Call;
use crate::server::store::{CheckInStore, Outcome, Submission};

/// What became of a line.
#[derive(Debug, Serialize)]
struct LineResult<'a> {
    line: usize,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    fields: &'a [String],
}

/// Stores them. The answer is 200 with a line for each line that holds anything: `{"line":1,"status":201}`, with the error and
/// the fields at fault of one that was refused. When the store fails, the whole is refused and nothing is stored.
///
/// Choice: CI-29.
pub(in crate::server) async fn many<S: CheckInStore>(
    call: &Call<'_, S>,
    body: impl Future<Output = Result<Bytes, Refusal>>,
) -> Result<Response<ReplyBody>, Refusal> {
    let caller = caller(call)?;
    counted(call, caller, store(call, caller, body).await)
}

async fn store<S: CheckInStore>(
    call: &Call<'_, S>,
    caller: &Caller,
    body: impl Future<Output = Result<Bytes, Refusal>>,
) -> Result<Response<ReplyBody>, Refusal> {
    const TYPES: [&str; 4] =
        ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"];
    if media_type(&call.parts.headers).is_some_and(|kind| !TYPES.contains(&kind.as_str())) {
        return Err(unsupported("application/x-ndjson"));
    }
    // The first line is paid for before the body is read, the others when they are counted.
    call.shared.buckets.take(&caller.name, 1, call.settings.rate)?;
    let body = body.await?;
    let lines: Vec<_> = lines(&body).collect();
    if lines.len() > call.settings.max_batch_lines {
        return Err(Refusal::new(413, format!("more than {} lines", call.settings.max_batch_lines)));
    }
    call.shared.buckets.take(&caller.name, lines.len().saturating_sub(1), call.settings.rate)?;
    let mut copies = Vec::with_capacity(lines.len());
    let judged: Vec<_> = lines
        .into_iter()
        .map(|(number, line)| {
            let read = read_line(line, call.settings.max_body_bytes).map(|check_in| {
                copies.push(Submission { check_in, received_at: call.now, key: caller.name.clone() });
            });
            (number, read)
        })
        .collect();
    let outcomes = call.shared.store.submit(copies).await.map_err(|error| unavailable(&error))?;
    Ok(reply(StatusCode::OK, "application/x-ndjson", results(call, caller, &judged, &outcomes)))
}

fn results<S: CheckInStore>(
    call: &Call<'_, S>,
    caller: &Caller,
    judged: &[(usize, Result<(), Refusal>)],
    outcomes: &[Outcome],
) -> Vec<u8> {
    let mut outcomes = outcomes.iter();
    let (mut text, mut refused) = (Vec::new(), 0);
    for (number, read) in judged {
        let mut result = LineResult { line: *number, status: 200, error: None, fields: &[] };
        match read {
            Ok(()) => {
                let outcome = outcomes.next().copied().unwrap_or(Outcome::Duplicate);
                call.shared.observe_accepted(outcome);
                if outcome == Outcome::New {
                    result.status = 201;
                }
            }
            Err(refusal) => {
                call.shared.observe_rejection(Rejection::of(refusal.status));
                refused += 1;
                result.status = refusal.status;
                result.error = Some(&refusal.error);
                result.fields = &refusal.fields;
            }
        }
        // Numbers and texts: there is nothing that JSON could not hold.
        text.extend(serde_json::to_vec(&result).unwrap_or_default());
        text.push(b'\n');
    }
    if refused > 0 {
        call.shared.rejected.add(&caller.name, refused, call.now);
    }
    text
}

/// The lines that hold anything, numbered from 1.
fn lines(body: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    (1..).zip(lines).filter(|(_, line)| !line.is_empty())
}

fn read_line(line: &[u8], limit: usize) -> Result<crate::CheckIn, Refusal> {
    if line.len() > limit {
        return Err(Refusal::new(413, format!("the line is larger than {limit} bytes")));
    }
    read(line)
}
