use std::net::IpAddr;
use std::time::Duration;

use ipwatch_mqtt::agent::{AgentSession, AgentSettings, Input, Moment, Output, PublishKey};
use ipwatch_mqtt::safety::Memory;
use ipwatch_mqtt::{Command, CommandName, Leaf, Publication, Response, Status, Topic};

pub(crate) fn device() -> IpAddr {
    "192.0.2.10".parse().expect("an address")
}

/// So many milliseconds after the start.
pub(crate) fn at(milliseconds: u64) -> Moment {
    let elapsed = Duration::from_millis(milliseconds);
    let start: jiff::Timestamp = "2025-12-23T10:30:00Z".parse().expect("a time");
    Moment { elapsed, wall: start + elapsed }
}

pub(crate) fn command(name: CommandName, given: Moment, id: Option<&str>) -> Publication {
    let command =
        Command { command: name, timestamp: Some(given.wall), id: id.map(|id| id.parse().expect("an id")) };
    Publication::new(&Topic::Device(device(), Leaf::Command), command.encode())
}

/// An agent, with everything that came out of it.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) session: AgentSession,
}

impl Agent {
    pub(crate) fn new(settings: AgentSettings) -> Self {
        Self { session: AgentSession::new(settings, Memory::default()) }
    }

    /// Connected, its first status published.
    pub(crate) fn online() -> Self {
        let mut agent = Self::new(AgentSettings::new(device(), 7));
        agent.give(Input::Connected, at(0));
        agent.give(Input::Sampled(Box::default()), at(0));
        agent
    }

    /// What an input makes it do.
    pub(crate) fn give(&mut self, input: Input, now: Moment) -> Vec<Output> {
        self.session.handle(input, now);
        std::iter::from_fn(|| self.session.poll_output()).collect()
    }

    pub(crate) fn wait(&mut self, now: Moment) -> Vec<Output> {
        self.session.handle_timeout(now);
        std::iter::from_fn(|| self.session.poll_output()).collect()
    }
}

/// What was done, each in a few words, and the names of the publications.
pub(crate) fn told(outputs: &[Output]) -> (Vec<String>, Vec<PublishKey>) {
    let mut keys = Vec::new();
    let words = outputs.iter().filter_map(|output| {
        Some(match output {
            Output::Publish(key, publication) => {
                keys.push(*key);
                words(publication)
            }
            Output::Subscribe(filters) => {
                let filters: Vec<_> = filters.iter().map(|(filter, _)| filter.as_str()).collect();
                format!("subscribe {}", filters.join(" "))
            }
            Output::Sample => "sample".to_owned(),
            Output::Store(_) => "store".to_owned(),
            Output::Power(action) => format!("{action:?}"),
            Output::LetGo => "let go".to_owned(),
            Output::Disconnect => "disconnect".to_owned(),
            Output::Event(_) => return None,
        })
    });
    (words.collect(), keys)
}

fn words(publication: &Publication) -> String {
    let topic = Topic::parse(&publication.topic);
    let retained = if publication.retain { " retained" } else { "" };
    match topic {
        Ok(Topic::Device(_, Leaf::Availability)) => {
            format!("{}{retained}", String::from_utf8_lossy(&publication.payload))
        }
        Ok(Topic::Device(_, Leaf::Response)) => {
            let response = Response::decode(&publication.payload).expect("a response");
            let word = response.code.unwrap_or_else(|| response.success.to_string());
            format!("response {word} {}{retained}", response.id.unwrap_or_default()).trim_end().to_owned()
        }
        Ok(Topic::Device(_, Leaf::Status)) => {
            let status = Status::decode(&publication.payload).expect("a status");
            format!("status {}{retained}", status.ip.unwrap_or_default())
        }
        _ => format!("{} {:?}{retained}", publication.topic, publication.payload),
    }
}
