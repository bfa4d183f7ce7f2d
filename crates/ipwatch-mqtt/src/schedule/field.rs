//! One field of a cron expression, as the set of the numbers that match.

use super::InvalidCron;

/// What may stand in a field.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) least: u8,
    pub(super) most: u8,
    /// Names, from the one of the least number on.
    pub(super) names: &'static [&'static str],
}

pub(super) const MINUTE: Kind = Kind { name: "minute", least: 0, most: 59, names: &[] };
pub(super) const HOUR: Kind = Kind { name: "hour", least: 0, most: 23, names: &[] };
pub(super) const DAY: Kind = Kind { name: "day of the month", least: 1, most: 31, names: &[] };
pub(super) const MONTH: Kind = Kind {
    name: "month",
    least: 1,
    most: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// 7 is Sunday too.
pub(super) const WEEKDAY: Kind = Kind {
    name: "day of the week",
    least: 0,
    most: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/// The numbers that match, one bit each, and whether the field restricts anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Field {
    bits: u64,
    /// Whether it begins with a star: then a day field leaves the choice to the other one.
    pub(super) starred: bool,
}

impl Field {
    pub(super) const fn has(self, number: u8) -> bool {
        number < 64 && self.bits >> number & 1 == 1
    }

    /// The least number that matches and is not below this one.
    pub(super) fn from(self, least: u8) -> Option<u8> {
        let rest = if least < 64 { self.bits >> least << least } else { 0 };
        (rest != 0).then(|| u8::try_from(rest.trailing_zeros()).unwrap_or(u8::MAX))
    }

    /// Reads `*`, `5`, `1-5`, `*/15`, `10-50/10`, `5/15`, names where there are any, and lists of all these.
    pub(super) fn read(text: &str, kind: &Kind) -> Result<Self, InvalidCron> {
        let mut bits = 0;
        for item in text.split(',') {
            bits |= read_item(item, kind)?;
        }
        if kind.name == WEEKDAY.name && bits >> 7 & 1 == 1 {
            bits = bits & !(1 << 7) | 1;
        }
        Ok(Self { bits, starred: text.starts_with('*') })
    }
}

fn read_item(item: &str, kind: &Kind) -> Result<u64, InvalidCron> {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(read_step(step, kind)?)),
        None => (item, None),
    };
    let (first, last) = match range.split_once('-') {
        _ if range == "*" => (kind.least, kind.most),
        Some((first, last)) => (read_number(first, kind)?, read_number(last, kind)?),
        None => {
            let first = read_number(range, kind)?;
            (first, if step.is_some() { kind.most } else { first })
        }
    };
    if first > last {
        return Err(InvalidCron::field(kind.name, format!("{range} runs backwards")));
    }
    let step = usize::from(step.unwrap_or(1));
    Ok((first..=last).step_by(step).fold(0, |bits, number| bits | 1 << number))
}

fn read_step(text: &str, kind: &Kind) -> Result<u8, InvalidCron> {
    let step = digits(text).filter(|step| (1..=kind.most.max(1)).contains(step));
    step.ok_or_else(|| InvalidCron::field(kind.name, format!("/{} is no step", shown(text))))
}

fn read_number(text: &str, kind: &Kind) -> Result<u8, InvalidCron> {
    let named = kind.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let number = match named.and_then(|at| u8::try_from(at).ok()) {
        Some(at) => Some(kind.least.saturating_add(at)),
        None => digits(text),
    };
    number.filter(|number| (kind.least..=kind.most).contains(number)).ok_or_else(|| {
        InvalidCron::field(kind.name, format!("{} is not in {}-{}", shown(text), kind.least, kind.most))
    })
}

/// One or two digits: no sign, no blank, nothing that another reader could take differently.
fn digits(text: &str) -> Option<u8> {
    let plain = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Somebody else's words in ours: short, and without what a terminal would obey.
fn shown(text: &str) -> String {
    let text: String = text.chars().take(16).map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("\"{text}\"")
}
