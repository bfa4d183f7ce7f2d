use checkin_api::net::{IsoWeeks, Moment, Net, Schedule, Week, zone_named};
use jiff::Timestamp;

use crate::{net, whole_day};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The week of a check-in with that timestamp, as its date. The receiver's clock is long past.
fn week_of(net: &Net, text: &str) -> Option<String> {
    let moment = Moment::of(&checkin_api::Timestamp::new(text), at("2026-01-01T00:00:00Z"));
    net.week_of(moment, "").map(|week| week.to_string())
}

fn expect(net: &Net, cases: &[(&str, Option<&str>)]) {
    for (text, week) in cases {
        assert_eq!(week_of(net, text).as_deref(), *week, "{text}");
    }
}

/// Opening and closing of the week in UTC.
fn span(net: &Net, week: &str) -> (String, String) {
    let span = net.span(week.parse().unwrap()).unwrap();
    (span.opens.to_string(), span.closes.to_string())
}

fn utc(opens: &str, closes: &str) -> (String, String) {
    (opens.to_owned(), closes.to_owned())
}

#[test]
fn the_documents_example_counts_for_its_monday() {
    expect(
        &whole_day("monday", "America/Denver"),
        &[
            ("2025-03-03T14:30:00-07:00", Some("2025-03-03")),
            // The same instant in another bot's zone.
            ("2025-03-04T06:30:00+09:00", Some("2025-03-03")),
            ("2025-03-03T00:00:00-07:00", Some("2025-03-03")),
            ("2025-03-03T23:59:59.999999-07:00", Some("2025-03-03")),
            ("2025-03-04T00:00:00-07:00", None),
            ("2025-03-02T23:59:59-07:00", None),
            // Without an offset it is the net's own clock.
            ("2025-03-03T23:59:59", Some("2025-03-03")),
            ("2025-03-04T00:00:00", None),
        ],
    );
}

#[test]
fn a_timestamp_that_is_no_date_counts_when_it_was_received() {
    let net = whole_day("monday", "America/Denver");
    let received = |text, at| {
        net.week_of(Moment::of(&checkin_api::Timestamp::new(text), at), "").map(|week| week.to_string())
    };
    for text in ["", "last Monday", "2025-02-30T12:00:00Z", "9999-12-31T23:59:59-25:00"] {
        assert_eq!(received(text, at("2025-03-04T06:59:59Z")).as_deref(), Some("2025-03-03"), "{text}");
        assert_eq!(received(text, at("2025-03-04T07:00:00Z")), None, "{text}");
    }
    // A date is believed, whatever the receiver's clock says.
    assert_eq!(
        received("2025-03-03T23:59:59-07:00", at("2025-03-05T09:00:00Z")).as_deref(),
        Some("2025-03-03")
    );
}

#[test]
fn a_window_past_midnight_belongs_to_the_day_on_which_it_opened() {
    let net = net("monday", "20:00", "02:00", "Europe/Zurich");
    expect(
        &net,
        &[
            ("2025-06-02T19:59:59+02:00", None),
            ("2025-06-02T20:00:00+02:00", Some("2025-06-02")),
            ("2025-06-03T01:59:59+02:00", Some("2025-06-02")),
            ("2025-06-03T02:00:00+02:00", None),
            ("2025-06-03T01:00:00", Some("2025-06-02")),
            ("2025-06-02T01:00:00", None),
        ],
    );
}

#[test]
fn days_of_23_and_25_hours_are_whole_days() {
    let net = whole_day("sunday", "America/Denver");
    assert_eq!(span(&net, "2025-03-09"), utc("2025-03-09T07:00:00Z", "2025-03-10T06:00:00Z"));
    assert_eq!(span(&net, "2025-11-02"), utc("2025-11-02T06:00:00Z", "2025-11-03T07:00:00Z"));
    expect(
        &net,
        &[
            ("2025-03-09T23:30:00-06:00", Some("2025-03-09")),
            ("2025-03-10T00:00:00-06:00", None),
            ("2025-11-02T00:00:00-06:00", Some("2025-11-02")),
            ("2025-11-02T23:30:00-07:00", Some("2025-11-02")),
            ("2025-11-03T00:00:00-07:00", None),
        ],
    );
}

#[test]
fn a_repeated_hour_counts_both_times() {
    let net = net("saturday", "20:00", "01:30", "America/Denver");
    assert_eq!(span(&net, "2025-11-01"), utc("2025-11-02T02:00:00Z", "2025-11-02T08:30:00Z"));
    expect(
        &net,
        &[
            ("2025-11-02T01:29:59-06:00", Some("2025-11-01")),
            ("2025-11-02T01:29:59-07:00", Some("2025-11-01")),
            ("2025-11-02T01:30:00-07:00", None),
            ("2025-11-02T01:15:00", Some("2025-11-01")),
        ],
    );
}

#[test]
fn a_skipped_time_is_the_moment_of_the_jump() {
    let closes_late = net("saturday", "20:00", "02:30", "America/Denver");
    assert_eq!(span(&closes_late, "2025-03-08"), utc("2025-03-09T03:00:00Z", "2025-03-09T09:00:00Z"));
    expect(
        &closes_late,
        &[("2025-03-09T01:59:59-07:00", Some("2025-03-08")), ("2025-03-09T03:00:00-06:00", None)],
    );
    let opens_early = net("sunday", "02:30", "04:00", "America/Denver");
    expect(
        &opens_early,
        &[("2025-03-09T03:00:00-06:00", Some("2025-03-09")), ("2025-03-09T01:59:59-07:00", None)],
    );
    // The whole window is skipped: nobody can be in it, and no other week gets them.
    let skipped = net("sunday", "02:10", "02:50", "America/Denver");
    assert_eq!(span(&skipped, "2025-03-09"), utc("2025-03-09T09:00:00Z", "2025-03-09T09:00:00Z"));
    expect(
        &skipped,
        &[("2025-03-09T03:00:00-06:00", None), ("2025-03-16T02:30:00-06:00", Some("2025-03-16"))],
    );
}

#[test]
fn midnight_may_be_skipped_or_come_twice() {
    // Cuba changes at midnight: 00:00 to 01:00 in spring, 01:00 back to 00:00 in autumn.
    let (saturday, sunday) = (whole_day("saturday", "America/Havana"), whole_day("sunday", "America/Havana"));
    assert_eq!(span(&saturday, "2025-03-08"), utc("2025-03-08T05:00:00Z", "2025-03-09T05:00:00Z"));
    assert_eq!(span(&sunday, "2025-03-09"), utc("2025-03-09T05:00:00Z", "2025-03-10T04:00:00Z"));
    assert_eq!(span(&saturday, "2025-11-01"), utc("2025-11-01T04:00:00Z", "2025-11-02T04:00:00Z"));
    assert_eq!(span(&sunday, "2025-11-02"), utc("2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"));
    // Chile, in the other hemisphere, goes forward in September.
    assert_eq!(
        span(&whole_day("sunday", "America/Santiago"), "2024-09-08"),
        utc("2024-09-08T04:00:00Z", "2024-09-09T03:00:00Z")
    );
}

#[test]
fn half_an_hour_of_summer_time() {
    // Lord Howe Island goes back from 02:00 to 01:30.
    let net = net("saturday", "20:00", "01:45", "Australia/Lord_Howe");
    assert_eq!(span(&net, "2025-04-05"), utc("2025-04-05T09:00:00Z", "2025-04-05T15:15:00Z"));
    assert_eq!(span(&net, "2025-04-12"), utc("2025-04-12T09:30:00Z", "2025-04-12T15:15:00Z"));
}

#[test]
fn zones_at_the_edge_of_the_date() {
    expect(&whole_day("monday", "Pacific/Kiritimati"), &[("2025-03-02T10:00:00Z", Some("2025-03-03"))]);
    expect(&whole_day("sunday", "Pacific/Niue"), &[("2025-03-03T10:59:59Z", Some("2025-03-02"))]);
    // Samoa had no 2011-12-30, a Friday.
    let friday = whole_day("friday", "Pacific/Apia");
    assert_eq!(span(&friday, "2011-12-30"), utc("2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"));
    expect(&whole_day("saturday", "Pacific/Apia"), &[("2011-12-30T10:00:00Z", Some("2011-12-31"))]);
}

#[test]
fn the_current_week_is_the_last_that_opened() {
    let net = net("monday", "20:00", "02:00", "Europe/Zurich");
    for (now, week, open) in [
        ("2025-06-02T19:59:59+02:00", "2025-05-26", false),
        ("2025-06-02T20:00:00+02:00", "2025-06-02", true),
        ("2025-06-03T01:59:59+02:00", "2025-06-02", true),
        ("2025-06-03T02:00:00+02:00", "2025-06-02", false),
        ("2025-06-08T23:59:59+02:00", "2025-06-02", false),
    ] {
        let current = net.current(at(now)).unwrap();
        assert_eq!(current.to_string(), week, "{now}");
        assert_eq!(net.span(current).unwrap().is_open(at(now)), open, "{now}");
    }
}

#[test]
fn a_date_of_another_day_is_no_week() {
    let tuesday: Week = "2025-03-04".parse().unwrap();
    assert_eq!(whole_day("monday", "UTC").span(tuesday), None);
    assert_eq!(IsoWeeks::new(zone_named("UTC").unwrap()).span(tuesday), None);
}

#[test]
fn iso_weeks_are_named_and_found() {
    for (name, monday) in [("2025-W10", "2025-03-03"), ("2025-W01", "2024-12-30"), ("2020-W53", "2020-12-28")]
    {
        let week = IsoWeeks::parse(name).unwrap();
        assert_eq!((week.to_string(), IsoWeeks::name(week)), (monday.to_owned(), name.to_owned()));
    }
    for text in ["", "2025-W54", "2025-W00", "2025-10", "2025-W1", "25-W10", "2025-W+1", "2025-W10 "] {
        assert!(IsoWeeks::parse(text).is_err(), "{text}");
    }
    let weeks = IsoWeeks::new(zone_named("Asia/Kolkata").unwrap());
    let of = |text| weeks.week_of(Moment::Instant(at(text))).map(IsoWeeks::name);
    assert_eq!(of("2025-03-02T18:29:59Z").as_deref(), Some("2025-W09"));
    assert_eq!(of("2025-03-02T18:30:00Z").as_deref(), Some("2025-W10"));
}

#[test]
fn the_ends_of_the_calendar_are_no_trap() {
    for zone in ["UTC", "Pacific/Kiritimati", "America/Denver"] {
        for day in ["monday", "friday", "saturday", "sunday"] {
            let net = net(day, "20:00", "02:00", zone);
            for instant in [Timestamp::MIN, Timestamp::MAX] {
                // Whatever the answer, it is one.
                let _ = net.week_of(Moment::Instant(instant), "");
                let _ = net.current(instant);
            }
            for date in [jiff::civil::Date::MIN, jiff::civil::Date::MAX] {
                let week = Week::of_date(date);
                let _ = (net.span(week), week.before(), week.after());
            }
        }
    }
}
