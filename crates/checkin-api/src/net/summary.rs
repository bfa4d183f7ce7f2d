use std::fmt::Write as _;

/// Most bytes of the short summary: what fits into one text message of a mesh, with the sender's name before it.
///
/// LoRa frames leave some 160 bytes to a MeshCore text, of which the name takes up to 32. Choice: CI-59.
pub const MAX_MESH_BYTES: usize = 130;

/// What there is to say about a week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeekInNumbers<'a> {
    /// The net's name, or the channel's.
    pub title: &'a str,
    /// The name of the week, as its date.
    pub week: &'a str,
    /// How many people were there.
    pub people: u64,
    /// How many of them for the first time.
    pub first_timers: u64,
    /// How many of them had been there before.
    pub returning: u64,
    /// Who of them has been there for the most weeks in a row, and for how many, where it is more than one.
    pub longest: Option<(&'a str, u32)>,
}

impl WeekInNumbers<'_> {
    /// One line that is ready to paste.
    #[must_use]
    pub fn summary(&self) -> String {
        let title = plain(self.title);
        let mut text = format!("{title}, {}: {}", self.week, format_args!("{} checked in", self.people));
        if self.people > 0 {
            let firsts = counted(self.first_timers, "first-timer", "first-timers");
            let _ = write!(text, ", {firsts}, {} returning", self.returning);
        }
        text.push('.');
        if let Some((name, weeks)) = self.longest {
            let _ =
                write!(text, " Longest streak: {}, {}.", plain(name), counted(weeks.into(), "week", "weeks"));
        }
        text
    }

    /// The same in at most [`MAX_MESH_BYTES`] bytes: names are cut, and what does not fit is left out.
    #[must_use]
    pub fn mesh(&self) -> String {
        let title = cut(&plain(self.title), 40);
        let mut text = format!("{title} {}: {} in", self.week, self.people);
        if self.people > 0 {
            let _ = write!(text, ", {} new, {} back", self.first_timers, self.returning);
        }
        if let Some((name, weeks)) = self.longest {
            let (before, after) = (", best ", format!(" {weeks}w"));
            let room = MAX_MESH_BYTES.saturating_sub(text.len() + before.len() + after.len());
            let name = cut(&plain(name), room.min(32));
            if !name.is_empty() {
                let _ = write!(text, "{before}{name}{after}");
            }
        }
        cut(&text, MAX_MESH_BYTES)
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The text on one line and in its own direction: without control characters, line breaks and the marks that turn the
/// direction of what follows. Names come from anyone with a radio, and a paste must not run on.
#[must_use]
pub fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    text.chars().filter(|c| !c.is_control() && !turns(*c)).collect::<String>().trim().to_owned()
}

/// The text, of which at most `bytes` bytes are kept, an ellipsis where some are not.
fn cut(text: &str, bytes: usize) -> String {
    const ELLIPSIS: char = '…';
    if text.len() <= bytes {
        return text.to_owned();
    }
    let room = bytes.saturating_sub(ELLIPSIS.len_utf8());
    let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let kept = text.get(..end).unwrap_or_default();
    if kept.is_empty() { String::new() } else { format!("{}{ELLIPSIS}", kept.trim_end()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: WeekInNumbers<'_> = WeekInNumbers {
        title: "mesh-monday",
        week: "2025-03-03",
        people: 42,
        first_timers: 3,
        returning: 39,
        longest: Some(("HOWL", 17)),
    };

    #[test]
    fn a_week_is_summed_up() {
        assert_eq!(
            WEEK.summary(),
            "mesh-monday, 2025-03-03: 42 checked in, 3 first-timers, 39 returning. Longest streak: HOWL, 17 weeks."
        );
        assert_eq!(WEEK.mesh(), "mesh-monday 2025-03-03: 42 in, 3 new, 39 back, best HOWL 17w");
    }

    #[test]
    fn an_empty_week_says_so() {
        let empty = WeekInNumbers { people: 0, first_timers: 0, returning: 0, longest: None, ..WEEK };
        assert_eq!(empty.summary(), "mesh-monday, 2025-03-03: 0 checked in.");
        assert_eq!(empty.mesh(), "mesh-monday 2025-03-03: 0 in");
    }

    #[test]
    fn one_of_each_is_singular() {
        let one = WeekInNumbers { people: 1, first_timers: 1, returning: 0, longest: None, ..WEEK };
        assert_eq!(one.summary(), "mesh-monday, 2025-03-03: 1 checked in, 1 first-timer, 0 returning.");
    }

    #[test]
    fn names_cannot_break_the_line_or_turn_its_direction() {
        let week = WeekInNumbers { longest: Some(("A\r\nB\u{202e}C\u{2066}\u{0}", 2)), ..WEEK };
        assert!(week.summary().ends_with("Longest streak: ABC, 2 weeks."), "{}", week.summary());
        assert!(week.mesh().ends_with("best ABC 2w"), "{}", week.mesh());
    }

    #[test]
    fn the_short_form_fits_whatever_the_names() {
        let (long, radio) = ("ש".repeat(64), "📻".repeat(40));
        for (title, name) in [(long.as_str(), radio.as_str()), ("a", "\u{202e}"), ("#", "x"), (&radio, &long)]
        {
            let week = WeekInNumbers {
                title,
                people: u64::MAX,
                first_timers: u64::MAX,
                returning: u64::MAX,
                longest: Some((name, u32::MAX)),
                ..WEEK
            };
            let text = week.mesh();
            assert!(text.len() <= MAX_MESH_BYTES, "{} bytes: {text}", text.len());
        }
        let week = WeekInNumbers { longest: Some((&radio, 9)), ..WEEK };
        assert!(week.mesh().ends_with("best 📻📻📻📻📻📻📻… 9w"), "{}", week.mesh());
    }
}
