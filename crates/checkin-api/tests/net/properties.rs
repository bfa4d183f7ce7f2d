use checkin_api::net::{IsoWeeks, Moment, Schedule, Streaks, Week, streaks, zone_named};
use jiff::Timestamp;
use jiff::civil::{Date, ISOWeekDate, Time};
use jiff::tz::AmbiguousOffset;
use proptest::prelude::*;

use crate::{net, whole_day};

/// Both hemispheres, half hours, midnight changes, no summer time, a missing day, winter time instead of summer time.
const ZONES: [&str; 20] = [
    "UTC",
    "America/Denver",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Phoenix",
    "Europe/Zurich",
    "Europe/Dublin",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Apia",
];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

fn zone() -> impl Strategy<Value = &'static str> {
    prop::sample::select(ZONES.to_vec())
}

fn day() -> impl Strategy<Value = &'static str> {
    prop::sample::select(DAYS.to_vec())
}

/// 1990 to 2050, and often near a change of the clocks, which mostly is on the hour in UTC.
fn instant() -> impl Strategy<Value = Timestamp> {
    (631_152_000_i64..2_524_608_000).prop_map(|second| Timestamp::from_second(second).unwrap())
}

/// An instant within three hours of a change of that zone's clocks, or any.
fn near_a_change(zone: &str, anywhere: Timestamp, offset: i64) -> Timestamp {
    let zone = zone_named(zone).unwrap();
    let change = zone.following(anywhere).next().map(|transition| transition.timestamp());
    let near = change.map(|change| change + jiff::SignedDuration::from_secs(offset));
    near.filter(|near| near.as_second() < 2_600_000_000).unwrap_or(anywhere)
}

fn window() -> impl Strategy<Value = (String, String)> {
    let time = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    (0_u32..1440, 1_u32..=1440)
        .prop_filter("a window has a length", |(opens, closes)| opens != closes)
        .prop_map(move |(opens, closes)| (time(opens), time(closes)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// A whole day holds exactly the instants at which a clock there shows its date, whatever the clocks do. Only the minutes that
    /// come back when clocks are set back across a midnight that has passed (St. John's, until 2011) stay with the day that had begun.
    #[test]
    fn a_whole_day_is_its_date(zone in zone(), day in day(), anywhere in instant(), offset in -10_800_i64..10_800) {
        let net = whole_day(day, zone);
        for at in [anywhere, near_a_change(zone, anywhere, offset)] {
            let local = net.zone().to_datetime(at);
            let week = |date: Date| (date.weekday() == net.weekday()).then(|| Week::of_date(date));
            let tomorrow = local.date().tomorrow().unwrap();
            let midnight = net.zone().to_ambiguous_timestamp(tomorrow.to_datetime(Time::midnight()));
            let come_back = matches!(midnight.offset(), AmbiguousOffset::Fold { .. })
                && at >= midnight.earlier().unwrap();
            let date = if come_back { tomorrow } else { local.date() };
            prop_assert_eq!(net.week_of(Moment::Instant(at), ""), week(date), "{} {}", zone, at);
            prop_assert_eq!(net.week_of(Moment::Local(local), ""), week(local.date()));
        }
    }

    /// Where the clock shows each time once, an instant counts exactly when its local time does.
    #[test]
    fn an_instant_counts_when_its_local_time_does(
        zone in zone(), day in day(), (opens, closes) in window(), anywhere in instant(), offset in -90_000_i64..90_000,
    ) {
        let net = net(day, &opens, &closes, zone);
        for at in [anywhere, near_a_change(zone, anywhere, offset)] {
            let local = net.zone().to_datetime(at);
            let once = matches!(net.zone().to_ambiguous_timestamp(local).offset(), AmbiguousOffset::Unambiguous { .. });
            let by_instant = net.week_of(Moment::Instant(at), "");
            let by_clock = net.week_of(Moment::Local(local), "");
            if once {
                prop_assert_eq!(by_instant, by_clock, "{} {} {}", zone, at, local);
            } else if by_clock.is_some() {
                // Whoever saw a time of the window on their clock is in it.
                prop_assert_eq!(by_instant, by_clock, "{} {} {}", zone, at, local);
            }
        }
    }

    /// Weeks open before they close, close before the next one opens, and hold what is between.
    #[test]
    fn weeks_are_apart(zone in zone(), day in day(), (opens, closes) in window(), at in instant()) {
        let net = net(day, &opens, &closes, zone);
        let mut week = net.current(at).unwrap();
        for _ in 0..60 {
            let span = net.span(week).unwrap();
            prop_assert!(span.opens <= span.closes);
            if span.opens < span.closes {
                prop_assert_eq!(net.week_of(Moment::Instant(span.opens), ""), Some(week));
                let last = span.closes - jiff::SignedDuration::from_nanos(1);
                prop_assert_eq!(net.week_of(Moment::Instant(last), ""), Some(week));
            }
            prop_assert_eq!(net.week_of(Moment::Instant(span.closes), ""), None);
            let next = week.after().unwrap();
            prop_assert!(span.closes <= net.span(next).unwrap().opens);
            week = next;
        }
    }

    /// The current week has opened, and the next one has not.
    #[test]
    fn the_current_week_is_the_last_that_opened(zone in zone(), day in day(), (opens, closes) in window(), at in instant()) {
        let net = net(day, &opens, &closes, zone);
        let week = net.current(at).unwrap();
        prop_assert!(net.span(week).unwrap().opens <= at);
        prop_assert!(at < net.span(week.after().unwrap()).unwrap().opens);
    }

    #[test]
    fn iso_weeks_are_those_of_the_local_date(zone in zone(), anywhere in instant(), offset in -10_800_i64..10_800) {
        let weeks = IsoWeeks::new(zone_named(zone).unwrap());
        for at in [anywhere, near_a_change(zone, anywhere, offset)] {
            let date = ISOWeekDate::from_date(Schedule::zone(&weeks).to_datetime(at).date());
            let name = format!("{:04}-W{:02}", date.year(), date.week());
            let week = weeks.week_of(Moment::Instant(at)).unwrap();
            prop_assert_eq!(&IsoWeeks::name(week), &name);
            prop_assert_eq!(IsoWeeks::parse(&name), Ok(week));
            prop_assert_eq!(weeks.current(at), Some(week));
        }
    }

    /// Streaks against a count over a line of yes and no.
    #[test]
    fn streaks_are_runs_of_yes(there in prop::collection::vec(any::<bool>(), 0..40), open in any::<bool>()) {
        let held = u32::try_from(there.len()).unwrap();
        let attended = (0_u32..).zip(&there).filter(|(_, there)| **there).map(|(number, _)| number);
        let runs: Vec<usize> = there.split(|there| !there).map(<[bool]>::len).collect();
        let mut current = *runs.last().unwrap();
        if open && current == 0 {
            let before = there.len().saturating_sub(1);
            current = there[..before].rsplit(|there| !there).next().unwrap().len();
        }
        let expected = Streaks {
            weeks: u32::try_from(there.iter().filter(|there| **there).count()).unwrap(),
            current: u32::try_from(current).unwrap(),
            longest: u32::try_from(*runs.iter().max().unwrap()).unwrap(),
        };
        prop_assert_eq!(streaks(attended, held, open), expected);
    }
}
