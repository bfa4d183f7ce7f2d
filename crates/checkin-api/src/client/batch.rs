use http::Method;
use serde::Deserialize;

use super::{Accepted, CheckInClient, ClientError};
use crate::{CheckIn, DecodeError, Refusal};

/// Most check-ins of a batch. With 4 KiB each they fit into what a receiver takes in one request by default, 1 MiB.
pub const MAX_BATCH: usize = 250;

/// One line of the answer.
#[derive(Debug, Deserialize)]
struct Line {
    line: usize,
    status: u16,
    #[serde(default)]
    error: String,
    #[serde(default)]
    fields: Vec<String>,
}

impl CheckInClient {
    /// Submits up to [`MAX_BATCH`] check-ins in one request, with one commit of the receiver and a result for each, in their order. One try.
    ///
    /// The contract has no batches: a receiver that knows none answers 404 or 405.
    ///
    /// # Errors
    /// [`ClientError`] when there is no result for any of them: the whole may then be sent again.
    pub async fn submit_batch(
        &self,
        check_ins: &[CheckIn],
    ) -> Result<Vec<Result<Accepted, ClientError>>, ClientError> {
        if check_ins.len() > MAX_BATCH {
            return Err(ClientError::Usage("a batch has at most 250 check-ins"));
        }
        let mut body = Vec::new();
        let mut results: Vec<Option<Result<Accepted, ClientError>>> = Vec::with_capacity(check_ins.len());
        // Where in the results each line of the body belongs.
        let mut places = Vec::with_capacity(check_ins.len());
        for (index, check_in) in check_ins.iter().enumerate() {
            if let Err(error) = check_in.validate() {
                results.push(Some(Err(ClientError::Invalid(error))));
                continue;
            }
            results.push(None);
            places.push(index);
            body.extend(check_in.encode());
            body.push(b'\n');
        }
        if !places.is_empty() {
            let uri = self.inner.url.join("/v1/checkins/batch")?;
            let reply = self.call(Method::POST, uri, Some(("application/x-ndjson", body))).await?;
            for line in reply.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let line: Line = super::decode(line)?;
                let place = line.line.checked_sub(1).and_then(|index| places.get(index));
                let place = place.and_then(|index| results.get_mut(*index));
                *place.ok_or(ClientError::Protocol("a result is of no line"))? = Some(result(line));
            }
        }
        let all: Option<Vec<_>> = results.into_iter().collect();
        all.ok_or(ClientError::Malformed(DecodeError::Json {
            reason: "a result is missing",
            line: 0,
            column: 0,
        }))
    }
}

fn result(line: Line) -> Result<Accepted, ClientError> {
    match line.status {
        201 => Ok(Accepted::Created),
        200..=299 => Ok(Accepted::AlreadyHeld),
        status => Err(ClientError::Refused(Refusal::new(status, line.error).with_fields(line.fields))),
    }
}
