//! `from`, `to` and `zone`: the days of which check-ins are asked for.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::query::{Query, wrong};
use crate::Refusal;
use crate::net::{Week, start_of_day, zone_named};
use crate::server::store::{Filter, Period};

/// The zone that is asked for, and its name; UTC unless told otherwise.
pub(super) fn zone(query: &mut Query) -> Result<(TimeZone, String), Refusal> {
    let named =
        query.read("zone", "is no time zone: the name of a place is wanted, as Europe/Zurich", |name| {
            Some((zone_named(name)?, name.to_owned()))
        })?;
    Ok(named.unwrap_or_else(|| (TimeZone::UTC, "UTC".to_owned())))
}

/// The filter of a list.
pub(super) fn filter(query: &mut Query) -> Result<Filter, Refusal> {
    let channel = query.text("channel", 1024)?.map(|channel| crate::reading::channel_key(&channel));
    let user = query.text("user", 1024)?;
    let bot = query.text("bot", 1024)?;
    Ok(Filter { channel, user, bot, period: period(query)? })
}

/// An edge of a period: an instant, and what a clock in the zone shows then.
type Edge = (Timestamp, DateTime);

/// Choice: CI-61.
fn period(query: &mut Query) -> Result<Period, Refusal> {
    let (zone, _) = zone(query)?;
    let wanted = "is a day as 2025-03-03, or an instant as 2025-03-03T21:30:00Z";
    let from = query.read("from", wanted, |text| edge(text, &zone, Some))?;
    // A day belongs to the period, an instant ends it.
    let to = query
        .read("to", wanted, |text| edge(text, &zone, |day| Some(day.tomorrow().unwrap_or(Date::MAX))))?;
    if let (Some((from, _)), Some((to, _))) = (&from, &to)
        && from > to
    {
        return Err(wrong("from", "is after to").with_fields(["from", "to"]));
    }
    let local = |at: DateTime| TimeZone::UTC.to_timestamp(at).map_or(i64::MAX, Timestamp::as_second);
    let (all, mut period) = (Period::ALL, Period::ALL);
    (period.from, period.local_from) =
        from.map_or((all.from, all.local_from), |(at, shown)| (at.as_second(), local(shown)));
    (period.to, period.local_to) =
        to.map_or((all.to, all.local_to), |(at, shown)| (at.as_second(), local(shown)));
    Ok(period)
}

fn edge(text: &str, zone: &TimeZone, day: impl FnOnce(Date) -> Option<Date>) -> Option<Edge> {
    if let Ok(date) = text.parse::<Week>() {
        let day = day(date.date())?;
        return Some((start_of_day(zone, day), day.to_datetime(Time::midnight())));
    }
    let at: Timestamp = text.parse().ok()?;
    Some((at, zone.to_datetime(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Period, Vec<String>> {
        let mut query = Query::parse(Some(query)).unwrap();
        period(&mut query).map_err(|refusal| refusal.fields)
    }

    fn second(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let denver = read("from=2025-03-09&to=2025-03-09&zone=America/Denver").unwrap();
        assert_eq!(
            denver,
            Period {
                from: second("2025-03-09T07:00:00Z"),
                to: second("2025-03-10T06:00:00Z"),
                local_from: second("2025-03-09T00:00:00Z"),
                local_to: second("2025-03-10T00:00:00Z"),
            }
        );
        assert_eq!(read("").unwrap(), Period::ALL);
        let since = read("from=2025-03-03T14:30:00-07:00").unwrap();
        assert_eq!(
            (since.from, since.local_from, since.to),
            (second("2025-03-03T21:30:00Z"), second("2025-03-03T21:30:00Z"), i64::MAX)
        );
    }

    #[test]
    fn what_is_no_period_is_named() {
        for (query, fields) in [
            ("from=yesterday", vec!["from"]),
            ("to=2025-02-30", vec!["to"]),
            ("to=2025-03-03T12:00:00", vec!["to"]),
            ("zone=Mars", vec!["zone"]),
            ("from=2025-03-04&to=2025-03-02", vec!["from", "to"]),
        ] {
            assert_eq!(read(query), Err(fields.into_iter().map(str::to_owned).collect()), "{query}");
        }
        assert!(read("from=2025-03-03&to=2025-03-03").is_ok());
    }
}
