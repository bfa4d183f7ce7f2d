//! Properties of IPWatch's topics and payloads, and of the agent on its way down.

use std::collections::BTreeSet;
use std::time::Duration;

use ipwatch_mqtt::agent::{AgentSession, AgentSettings, Input, Moment, Output};
use ipwatch_mqtt::safety::{Brake, Memory, Rules};
use ipwatch_mqtt::{Availability, Command, CommandName, Leaf, Publication, Response, Status, Topic};
use jiff::Timestamp;

/// Whatever is read is written so that it is read the same, and topics hold no wildcard (threats M4, M6).
pub fn message(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(topic) = Topic::parse(text)
    {
        assert_eq!(topic.to_string(), text);
        assert!(!text.contains(['+', '#', '\0']));
    }
    if let Ok(command) = Command::decode(data) {
        let again = Command::decode(&command.encode()).expect("what is written is read");
        assert_eq!((again.command, &again.id), (command.command, &command.id));
        assert_eq!(again.encode(), command.encode());
    }
    if let Ok(response) = Response::decode(data) {
        let again = Response::decode(&response.encode()).expect("what is written is read");
        assert_eq!(
            (again.success, &again.message, &again.id),
            (response.success, &response.message, &response.id)
        );
        assert_eq!(again.encode(), response.encode());
    }
    if let Ok(status) = Status::decode(data) {
        let again = Status::decode(&status.encode()).expect("what is written is read");
        assert_eq!(again.encode(), status.encode());
        assert!(status.hostname.is_none_or(|name| name.len() <= Status::MAX_TEXT_BYTES));
    }
    if let Ok(availability) = Availability::decode(data) {
        assert_eq!(Availability::decode(availability.as_str().as_bytes()), Ok(availability));
    }
    if let Ok(memory) = Memory::decode(data) {
        assert_eq!(Memory::decode(&memory.encode()), Ok(memory));
    }
}

/// Whatever happens in whatever order: a machine goes down only after its memory was stored and everybody was told or had their time, no command
/// twice, and nothing is published on another machine's topics (threats M1, M2).
pub fn agent(data: &[u8]) {
    let device = "192.0.2.10".parse().expect("an address");
    let brake = Brake { count: u32::MAX, within: Duration::from_secs(1) };
    let settings = AgentSettings {
        groups: vec!["room-7".parse().expect("a name")],
        rules: Rules { brake, ..Rules::default() },
        ..AgentSettings::new(device, 1)
    };
    let mut run = Run {
        session: AgentSession::new(settings, Memory::default()),
        elapsed: Duration::ZERO,
        start: "2025-12-23T10:30:00Z".parse().expect("a time"),
        published: Vec::new(),
        stored: 0,
        given: BTreeSet::new(),
        powered: 0,
    };
    let mut bytes = data.iter().copied();
    while let Some(step) = bytes.next() {
        run.step(step, bytes.next().unwrap_or(0));
        run.drain();
    }
    assert!(run.powered <= run.given.len(), "a command was carried out twice");
    assert!(run.powered <= run.stored, "something was carried out that was not stored");
}

struct Run {
    session: AgentSession,
    elapsed: Duration,
    start: Timestamp,
    published: Vec<ipwatch_mqtt::agent::PublishKey>,
    stored: usize,
    /// The power commands that were given, as they are known apart.
    given: BTreeSet<(CommandName, Option<u8>, Duration)>,
    powered: usize,
}

impl Run {
    fn now(&self) -> Moment {
        Moment { elapsed: self.elapsed, wall: self.start + self.elapsed }
    }

    fn step(&mut self, step: u8, with: u8) {
        let now = self.now();
        let input = match step % 12 {
            0 => Input::Connected,
            1 => Input::Disconnected,
            2 | 3 => Input::Received(self.command(step, with)),
            4 => match self.published.get(usize::from(with)).copied().or(self.published.last().copied()) {
                Some(key) => Input::Acknowledged(key),
                None => return,
            },
            5 => Input::Stored(!with.is_multiple_of(4)),
            6 => Input::Sampled(Box::default()),
            7 => Input::Power(if with.is_multiple_of(2) { Ok(()) } else { Err("no".to_owned()) }),
            8 => Input::GoingDown,
            9 => Input::StayingUp,
            10 if with == 255 => Input::Stop,
            _ => {
                self.elapsed += Duration::from_millis(u64::from(with) * 50);
                return self.session.handle_timeout(self.now());
            }
        };
        self.session.handle(input, now);
    }

    fn command(&mut self, step: u8, with: u8) -> Publication {
        let name = CommandName::ALL[usize::from(with % 3)];
        let id = (with & 4 != 0).then_some(with >> 4);
        let age = Duration::from_secs(u64::from(with >> 3 & 3));
        let given = self.elapsed.saturating_sub(age);
        if name.is_power() {
            // With an id, the id alone names it.
            let known =
                id.map_or((name, None, given), |id| (CommandName::Shutdown, Some(id), Duration::ZERO));
            self.given.insert(known);
        }
        let command = Command {
            command: name,
            timestamp: Some(self.start + given),
            id: id.map(|id| format!("id-{id}").parse().expect("an id")),
        };
        let topic = if step & 16 == 0 {
            Topic::Device("192.0.2.10".parse().expect("an address"), Leaf::Command)
        } else {
            Topic::Group("room-7".parse().expect("a name"))
        };
        Publication { retain: step & 32 != 0, ..Publication::new(&topic, command.encode()) }
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Publish(key, publication) => {
                    self.published.push(key);
                    match Topic::parse(&publication.topic).expect("one of IPWatch's topics") {
                        // Only what clears a retained command goes there.
                        Topic::Group(_) | Topic::Device(_, Leaf::Command) => {
                            assert!(publication.payload.is_empty() && publication.retain);
                        }
                        topic => assert_eq!(topic.device(), "192.0.2.10".parse().ok()),
                    }
                }
                Output::Store(bytes) => {
                    Memory::decode(&bytes).expect("what is stored can be read");
                    self.stored += 1;
                }
                Output::Power(_) => self.powered += 1,
                _ => {}
            }
        }
    }
}
