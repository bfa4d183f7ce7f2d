//! Request bodies: bounded in size and time, and never left where they could be taken for the next request (threat C5).

use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body;
use http_body_util::BodyExt;

use crate::Refusal;

/// Of a body that nobody wants so much is read and thrown away, so that a client which sends before it listens hears
/// the answer instead of a reset connection. Choice: CI-31.
const MAX_DRAINED_BYTES: u64 = 1024 * 1024;
/// And for so long.
const DRAIN_DEADLINE: Duration = Duration::from_secs(2);

/// Reads a body whole.
///
/// # Errors
/// 413 for a body above the limit, 408 for one that does not end in time, 400 for one that breaks off.
pub(super) async fn collect<B: Body>(
    body: B,
    headers: &HeaderMap,
    limit: usize,
    deadline: Duration,
) -> Result<Bytes, Refusal> {
    let too_long = || Refusal::new(413, format!("the body is larger than {limit} bytes"));
    if will_not_drain(headers, limit as u64) {
        return Err(too_long());
    }
    let reading = async {
        let mut body = pin!(body);
        let mut read = Reading::default();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::new(400, "the body breaks off"))?;
            let Ok(data) = frame.into_data() else { continue };
            read.take(data, limit);
            if read.total > MAX_DRAINED_BYTES.max(limit as u64) {
                break;
            }
        }
        if read.total > limit as u64 { Err(too_long()) } else { Ok(read.kept()) }
    };
    match tokio::time::timeout(deadline, reading).await {
        Ok(result) => result,
        Err(_) => Err(Refusal::new(408, "the body did not come in time")),
    }
}

/// Reads the body of a request that is refused already and throws it away; whether that came to its end. If not, the connection
/// cannot serve another request.
pub(super) async fn drain<B: Body>(body: B, headers: &HeaderMap) -> bool {
    if body.is_end_stream() {
        return true;
    }
    if will_not_drain(headers, 0) {
        return false;
    }
    let reading = async {
        let mut body = pin!(body);
        let mut total: u64 = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            let length = frame.data_ref().map_or(0, |data| data.remaining() as u64);
            total = total.saturating_add(length);
            if total > MAX_DRAINED_BYTES {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(DRAIN_DEADLINE, reading).await.unwrap_or(false)
}

/// Whether a body beyond the limit is announced that is not worth reading: it is too long, or its sender waits for a word first.
fn will_not_drain(headers: &HeaderMap, limit: u64) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let waits = headers.contains_key(header::EXPECT);
    match length {
        Some(length) => length > limit && (waits || length > MAX_DRAINED_BYTES),
        // Chunks of unknown number: a sender that asked first is not told to go on for nothing.
        None => limit == 0 && waits,
    }
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
