//! The `Retry-After` header: seconds, or a date.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

use crate::UtcTimestamp;
use crate::utc_timestamp::Civil;

/// How long the server asks to wait. A date counts from the server's own `Date`, so that a wrong clock here does not
/// matter, and from `now` when there is none.
pub(super) fn wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let until = http_date(text)?;
    let date = headers.get(header::DATE).and_then(|date| http_date(date.to_str().ok()?.trim()));
    let from = date.unwrap_or_else(|| UtcTimestamp::from_system_time(now));
    Some(Duration::from_secs(until.seconds_since(from)))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`; the two obsolete forms of dates are not read.
fn http_date(text: &str) -> Option<UtcTimestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.split_once(", ")?;
    let mut words = date.split(' ');
    let day = words.next()?;
    let month = words.next()?;
    let year = words.next()?;
    let mut time = words.next()?.split(':');
    if words.next()? != "GMT" || words.next().is_some() {
        return None;
    }
    let month = MONTHS.iter().position(|known| *known == month)?;
    let mut part = || number(time.next()?);
    let (hour, minute, second) = (part()?, part()?, part()?);
    let civil = Civil {
        year: number(year)?,
        month: i64::try_from(month).ok()? + 1,
        day: number(day)?,
        hour,
        minute,
        second,
    };
    UtcTimestamp::from_civil(civil)
}

fn number(digits: &str) -> Option<i64> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn headers(retry_after: &'static str, date: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(header::DATE, date.parse().unwrap());
        }
        headers
    }

    #[test]
    fn seconds_and_dates_are_read() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
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
            assert_eq!(wait(&headers(text, date), now), seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(wait(&HeaderMap::new(), now), None);
    }
}
