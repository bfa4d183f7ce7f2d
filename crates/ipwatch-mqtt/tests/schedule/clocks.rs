//! The clocks of places: a minute that does not exist, and one that comes twice.

use ipwatch_mqtt::schedule::{CronExpression, InvalidZone, Zone};
use jiff::Timestamp;

use crate::time;

fn slots(expression: &str, zone: &str, after: &str, before: &str) -> Vec<String> {
    let expression: CronExpression = expression.parse().unwrap();
    let zone: Zone = zone.parse().unwrap();
    let next = |at: Timestamp| expression.next_after(zone.rules(), at);
    let all = std::iter::successors(next(time(after)), |at| next(*at));
    all.take_while(|at| *at < time(before)).map(|at| at.to_string()).collect()
}

// Paris: on 2026-03-29 the clock leaps from 02:00 to 03:00 (01:00 UTC), on 2026-10-25 it goes back from 03:00 to 02:00 (01:00 UTC).

#[test]
fn a_minute_that_the_clock_leaps_over_is_when_it_leaps() {
    let night =
        |expression| slots(expression, "Europe/Paris", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
    assert_eq!(night("30 2 * * *"), ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    // Several that are leapt over together are one, and that of the hour after is the same instant.
    assert_eq!(
        night("0,20,40 2,3 29 3 *"),
        ["2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z",]
    );
}

#[test]
fn a_minute_that_comes_twice_is_the_first_one() {
    let night = |expression, after| slots(expression, "Europe/Paris", after, "2026-10-26T12:00:00Z");
    let once = ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
    assert_eq!(night("30 2 * * *", "2026-10-24T12:00:00Z"), once);
    // Asked between the two, it is not offered again.
    for between in
        ["2026-10-25T00:30:00Z", "2026-10-25T00:59:59Z", "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z"]
    {
        assert_eq!(night("30 2 * * *", between), ["2026-10-26T01:30:00Z"], "{between}");
    }
    // The hour that comes again has no slots: what runs by the local clock runs once for each of its minutes.
    let quarters = slots("*/30 * * * *", "Europe/Paris", "2026-10-24T23:30:00Z", "2026-10-25T02:45:00Z");
    assert_eq!(
        quarters,
        ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z", "2026-10-25T02:30:00Z",]
    );
}

#[test]
fn clocks_that_are_put_by_half_an_hour_or_a_whole_day() {
    // Lord Howe: from 02:00 to 02:30 on 2026-10-04 (15:30 UTC the day before).
    let half = slots("15 2 * * *", "Australia/Lord_Howe", "2026-10-02T16:00:00Z", "2026-10-04T16:00:00Z");
    assert_eq!(half, ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]);
    // Apia had no 2011-12-30: the day's slots are the instant at which it was left out.
    let day = slots("0 6,18 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", "2012-06-01T00:00:00Z");
    assert_eq!(day, ["2011-12-30T10:00:00Z"]);
}

#[test]
fn slots_rise_through_every_change_of_a_decade() {
    for zone in
        ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"]
    {
        let slots = slots("7,37 1,2,3 * * *", zone, "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z");
        assert!(slots.is_sorted_by(|a, b| a < b), "{zone}");
        // Six a day for 3,653 days, less what a leap swallows.
        assert!((21_850..=21_918).contains(&slots.len()), "{zone}: {}", slots.len());
    }
}

#[test]
fn zones_have_names_and_nothing_else() {
    for (name, kept) in [("Europe/Paris", "Europe/Paris"), ("UTC", "UTC"), ("Etc/GMT+5", "Etc/GMT+5")] {
        assert_eq!(name.parse::<Zone>().map(|zone| zone.to_string()), Ok(kept.to_owned()));
    }
    for name in ["", "Europe/Atlantis", "../etc/passwd", "/etc/localtime", "Europe/Paris\n", &"A".repeat(65)]
    {
        assert_eq!(name.parse::<Zone>(), Err(InvalidZone), "{name:?}");
    }
}
