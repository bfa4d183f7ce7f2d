//! Local times and instants: which one a clock on the wall means.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::LocalTime;

/// The zone of that IANA name, as `Europe/Zurich`; `None` when there is none.
///
/// The system's zone files decide; those that are compiled in, where the system has none. Choice: CI-51.
#[must_use]
pub fn zone_named(name: &str) -> Option<TimeZone> {
    // Names are short; what is longer need not be looked for in the file system.
    let plausible = !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
    plausible.then(|| TimeZone::get(name).ok()).flatten().filter(|zone| zone.iana_name().is_some())
}

/// The date and time that a clock shows at this time of this day; `None` at the end of the calendar.
pub(super) fn at(day: Date, time: LocalTime) -> Option<DateTime> {
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    midnight.checked_add(jiff::SignedDuration::from_secs(i64::from(time.seconds()))).ok()
}

/// Which of two moments a repeated local time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeated {
    First,
    Second,
}

/// The instant at which a clock in this zone shows `local`, clamped to the instants there are. A skipped time is the moment
/// of the jump. Choice: CI-52.
pub(super) fn instant(zone: &TimeZone, local: DateTime, repeated: Repeated) -> Timestamp {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => with_offset(local, offset),
        AmbiguousOffset::Fold { before, after } => match repeated {
            Repeated::First => with_offset(local, before),
            Repeated::Second => with_offset(local, after),
        },
        AmbiguousOffset::Gap { before, after } => {
            // Read with the offset after the jump, the skipped time lies before it.
            let early = with_offset(local, after);
            let jump = zone.following(early).next().map(|transition| transition.timestamp());
            jump.unwrap_or_else(|| with_offset(local, before))
        }
    }
}

fn with_offset(local: DateTime, offset: Offset) -> Timestamp {
    let edge = if local.year() > 0 { Timestamp::MAX } else { Timestamp::MIN };
    offset.to_timestamp(local).unwrap_or(edge)
}

/// The first instant of that day in the zone, clamped to the instants there are. Choice: CI-52.
#[must_use]
pub fn start_of_day(zone: &TimeZone, day: Date) -> Timestamp {
    instant(zone, day.to_datetime(jiff::civil::Time::midnight()), Repeated::First)
}
