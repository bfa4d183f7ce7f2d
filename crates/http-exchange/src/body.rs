//! Request bodies on the side that answers: bounded in size and time, and never left where they could be taken for the next request.

use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body;
use http_body_util::BodyExt;

/// How long a body that nobody wants is read.
const DRAIN_DEADLINE: Duration = Duration::from_secs(2);

/// What a body may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Most bytes of a body that is kept.
    pub kept_bytes: usize,
    /// Of a body that nobody wants so much is read and thrown away, so that a client which sends before it listens hears the answer
    /// instead of a reset connection.
    pub drained_bytes: u64,
    /// How long a body may take to come in.
    pub time: Duration,
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It is longer than may be kept: 413.
    #[error("the body is longer than allowed")]
    TooLong,
    /// It did not come to its end in time: 408.
    #[error("the body did not come in time")]
    Late,
    /// It breaks off: 400.
    #[error("the body breaks off")]
    BrokenOff,
}

impl BodyError {
    /// The status that says so.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::TooLong => 413,
            Self::Late => 408,
            Self::BrokenOff => 400,
        }
    }
}

/// Reads a body whole.
///
/// # Errors
/// [`BodyError`]: what was read is dropped.
pub async fn collect<B: Body>(body: B, headers: &HeaderMap, limits: BodyLimits) -> Result<Bytes, BodyError> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let most = limits.kept_bytes as u64;
    if will_not_drain(headers, most, limits.drained_bytes) {
        return Err(BodyError::TooLong);
    }
    let reading = async {
        let mut body = pin!(body);
        let mut read = Reading::default();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| BodyError::BrokenOff)?;
            let Ok(data) = frame.into_data() else { continue };
            read.take(data, most);
            if read.total > limits.drained_bytes.max(most) {
                break;
            }
        }
        if read.total > most { Err(BodyError::TooLong) } else { Ok(read.kept()) }
    };
    tokio::time::timeout(limits.time, reading).await.unwrap_or(Err(BodyError::Late))
}

/// Reads the body of a request that is refused already and throws it away; whether that came to its end. If not, the connection
/// cannot serve another request.
pub async fn drain<B: Body>(body: B, headers: &HeaderMap, most: u64) -> bool {
    if body.is_end_stream() {
        return true;
    }
    if will_not_drain(headers, 0, most) {
        return false;
    }
    let reading = async {
        let mut body = pin!(body);
        let mut total: u64 = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            let length = frame.data_ref().map_or(0, |data| data.remaining() as u64);
            total = total.saturating_add(length);
            if total > most {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(DRAIN_DEADLINE, reading).await.unwrap_or(false)
}

/// Whether a body beyond the limit is announced that is not worth reading: it is too long, or its sender waits for a word first.
fn will_not_drain(headers: &HeaderMap, limit: u64, drained_bytes: u64) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let waits = headers.contains_key(header::EXPECT);
    match length {
        Some(length) => length > limit && (waits || length > drained_bytes),
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
    fn take(&mut self, mut data: impl Buf, limit: u64) {
        let length = data.remaining();
        self.total = self.total.saturating_add(length as u64);
        if self.total > limit {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may be blunt")]

    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http::HeaderValue;
    use http_body::Frame;

    use super::*;

    /// Pieces, and then an end, a break, or nothing for ever.
    struct Pieces(std::collections::VecDeque<&'static [u8]>, End);

    #[derive(Clone, Copy)]
    enum End {
        Well,
        Broken,
        Never,
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            match (self.0.pop_front(), self.1) {
                (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece))))),
                (None, End::Well) => Poll::Ready(None),
                (None, End::Broken) => Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into()))),
                (None, End::Never) => Poll::Pending,
            }
        }
    }

    fn pieces(pieces: &[&'static [u8]], end: End) -> Pieces {
        Pieces(pieces.iter().copied().collect(), end)
    }

    type Case = (&'static [&'static [u8]], End, Result<&'static [u8], BodyError>);

    const LIMITS: BodyLimits = BodyLimits { kept_bytes: 6, drained_bytes: 10, time: Duration::from_secs(10) };

    fn declared(length: &'static str, expect: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static(length));
        if expect {
            headers.insert(header::EXPECT, HeaderValue::from_static("100-continue"));
        }
        headers
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_read_whole_up_to_its_limit_and_its_time() {
        let none = HeaderMap::new();
        let cases: [Case; 7] = [
            (&[], End::Well, Ok(b"")),
            (&[b"abcdef"], End::Well, Ok(b"abcdef")),
            (&[b"ab", b"", b"cdef"], End::Well, Ok(b"abcdef")),
            (&[b"abcdef", b"g"], End::Well, Err(BodyError::TooLong)),
            (&[b"abcdefghijk"], End::Never, Err(BodyError::TooLong)),
            (&[b"ab"], End::Broken, Err(BodyError::BrokenOff)),
            (&[b"ab"], End::Never, Err(BodyError::Late)),
        ];
        for (given, end, expected) in cases {
            let body = collect(pieces(given, end), &none, LIMITS).await;
            assert_eq!(body.as_deref(), expected.as_ref().map(|bytes| *bytes), "{given:?}");
        }
        assert_eq!(
            [413, 408, 400],
            [BodyError::TooLong, BodyError::Late, BodyError::BrokenOff].map(BodyError::status)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_announced_body_that_is_too_long_is_not_waited_for() {
        for headers in [declared("11", false), declared("7", true)] {
            assert_eq!(collect(pieces(&[], End::Never), &headers, LIMITS).await, Err(BodyError::TooLong));
        }
        let body = collect(pieces(&[b"abc"], End::Well), &declared("3", true), LIMITS).await;
        assert_eq!(body.unwrap(), "abc");
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_wants_is_drained_or_given_up() {
        let none = HeaderMap::new();
        assert!(drain(pieces(&[b"abcde", b"fghij"], End::Well), &none, 10).await);
        assert!(!drain(pieces(&[b"abcde", b"fghijk"], End::Well), &none, 10).await);
        assert!(!drain(pieces(&[b"a"], End::Never), &none, 10).await);
        assert!(!drain(pieces(&[], End::Never), &declared("11", false), 10).await);
        assert!(!drain(pieces(&[], End::Never), &declared("1", true), 10).await);
        let empty = http_body_util::Empty::<Bytes>::new();
        assert!(drain(empty.map_err(|never: Infallible| match never {}), &declared("1", true), 10).await);
    }
}
