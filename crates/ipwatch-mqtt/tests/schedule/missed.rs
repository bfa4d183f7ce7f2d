//! What was missed: the rule, and that no slot is run twice.

use std::time::Duration;

use ipwatch_mqtt::schedule::{DEFAULT_GRACE, Due, Plan, Zone};
use jiff::Timestamp;

use crate::time;

fn plan(expression: &str, settled: &str) -> Plan {
    Plan::new(expression.parse().unwrap(), Zone::utc(), DEFAULT_GRACE, time(settled))
}

fn due(run: Option<&str>, missed: u32, settles: &str) -> Option<Due> {
    Some(Due { run: run.map(time), missed, settles: time(settles) })
}

#[test]
fn a_slot_is_run_when_it_comes_and_until_five_minutes_after() {
    let plan = plan("0 22 * * *", "2026-01-31T12:00:00Z");
    assert_eq!(plan.next(), Some(time("2026-01-31T22:00:00Z")));
    assert_eq!(plan.due(time("2026-01-31T21:59:59.999Z")), None);
    for now in ["2026-01-31T22:00:00Z", "2026-01-31T22:00:01Z", "2026-01-31T22:05:00Z"] {
        let slot = "2026-01-31T22:00:00Z";
        assert_eq!(plan.due(time(now)), due(Some(slot), 0, slot), "{now}");
    }
    let late = "2026-01-31T22:05:00.000000001Z";
    assert_eq!(plan.due(time(late)), due(None, 1, late));
}

#[test]
fn of_several_only_the_newest_is_run_and_the_others_are_missed() {
    let plan = plan("*/10 * * * *", "2026-01-31T12:00:00Z");
    assert_eq!(
        plan.due(time("2026-01-31T12:42:00Z")),
        due(Some("2026-01-31T12:40:00Z"), 3, "2026-01-31T12:40:00Z")
    );
    assert_eq!(plan.due(time("2026-01-31T12:48:00Z")), due(None, 4, "2026-01-31T12:48:00Z"));
    let minutes = self::plan("* * * * *", "2026-01-31T12:00:00Z");
    assert_eq!(
        minutes.due(time("2026-01-31T12:03:30Z")),
        due(Some("2026-01-31T12:03:00Z"), 2, "2026-01-31T12:03:00Z")
    );
}

#[test]
fn years_of_absence_are_counted_up_to_a_thousand() {
    let plan = plan("* * * * *", "2020-01-01T00:00:00Z");
    assert_eq!(
        plan.due(time("2026-01-31T12:00:30Z")),
        due(Some("2026-01-31T12:00:00Z"), 1000, "2026-01-31T12:00:00Z")
    );
    let hourly = self::plan("30 * * * *", "2020-01-01T00:00:00Z");
    assert_eq!(hourly.due(time("2026-01-31T12:00:00Z")), due(None, 1000, "2026-01-31T12:00:00Z"));
}

#[test]
fn what_is_settled_is_never_due_again_even_when_the_clock_is_set_back() {
    let mut plan = plan("*/10 * * * *", "2026-01-31T12:00:00Z");
    let mut run: Vec<Timestamp> = Vec::new();
    // Ticks of a clock that is put back by half an hour in between, and a restart at every tick.
    let clock = (0..240).map(|tick| if tick < 120 { tick } else { tick - 60 });
    for tick in clock {
        let now = time("2026-01-31T12:00:00Z") + Duration::from_secs(30 * tick);
        if let Some(due) = plan.due(now) {
            run.extend(due.run);
            plan.settle(due.settles);
            plan = self::plan("*/10 * * * *", &plan.settled().to_string());
        }
    }
    let expected: Vec<_> =
        (1..=8).map(|slot| time("2026-01-31T12:00:00Z") + Duration::from_secs(600 * slot)).collect();
    assert_eq!(run, expected);
}

#[test]
fn a_long_grace_time_is_a_day_at_most() {
    let expression = "0 22 * * *".parse().unwrap();
    let plan =
        Plan::new(expression, Zone::utc(), Duration::from_secs(1_000_000), time("2026-01-01T00:00:00Z"));
    assert_eq!(
        plan.due(time("2026-01-02T21:00:00Z")),
        due(Some("2026-01-01T22:00:00Z"), 0, "2026-01-01T22:00:00Z")
    );
    assert_eq!(
        plan.due(time("2026-01-10T21:00:00Z")),
        due(Some("2026-01-09T22:00:00Z"), 8, "2026-01-09T22:00:00Z")
    );
}
