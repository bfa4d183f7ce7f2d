use ipwatch_mqtt::schedule::{CronExpression, InvalidCron};
use jiff::tz::TimeZone;

use crate::time;

/// The first slots after an instant, in UTC.
fn slots(expression: &str, after: &str, count: usize) -> Vec<String> {
    let expression: CronExpression = expression.parse().unwrap();
    let mut slots = Vec::new();
    let mut at = time(after);
    for _ in 0..count {
        at = expression.next_after(&TimeZone::UTC, at).unwrap();
        slots.push(at.to_string());
    }
    slots
}

#[test]
fn each_form_of_a_field_means_what_crontab_says() {
    // 2026-01-31 is a Saturday.
    for (expression, expected) in [
        ("* * * * *", ["2026-01-31T10:31:00Z", "2026-01-31T10:32:00Z"]),
        ("*/20 * * * *", ["2026-01-31T10:40:00Z", "2026-01-31T11:00:00Z"]),
        ("5/20 * * * *", ["2026-01-31T10:45:00Z", "2026-01-31T11:05:00Z"]),
        ("10-30/10 10 * * *", ["2026-02-01T10:10:00Z", "2026-02-01T10:20:00Z"]),
        ("0 6,22 * * *", ["2026-01-31T22:00:00Z", "2026-02-01T06:00:00Z"]),
        ("0 22 * * mon-fri", ["2026-02-02T22:00:00Z", "2026-02-03T22:00:00Z"]),
        ("0 0 31 * *", ["2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"]),
        ("0 0 29 FEB *", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
        ("0 0 * * 0", ["2026-02-01T00:00:00Z", "2026-02-08T00:00:00Z"]),
        ("0 0 * * 7", ["2026-02-01T00:00:00Z", "2026-02-08T00:00:00Z"]),
        ("0 0 * * sat,Sun", ["2026-02-01T00:00:00Z", "2026-02-07T00:00:00Z"]),
        ("@hourly", ["2026-01-31T11:00:00Z", "2026-01-31T12:00:00Z"]),
        ("@Weekly", ["2026-02-01T00:00:00Z", "2026-02-08T00:00:00Z"]),
        ("@yearly", ["2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"]),
    ] {
        assert_eq!(slots(expression, "2026-01-31T10:30:00Z", 2), expected, "{expression}");
    }
}

#[test]
fn where_both_days_are_restricted_either_suffices() {
    // The thirteenth, or a Friday.
    let either =
        ["2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z", "2026-02-27T00:00:00Z"];
    assert_eq!(slots("0 0 13 * fri", "2026-01-31T00:00:00Z", 4), either);
    // A day field that begins with a star leaves the choice to the other.
    let both = ["2026-02-13T00:00:00Z", "2026-02-27T00:00:00Z", "2026-03-13T00:00:00Z"];
    assert_eq!(slots("0 0 */2 * fri", "2026-02-07T00:00:00Z", 3), both);
}

#[test]
fn a_slot_is_later_than_the_instant_even_by_a_part_of_a_second() {
    assert_eq!(slots("30 10 * * *", "2026-01-31T10:29:59.999999999Z", 1), ["2026-01-31T10:30:00Z"]);
    assert_eq!(slots("30 10 * * *", "2026-01-31T10:30:00Z", 1), ["2026-02-01T10:30:00Z"]);
    assert_eq!(slots("30 10 * * *", "2026-01-31T10:30:00.5Z", 1), ["2026-02-01T10:30:00Z"]);
    let expression: CronExpression = "* * * * *".parse().unwrap();
    assert_eq!(
        expression.next_after(&TimeZone::UTC, time("9999-12-30T21:59:59Z")).map(|at| at.to_string()),
        Some("9999-12-30T22:00:00Z".to_owned())
    );
    assert_eq!(expression.next_after(&TimeZone::UTC, jiff::Timestamp::MAX), None);
}

#[test]
fn what_is_no_expression_is_refused_with_its_field() {
    for (text, words) in [
        ("60 * * * *", "minute: \"60\" is not in 0-59"),
        ("* 24 * * *", "hour: \"24\" is not in 0-23"),
        ("* * 0 * *", "day of the month: \"0\" is not in 1-31"),
        ("* * * 13 *", "month: \"13\" is not in 1-12"),
        ("* * * * 8", "day of the week: \"8\" is not in 0-7"),
        ("* * * mon *", "month: \"mon\" is not in 1-12"),
        ("30-10 * * * *", "minute: 30-10 runs backwards"),
        ("*/0 * * * *", "minute: /\"0\" is no step"),
        ("*/60 * * * *", "minute: /\"60\" is no step"),
        ("+5 * * * *", "minute: \"+5\" is not in 0-59"),
        ("005 * * * *", "minute: \"005\" is not in 0-59"),
        ("1,,2 * * * *", "minute: \"\" is not in 0-59"),
        ("1-2-3 * * * *", "minute: \"2-3\" is not in 0-59"),
        ("٣ * * * *", "minute: \"٣\" is not in 0-59"),
        ("0 0 30 2 *", "there is no such day"),
        ("0 0 31 4,6,9,11 *", "there is no such day"),
    ] {
        assert_eq!(text.parse::<CronExpression>().unwrap_err().to_string(), words, "{text}");
    }
    for text in ["", "* * * *", "* * * * * *", "@reboot", "0 22 * * * shutdown"] {
        assert_eq!(text.parse::<CronExpression>(), Err(InvalidCron::Shape), "{text}");
    }
    assert_eq!("*".repeat(257).parse::<CronExpression>(), Err(InvalidCron::TooLong));
}

#[test]
fn it_is_kept_with_one_blank_between_its_fields() {
    let expression: CronExpression = "  0\t22  * * MON-fri ".parse().unwrap();
    assert_eq!(expression.as_str(), "0 22 * * MON-fri");
    assert_eq!(serde_json::to_string(&expression).unwrap(), r#""0 22 * * MON-fri""#);
    assert_eq!(serde_json::from_str::<CronExpression>(r#""0 22 * * MON-fri""#).unwrap(), expression);
    let error = serde_json::from_str::<CronExpression>(r#""0 25 * * *""#).unwrap_err();
    assert!(error.to_string().starts_with("hour: \"25\" is not in 0-23"), "{error}");
}
