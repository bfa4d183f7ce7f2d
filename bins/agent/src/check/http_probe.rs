//! One `GET /api` over a connection that the check has opened itself, for what the client does not show: the `Date` header.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{CONNECTION, DATE, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use meeting_api::UtcTimestamp;
use meeting_api::endpoint::api_status::ApiStatus;
use tokio::io::{AsyncRead, AsyncWrite};

/// Most bytes of the answer that are read.
const MAX_REPLY_BYTES: usize = 64 * 1024;

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    /// What the server says of itself, if it is a Meeting server's form.
    pub(super) api: Option<ApiStatus>,
    /// The server's clock.
    pub(super) date: Option<UtcTimestamp>,
}

/// Asks.
pub(super) async fn ask<S>(stream: S, base: &Uri, limit: Duration) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asked = tokio::time::timeout(limit, exchange(stream, base)).await;
    asked.unwrap_or_else(|_| Err("no answer within the time limit".to_owned()))
}

async fn exchange<S>(stream: S, base: &Uri) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let words = |error: hyper::Error| error.to_string();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(words)?;
    let connection = tokio::spawn(connection);
    let authority = base.authority().map_or("", |authority| authority.as_str());
    let path = format!("{}/api", base.path().trim_end_matches('/'));
    let request = Request::get(path)
        .header(HOST, authority)
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(words)?;
    let status = response.status().as_u16();
    let date = response.headers().get(DATE).and_then(|date| http_date(date.to_str().ok()?));
    let body = Limited::new(response.into_body(), MAX_REPLY_BYTES).collect().await;
    connection.abort();
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    Ok(Answer { status, api: ApiStatus::decode(&body).ok(), date })
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<UtcTimestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.strip_suffix(" GMT")?.split_once(", ")?;
    let mut words = date.split(' ');
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    format!("{year}-{month:02}-{day} {time}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http_are_read() {
        let read = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(read.to_string(), "1994-11-06 08:49:37");
        for wrong in ["", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Foo 1994 08:49:37 GMT", "06 Nov 1994 GMT"] {
            assert_eq!(http_date(wrong), None, "{wrong}");
        }
    }
}
