//! The two sides against each other, with a broker that delivers at once.

use std::time::Duration;

use ipwatch_mqtt::agent::{self, AgentSettings};
use ipwatch_mqtt::controller::{self, ControllerSession, ControllerSettings, Order, Outcome, Ticket};
use ipwatch_mqtt::{CommandName, Publication};

use crate::support::{Agent, at, device};

struct Pair {
    agent: Agent,
    controller: ControllerSession,
    power: Vec<agent::PowerAction>,
    done: Vec<(Ticket, Outcome)>,
    news: Vec<String>,
}

impl Pair {
    fn new() -> Self {
        let mut pair = Self {
            agent: Agent::new(AgentSettings::new(device(), 1)),
            controller: ControllerSession::new(ControllerSettings::new("pair", 2)),
            power: Vec::new(),
            done: Vec::new(),
            news: Vec::new(),
        };
        pair.controller.handle(controller::Input::Connected, at(0));
        pair.run_controller();
        pair.agent_does(agent::Input::Connected);
        pair
    }

    fn agent_does(&mut self, input: agent::Input) {
        for output in self.agent.give(input, at(0)) {
            match output {
                agent::Output::Publish(key, publication) => {
                    self.deliver(publication);
                    self.agent_does(agent::Input::Acknowledged(key));
                }
                agent::Output::Sample => self.agent_does(agent::Input::Sampled(Box::default())),
                agent::Output::Store(_) => self.agent_does(agent::Input::Stored(true)),
                agent::Output::Power(action) => self.power.push(action),
                _ => {}
            }
        }
    }

    /// Whoever is subscribed already gets it without the retain bit.
    fn deliver(&mut self, publication: Publication) {
        let publication = Publication { retain: false, ..publication };
        self.controller.handle(controller::Input::Received(publication), at(0));
        self.run_controller();
    }

    fn run_controller(&mut self) {
        while let Some(output) = self.controller.poll_output() {
            match output {
                controller::Output::Publish(publication) => {
                    self.agent_does(agent::Input::Received(publication))
                }
                controller::Output::Done(ticket, outcome) => self.done.push((ticket, outcome)),
                controller::Output::Availability(_, availability) => self.news.push(availability.to_string()),
                controller::Output::Status(_, status) => self.news.push(status.ip.unwrap_or_default()),
                controller::Output::Subscribe(_) => {}
                other => panic!("unexpected: {other:?}"),
            }
        }
    }

    fn command(&mut self, ticket: u64, command: CommandName) {
        let order =
            Order { ticket: Ticket(ticket), device: device(), command, within: Duration::from_secs(5) };
        self.controller.handle(controller::Input::Command(order), at(0));
        self.run_controller();
    }
}

#[test]
fn a_machine_is_seen_asked_and_switched_off() {
    let mut pair = Pair::new();
    assert_eq!(pair.news, ["online", "192.0.2.10"]);
    pair.command(1, CommandName::Status);
    pair.command(2, CommandName::Shutdown);
    pair.command(3, CommandName::Reboot);
    let answers: Vec<_> = pair
        .done
        .iter()
        .map(|(ticket, outcome)| match outcome {
            Outcome::Answered(response) => (ticket.0, response.success, response.code.clone()),
            other => panic!("no answer: {other:?}"),
        })
        .collect();
    assert_eq!(answers, [(1, true, None), (2, true, None), (3, false, Some("busy".to_owned()))]);
    assert_eq!(pair.power, [agent::PowerAction::PowerOff]);
}
