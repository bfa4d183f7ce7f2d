//! Nets and their weeks: dates that are known, and properties over many zones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

mod definitions;
mod known_dates;
mod properties;

use checkin_api::net::{Definition, LocalTime, Net};

/// A net on `#net` from `opens` to `closes`.
fn net(weekday: &str, opens: &str, closes: &str, zone: &str) -> Net {
    Net::new(Definition {
        name: "test".to_owned(),
        channel: "#net".to_owned(),
        weekday: weekday.to_owned(),
        opens: opens.parse().unwrap(),
        closes: closes.parse().unwrap(),
        zone: zone.to_owned(),
        phrase: None,
    })
    .unwrap()
}

fn whole_day(weekday: &str, zone: &str) -> Net {
    net(weekday, &LocalTime::START_OF_DAY.to_string(), &LocalTime::END_OF_DAY.to_string(), zone)
}
