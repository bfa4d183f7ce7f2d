//! Commands that wait for their answer, and which answer is whose.
//!
//! An answer that repeats the command's id is that command's, or nobody's. An answer without one, as the document has it, is the oldest open
//! command's, unless the machine still owes one: a late answer is never taken for the next command's.
//!
//! Choice: IM-110.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// So long after a command was given up its answer may still come.
const OWED_FOR: Duration = Duration::from_secs(30);

/// Open commands by machine; `A` is whoever waits for an answer.
#[derive(Debug)]
pub(super) struct InFlight<D, A> {
    machines: HashMap<D, Machine<A>>,
}

#[derive(Debug)]
struct Machine<A> {
    open: VecDeque<(String, A)>,
    /// Until when answers to commands that were given up may come.
    owed: VecDeque<Instant>,
}

impl<D, A> Default for InFlight<D, A> {
    fn default() -> Self {
        Self { machines: HashMap::new() }
    }
}

impl<D: Copy + Eq + Hash, A> InFlight<D, A> {
    /// A command goes out.
    pub(super) fn begin(&mut self, machine: D, id: String, waiting: A) {
        let machine = self.machines.entry(machine);
        let machine = machine.or_insert_with(|| Machine { open: VecDeque::new(), owed: VecDeque::new() });
        machine.open.push_back((id, waiting));
    }

    /// An answer came: whoever waits for it, if anybody does.
    pub(super) fn answered(&mut self, machine: D, id: Option<&str>, now: Instant) -> Option<A> {
        let machine = self.machines.get_mut(&machine)?;
        machine.owed.retain(|until| now < *until);
        match id {
            Some(id) => {
                let place = machine.open.iter().position(|(open, _)| open == id)?;
                Some(machine.open.remove(place)?.1)
            }
            None if machine.owed.pop_front().is_some() => None,
            None => Some(machine.open.pop_front()?.1),
        }
    }

    /// Nobody waits for this command's answer any more. `sent` is false when the machine cannot have seen it.
    pub(super) fn give_up(&mut self, device: D, id: &str, sent: bool, now: Instant) {
        let Some(machine) = self.machines.get_mut(&device) else { return };
        let before = machine.open.len();
        machine.open.retain(|(open, _)| open != id);
        if sent && machine.open.len() < before {
            machine.owed.push_back(now + OWED_FOR);
        }
        machine.owed.retain(|until| now < *until);
        if machine.open.is_empty() && machine.owed.is_empty() {
            self.machines.remove(&device);
        }
    }

    /// The machine came back: what it had been told before is gone.
    pub(super) fn came_back(&mut self, machine: D) {
        if let Some(machine) = self.machines.get_mut(&machine) {
            machine.owed.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting() -> (InFlight<u8, &'static str>, Instant) {
        (InFlight::default(), Instant::now())
    }

    #[test]
    fn an_answer_with_an_id_finds_its_command_in_any_order() {
        let (mut all, now) = waiting();
        all.begin(7, "a".into(), "first");
        all.begin(7, "b".into(), "second");
        all.begin(8, "c".into(), "other");
        assert_eq!(all.answered(7, Some("b"), now), Some("second"));
        assert_eq!(all.answered(7, Some("c"), now), None, "another machine's id");
        assert_eq!(all.answered(7, Some("a"), now), Some("first"));
        assert_eq!(all.answered(7, Some("a"), now), None, "twice");
        assert_eq!(all.answered(9, None, now), None, "nobody asked it");
    }

    #[test]
    fn answers_without_an_id_come_in_the_order_of_the_commands() {
        let (mut all, now) = waiting();
        all.begin(7, "a".into(), "first");
        all.begin(7, "b".into(), "second");
        assert_eq!(all.answered(7, None, now), Some("first"));
        assert_eq!(all.answered(7, None, now), Some("second"));
    }

    #[test]
    fn a_late_answer_is_never_the_next_commands() {
        let (mut all, now) = waiting();
        all.begin(7, "a".into(), "first");
        all.give_up(7, "a", true, now);
        all.begin(7, "b".into(), "second");
        assert_eq!(all.answered(7, Some("a"), now), None);
        assert_eq!(all.answered(7, None, now), None, "the late one");
        assert_eq!(all.answered(7, None, now), Some("second"));
    }

    #[test]
    fn a_machine_that_came_back_or_was_never_reached_owes_nothing() {
        let (mut all, now) = waiting();
        all.begin(7, "a".into(), "first");
        all.give_up(7, "a", true, now);
        all.came_back(7);
        all.begin(7, "b".into(), "second");
        assert_eq!(all.answered(7, None, now), Some("second"));
        all.begin(7, "c".into(), "third");
        all.give_up(7, "c", false, now);
        all.begin(7, "d".into(), "fourth");
        assert_eq!(all.answered(7, None, now), Some("fourth"));
        all.begin(7, "e".into(), "fifth");
        all.give_up(7, "e", true, now);
        all.begin(7, "f".into(), "sixth");
        assert_eq!(all.answered(7, None, now + OWED_FOR), Some("sixth"), "long ago");
    }

    #[test]
    fn nothing_is_kept_of_machines_that_owe_nothing() {
        let (mut all, now) = waiting();
        for machine in 0..100 {
            all.begin(machine, "a".into(), "x");
            all.give_up(machine, "a", false, now);
        }
        assert!(all.machines.is_empty());
    }
}
