use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, header};

/// Most characters of a redirection's target that are told.
const MAX_TARGET: usize = 200;

/// A reply, read whole.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What became of the request.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// Where a redirection leads to, which is not followed; `None` for other replies.
    #[must_use]
    pub fn redirected_to(&self) -> Option<String> {
        if !self.status.is_redirection() {
            return None;
        }
        Some(self.text(&header::LOCATION).unwrap_or("elsewhere").chars().take(MAX_TARGET).collect())
    }

    /// How long the server asks to wait (`Retry-After`, in seconds or as a date). A date counts from the server's own `Date`, so
    /// that a wrong clock here does not matter, and from `now` when there is none.
    #[must_use]
    pub fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        let text = self.text(&header::RETRY_AFTER)?;
        if let Ok(seconds) = text.parse::<u32>() {
            return Some(Duration::from_secs(seconds.into()));
        }
        let date = |text: &str| httpdate::parse_http_date(text).ok();
        let until = date(text)?;
        let from = self.text(&header::DATE).and_then(date).unwrap_or(now);
        // What has passed already is no wait at all.
        Some(until.duration_since(from).unwrap_or_default())
    }

    fn text(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, headers: &[(HeaderName, &str)]) -> Reply {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        Reply { status: StatusCode::from_u16(status).unwrap(), headers, body: Bytes::new() }
    }

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, date, seconds) in [
            ("120", None, Some(120)),
            (" 0 ", None, Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", None, Some(60)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", None, Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some("today"), Some(60)),
            ("-1", None, None),
            ("1.5", None, None),
            ("soon", None, None),
            ("99999999999999999999", None, None),
            ("Sun, 31 Feb 1994 08:50:37 GMT", None, None),
        ] {
            let mut headers = vec![(header::RETRY_AFTER, text)];
            headers.extend(date.map(|date| (header::DATE, date)));
            assert_eq!(reply(503, &headers).retry_after(now), seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(reply(503, &[]).retry_after(now), None);
    }

    #[test]
    fn a_redirection_says_where_to() {
        let long = "https://example.org/".repeat(20);
        let to = |text: &str| reply(301, &[(header::LOCATION, text)]).redirected_to().unwrap();
        assert_eq!(to("https://example.org/"), "https://example.org/");
        assert_eq!(to(&long), long[..MAX_TARGET]);
        assert_eq!(reply(302, &[]).redirected_to().unwrap(), "elsewhere");
        assert_eq!(reply(200, &[(header::LOCATION, "/x")]).redirected_to(), None);
    }
}
