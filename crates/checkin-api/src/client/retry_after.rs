//! The `Retry-After` header: seconds, or a date.

use std::time::Duration;

use http::{HeaderMap, HeaderName, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// How long the server asks to wait. A date counts from the server's own `Date`, so that a wrong clock here does not
/// matter, and from `now` when there is none.
pub(super) fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = text(headers, &header::RETRY_AFTER)?;
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let until = http_date(text)?;
    let from = text_date(headers).unwrap_or(now);
    Some(Duration::try_from(until.duration_since(from)).unwrap_or_default())
}

fn text_date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(text(headers, &header::DATE)?)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`; the two obsolete forms of dates are not read.
fn http_date(text: &str) -> Option<Timestamp> {
    text.ends_with(" GMT").then(|| rfc2822::parse(text).ok())?.map(|date| date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read() {
        let now = Timestamp::from_second(784_111_777).unwrap();
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (text, date, seconds) in [
            ("120", None, Some(120)),
            (" 0 ", None, Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", date, Some(60)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", None, Some(60)),
            ("Sun, 06 Nov 1994 08:48:37 GMT", date, Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 CET", date, None),
            ("Sun, 31 Feb 1994 08:50:37 GMT", date, None),
            ("-1", None, None),
            ("soon", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            if let Some(date) = date {
                headers.insert(header::DATE, date.parse().unwrap());
            }
            assert_eq!(wait(&headers, now), seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(wait(&HeaderMap::new(), now), None);
    }
}
