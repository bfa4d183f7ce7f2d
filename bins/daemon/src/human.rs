//! Durations and byte counts as people write and read them.

use std::time::Duration;

const DURATION_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

const SIZE_UNITS: [(&str, u64); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
];

/// Reads `60s`, `5m`, `1h30m`, `250ms`, `2d`. A number without a unit is refused: 60 of what?
///
/// # Errors
/// A sentence for the reader when the text is not of this form or overflows.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total: u64 = 0;
    if rest.is_empty() {
        return Err("a duration is empty".into());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let number: u64 = number.parse().map_err(|_| format!("`{text}` is not a duration"))?;
        let unit_millis = match DURATION_UNITS.iter().find(|(name, _)| *name == unit) {
            Some((_, millis)) => *millis,
            None if unit.is_empty() => return Err(format!("`{text}` has no unit")),
            None => return Err(format!("`{unit}` is not a unit of time")),
        };
        total = number
            .checked_mul(unit_millis)
            .and_then(|millis| total.checked_add(millis))
            .ok_or_else(|| format!("`{text}` is too long a time"))?;
        rest = tail.trim_start();
    }
    Ok(Duration::from_millis(total))
}

/// Writes the shortest exact form that [`parse_duration`] reads back, in milliseconds: `1h30m`, `250ms`, `0s`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".into();
    }
    let mut text = String::new();
    for (unit, millis) in DURATION_UNITS {
        if rest >= millis {
            text.push_str(&format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    text
}

/// Writes a duration for a table or a status line, in at most two units: `3d 4h`, `12m 5s`, `850ms`.
#[must_use]
pub fn about(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    for (index, (unit, size)) in DURATION_UNITS.iter().enumerate() {
        if millis < *size {
            continue;
        }
        let lower = DURATION_UNITS.get(index + 1).filter(|(name, _)| *name != "ms");
        return match lower.map(|(name, lower)| (name, (millis % size) / lower)) {
            Some((name, count)) if count > 0 => format!("{}{unit} {count}{name}", millis / size),
            _ => format!("{}{unit}", millis / size),
        };
    }
    "0s".into()
}

/// Reads `65536`, `64KiB`, `64 KiB`, `10MB`. KiB, MiB, GiB are powers of 1024; kB, MB, GB of 1000.
///
/// # Errors
/// A sentence for the reader when the text is not of this form or overflows.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| format!("`{text}` is not a size"))?;
    let unit = unit.trim();
    let factor = match SIZE_UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() => 1,
        None => return Err(format!("`{unit}` is not a unit of size")),
    };
    number.checked_mul(factor).ok_or_else(|| format!("`{text}` is too large"))
}

/// Writes a size exactly, in the largest unit of 1024 that divides it: `64KiB`, `1500B`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    for (unit, factor) in SIZE_UNITS.iter().take(3) {
        if bytes >= *factor && bytes.is_multiple_of(*factor) {
            return format!("{}{unit}", bytes / factor);
        }
    }
    format!("{bytes}B")
}

/// Writes a size for a table, rounded to three figures: `1.46 KiB`, `12.0 MiB`.
#[must_use]
pub fn about_bytes(bytes: u64) -> String {
    for (unit, factor) in SIZE_UNITS.iter().take(3) {
        if bytes < *factor {
            continue;
        }
        let whole = bytes / factor;
        // Hundredths by integer arithmetic: no rounding surprise at any size.
        let hundredths = (bytes % factor) * 100 / factor;
        return match whole {
            0..=9 => format!("{whole}.{hundredths:02} {unit}"),
            10..=99 => format!("{whole}.{} {unit}", hundredths / 10),
            _ => format!("{whole} {unit}"),
        };
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read() {
        let table = [
            ("60s", 60_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("250ms", 250),
            ("2d", 172_800_000),
            ("0", 0),
        ];
        for (text, millis) in table {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn wrong_durations_are_refused_in_words() {
        let table = [
            ("", "a duration is empty"),
            ("60", "`60` has no unit"),
            ("s", "`s` is not a duration"),
            ("5 minutes", "`5 minutes` has no unit"),
            ("5min", "`min` is not a unit of time"),
            ("-5s", "`-5s` is not a duration"),
            ("99999999999999999999s", "`99999999999999999999s` is not a duration"),
            ("9999999999999999d", "`9999999999999999d` is too long a time"),
        ];
        for (text, message) in table {
            assert_eq!(parse_duration(text), Err(message.into()), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_and_refused() {
        assert_eq!(parse_bytes("65536"), Ok(65_536));
        assert_eq!(parse_bytes("64 KiB"), Ok(65_536));
        assert_eq!(parse_bytes("10MB"), Ok(10_000_000));
        assert_eq!(parse_bytes("64k"), Err("`k` is not a unit of size".into()));
        assert_eq!(parse_bytes("KiB"), Err("`KiB` is not a size".into()));
        assert_eq!(parse_bytes("99999999999GiB"), Err("`99999999999GiB` is too large".into()));
    }

    #[test]
    fn tables_show_round_values() {
        assert_eq!(about(Duration::from_secs(3 * 86_400 + 4 * 3_600 + 5)), "3d 4h");
        assert_eq!(about(Duration::from_millis(12_345)), "12s");
        assert_eq!(about(Duration::from_millis(850)), "850ms");
        assert_eq!(about(Duration::ZERO), "0s");
        assert_eq!(about_bytes(1_500), "1.46 KiB");
        assert_eq!(about_bytes(12 << 20), "12.0 MiB");
        assert_eq!(about_bytes(999), "999 B");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in 0..u64::MAX / 2, size: u64) {
            let time = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&duration(time)), Ok(time));
            prop_assert_eq!(parse_bytes(&bytes(size)), Ok(size));
        }

        #[test]
        fn no_text_makes_a_reader_panic(text: String) {
            let _ = (parse_duration(&text), parse_bytes(&text));
        }
    }
}
