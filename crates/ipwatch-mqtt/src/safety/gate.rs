use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::memory::Memory;
use super::refusal::Refusal;
use crate::{Command, CommandName};

/// How often a machine may be restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Brake {
    /// So many times …
    pub count: u32,
    /// … within this time.
    pub within: Duration,
}

/// What a machine carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The commands it takes. Default: all.
    pub allowed: BTreeSet<CommandName>,
    /// The oldest command that is carried out, and the furthest ahead, by the machine's clock. Default: 60 s.
    pub age: Duration,
    /// How often it may be restarted. Default: 3 times in 10 minutes.
    pub brake: Brake,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            allowed: CommandName::ALL.into(),
            age: Duration::from_secs(60),
            brake: Brake { count: 3, within: Duration::from_secs(600) },
        }
    }
}

/// The gate: rules, and the memory of what was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    rules: Rules,
    memory: Memory,
}

impl Gate {
    /// A gate with these rules that remembers this.
    #[must_use]
    pub const fn new(rules: Rules, memory: Memory) -> Self {
        Self { rules, memory }
    }

    /// What is remembered, to be stored before a power command that was let through is carried out.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Lets a command through, or says why not. A power command that is let through is remembered from then on; asking for a
    /// status twice harms nobody, and is not.
    ///
    /// # Errors
    /// The first rule that the command breaks.
    pub fn admit(&mut self, command: &Command, now: Timestamp) -> Result<(), Refusal> {
        let name = command.command;
        if !self.rules.allowed.contains(&name) {
            return Err(Refusal::NotAllowed(name));
        }
        let at = command.timestamp.ok_or(Refusal::NoTimestamp)?;
        self.check_age(at, now)?;
        if !name.is_power() {
            return Ok(());
        }
        if self.memory.knows(command, at) {
            return Err(Refusal::Seen);
        }
        if name == CommandName::Reboot {
            self.check_brake(now)?;
        }
        let oldest = now.checked_sub(signed(self.rules.age)).unwrap_or(Timestamp::MIN);
        self.memory.add(command, at, oldest);
        Ok(())
    }

    fn check_age(&self, at: Timestamp, now: Timestamp) -> Result<(), Refusal> {
        let age = now.duration_since(at);
        if age > signed(self.rules.age) {
            return Err(Refusal::TooOld { age: age.unsigned_abs(), most: self.rules.age });
        }
        if -age > signed(self.rules.age) {
            return Err(Refusal::FromFuture { ahead: age.unsigned_abs() });
        }
        Ok(())
    }

    fn check_brake(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let Brake { count, within } = self.rules.brake;
        let most = usize::try_from(count).unwrap_or(usize::MAX);
        if self.memory.restarts(now, signed(within)) >= most {
            return Err(Refusal::Brake { count, within });
        }
        self.memory.add_restart(now, most);
        Ok(())
    }
}

/// As a difference of times; what is too long for one is the longest.
fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::memory::MAX_REMEMBERED;
    use super::*;

    const NOW: &str = "2025-12-23T10:30:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn given(command: CommandName, seconds_ago: i64, id: Option<&str>) -> Command {
        let timestamp = Some(now() - SignedDuration::from_secs(seconds_ago));
        Command { command, timestamp, id: id.map(|id| id.parse().unwrap()) }
    }

    fn gate() -> Gate {
        Gate::new(Rules::default(), Memory::default())
    }

    fn code(result: Result<(), Refusal>) -> &'static str {
        result.map_or_else(|refusal| refusal.code(), |()| "ok")
    }

    /// M2: each age on both sides of the window, for each command.
    #[test]
    fn only_what_was_given_a_moment_ago() {
        for name in CommandName::ALL {
            for (ago, expected) in [
                (0, "ok"),
                (60, "ok"),
                (61, "too_old"),
                (86_400, "too_old"),
                (-60, "ok"),
                (-61, "from_future"),
                (i64::from(i32::MAX), "too_old"),
            ] {
                assert_eq!(code(gate().admit(&given(name, ago, None), now())), expected, "{name} {ago}");
            }
            let bare = Command { command: name, timestamp: None, id: Some("a".parse().unwrap()) };
            assert_eq!(code(gate().admit(&bare, now())), "no_timestamp");
        }
    }

    #[test]
    fn only_what_is_allowed() {
        let rules = Rules { allowed: [CommandName::Status].into(), ..Rules::default() };
        let mut gate = Gate::new(rules, Memory::default());
        assert_eq!(code(gate.admit(&given(CommandName::Status, 0, None), now())), "ok");
        assert_eq!(code(gate.admit(&given(CommandName::Reboot, 0, None), now())), "not_allowed");
        assert_eq!(gate.memory(), &Memory::default());
    }

    /// M2: with id or without, a power command passes once, and once over a restart of the agent.
    #[test]
    fn nothing_passes_twice() {
        for id in [None, Some("a-1")] {
            let command = given(CommandName::Shutdown, 1, id);
            let mut gate = gate();
            assert_eq!(code(gate.admit(&command, now())), "ok");
            let stored = Memory::decode(&gate.memory().encode()).unwrap();
            assert_eq!(&stored, gate.memory());
            let mut again = Gate::new(Rules::default(), stored);
            for gate in [&mut gate, &mut again] {
                for _ in 0..1000 {
                    assert_eq!(code(gate.admit(&command, now())), "seen");
                }
            }
        }
        let status = given(CommandName::Status, 0, Some("a-1"));
        let mut gate = gate();
        assert_eq!([code(gate.admit(&status, now())), code(gate.admit(&status, now()))], ["ok", "ok"]);
    }

    /// The same id is the same command, whatever else it says; other ids are others in the same second.
    #[test]
    fn an_id_names_a_command() {
        let mut gate = gate();
        assert_eq!(code(gate.admit(&given(CommandName::Shutdown, 3, Some("a")), now())), "ok");
        assert_eq!(code(gate.admit(&given(CommandName::Shutdown, 3, Some("b")), now())), "ok");
        assert_eq!(code(gate.admit(&given(CommandName::Shutdown, 3, None), now())), "ok");
        assert_eq!(code(gate.admit(&given(CommandName::Reboot, 1, Some("a")), now())), "seen");
    }

    /// The clock is set back by an hour, after the command was forgotten: it does not pass again.
    #[test]
    fn a_clock_that_is_set_back_lets_nothing_through_again() {
        let mut gate = gate();
        let old = given(CommandName::Shutdown, 0, Some("old"));
        assert_eq!(code(gate.admit(&old, now())), "ok");
        let hour = SignedDuration::from_secs(3600);
        let new = Command { timestamp: Some(now() + hour), ..given(CommandName::Shutdown, 0, Some("new")) };
        assert_eq!(code(gate.admit(&new, now() + hour)), "ok");
        assert_eq!(code(gate.admit(&old, now())), "seen");
    }

    #[test]
    fn the_memory_is_bounded_and_errs_towards_seen() {
        let mut gate = gate();
        let first = given(CommandName::Shutdown, 60, Some("first"));
        assert_eq!(code(gate.admit(&first, now())), "ok");
        for n in 0..2 * MAX_REMEMBERED {
            let _ = gate.admit(&given(CommandName::Shutdown, 50, Some(&format!("n{n}"))), now());
        }
        assert!(gate.memory().encode().len() < 128 * MAX_REMEMBERED);
        assert_eq!(code(gate.admit(&first, now())), "seen");
        assert_eq!(code(gate.admit(&given(CommandName::Shutdown, 0, Some("next")), now())), "ok");
    }

    #[test]
    fn the_brake_stops_a_circle_of_restarts() {
        let mut gate = gate();
        let mut codes = Vec::new();
        for minute in 0..12 {
            let at = now() + SignedDuration::from_mins(minute);
            let command = Command { command: CommandName::Reboot, timestamp: Some(at), id: None };
            codes.push(code(gate.admit(&command, at)));
        }
        let expected = [["ok"; 3].as_slice(), &["brake"; 7], &["ok"; 2]].concat();
        assert_eq!(codes, expected);
        let at = now() + SignedDuration::from_mins(11);
        let shutdown = Command { command: CommandName::Shutdown, timestamp: Some(at), id: None };
        assert_eq!(code(gate.admit(&shutdown, at)), "ok");
    }

    #[test]
    fn what_is_no_memory_is_said_to_be_none() {
        for stored in ["", "[]", "{\"seen\":7}", "{\"seen\":[{\"at\":\"x\",\"command\":\"reboot\"}]}"] {
            assert!(Memory::decode(stored.as_bytes()).is_err(), "{stored}");
        }
        assert_eq!(Memory::decode(b"{}").unwrap(), Memory::default());
    }

    proptest! {
        /// Whatever is sent in whatever order under whatever clock, no power command passes twice.
        #[test]
        fn at_most_once(sent in prop::collection::vec((0..40_i64, 0..3_u8, prop::bool::ANY, -200..200_i64), 0..80)) {
            let rules = Rules { brake: Brake { count: 1000, within: Duration::from_secs(1) }, ..Rules::default() };
            let mut gate = Gate::new(rules.clone(), Memory::default());
            let mut passed = std::collections::BTreeSet::new();
            for (ago, id, restart, clock) in sent {
                if restart {
                    gate = Gate::new(rules.clone(), Memory::decode(&gate.memory().encode()).unwrap());
                }
                let id = (id > 0).then(|| format!("id{ago}-{id}"));
                let command = given(CommandName::Shutdown, ago, id.as_deref());
                let clock = now() + SignedDuration::from_secs(clock);
                if gate.admit(&command, clock).is_ok() {
                    prop_assert!(passed.insert((ago, id)), "passed twice");
                }
            }
        }
    }
}
