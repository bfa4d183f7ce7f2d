//! Request bodies: bounded in size and time (threat R3).

use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body;
use http_body_util::BodyExt;

use crate::Refusal;

/// Of a body that is too large so much is read and thrown away, so that a client which sends before it listens hears
/// the answer instead of a reset connection.
const MAX_DRAINED_BYTES: u64 = 16 * 1024 * 1024;

/// Reads a body whole.
///
/// # Errors
/// A refusal with 413 for a body above the limit, 408 for one that does not end in time, 400 for one that breaks off.
///
/// Choice: MA-52.
pub(crate) async fn collect<B>(
    body: B,
    headers: &HeaderMap,
    limit: usize,
    deadline: Duration,
) -> Result<Bytes, Refusal>
where
    B: Body,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let length = declared_length(headers);
    let too_long = || Refusal::new(413, format!("Body larger than {limit} bytes"));
    if length.is_some_and(|length| length > MAX_DRAINED_BYTES)
        || length.is_some_and(|length| length > limit as u64) && headers.contains_key(header::EXPECT)
    {
        return Err(too_long());
    }
    let reading = async {
        let mut body = pin!(body);
        let mut read = Reading::default();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::new(400, "Body breaks off"))?;
            let Ok(data) = frame.into_data() else { continue };
            read.take(data, limit);
            if read.total > MAX_DRAINED_BYTES {
                break;
            }
        }
        if read.total > limit as u64 { Err(too_long()) } else { Ok(read.kept()) }
    };
    match tokio::time::timeout(deadline, reading).await {
        Ok(result) => result,
        Err(_) => Err(Refusal::new(408, "Body not complete in time")),
    }
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body so far: one piece is kept as it is, several are put together, and beyond the limit nothing is kept.
#[derive(Default)]
struct Reading {
    first: Bytes,
    rest: BytesMut,
    total: u64,
}

impl Reading {
    fn take(&mut self, mut data: impl Buf, limit: usize) {
        let length = data.remaining();
        self.total = self.total.saturating_add(length as u64);
        if self.total > limit as u64 {
            self.first = Bytes::new();
            self.rest = BytesMut::new();
        } else if self.first.is_empty() {
            self.first = data.copy_to_bytes(length);
        } else {
            self.rest.extend_from_slice(&data.copy_to_bytes(length));
        }
    }

    fn kept(self) -> Bytes {
        if self.rest.is_empty() {
            return self.first;
        }
        let mut whole = BytesMut::with_capacity(self.first.len() + self.rest.len());
        whole.extend_from_slice(&self.first);
        whole.extend_from_slice(&self.rest);
        whole.freeze()
    }
}
