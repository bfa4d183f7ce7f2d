use serde::{Deserialize, Serialize};

/// How steadily a person was there.
///
/// Choice: CI-57.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Streaks {
    /// Weeks in which the person was there.
    pub weeks: u32,
    /// Weeks in a row up to the present one. While a week is open, whoever has not been there yet keeps what the week before gave.
    pub current: u32,
    /// The most weeks in a row that ever were.
    pub longest: u32,
}

/// The streaks of a person who was there in the weeks with these numbers.
///
/// Weeks are numbered from 0 in their order, and only those are that were held, in which somebody was there: a holiday
/// breaks no streak. `attended` ascends; a number that stands twice counts once, one of `held` or more not at all. `open` says that
/// the last week is not over.
#[must_use]
pub fn streaks(attended: impl IntoIterator<Item = u32>, held: u32, open: bool) -> Streaks {
    let mut streaks = Streaks::default();
    let mut run = 0;
    let mut last = None;
    for number in attended.into_iter().filter(|number| *number < held) {
        if last == Some(number) {
            continue;
        }
        let follows = last.is_some_and(|last: u32| last.checked_add(1) == Some(number));
        run = if follows { run + 1 } else { 1 };
        last = Some(number);
        streaks.weeks += 1;
        streaks.longest = streaks.longest.max(run);
    }
    // The number of the oldest week that may be the last one without breaking the streak, counted from the end.
    let grace = if open { 2 } else { 1 };
    if last.is_some_and(|last| held - last <= grace) {
        streaks.current = run;
    }
    streaks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(attended: &[u32], held: u32, open: bool) -> (u32, u32, u32) {
        let Streaks { weeks, current, longest } = streaks(attended.iter().copied(), held, open);
        (weeks, current, longest)
    }

    #[test]
    fn weeks_in_a_row_are_counted() {
        assert_eq!(of(&[], 0, false), (0, 0, 0));
        assert_eq!(of(&[0], 1, false), (1, 1, 1));
        assert_eq!(of(&[0, 1, 2, 4, 5], 6, false), (5, 2, 3));
        assert_eq!(of(&[0, 1, 2], 4, false), (3, 0, 3));
        assert_eq!(of(&[1, 1, 2, 2, 2], 3, false), (2, 2, 2));
    }

    #[test]
    fn a_week_that_is_still_open_breaks_no_streak() {
        assert_eq!(of(&[0, 1, 2], 4, true), (3, 3, 3));
        assert_eq!(of(&[0, 1, 2, 3], 4, true), (4, 4, 4));
        assert_eq!(of(&[0, 1], 4, true), (2, 0, 2));
        assert_eq!(of(&[0], 1, true), (1, 1, 1));
    }

    #[test]
    fn weeks_that_were_not_held_do_not_count() {
        assert_eq!(of(&[0, 7, u32::MAX], 1, false), (1, 1, 1));
    }
}
