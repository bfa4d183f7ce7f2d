//! The routes before a real controller session and real agent sessions, with a broker between them that delivers at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt;
use ipwatch_mqtt::agent::{self, AgentSession, AgentSettings, Moment, PowerAction};
use ipwatch_mqtt::controller::{self, ControllerSession, ControllerSettings, Order, Outcome, Ticket};
use ipwatch_mqtt::safety::Memory;
use ipwatch_mqtt::server::store::{Devices, Role};
use ipwatch_mqtt::server::{
    Answer, Fleet, Heard, IpWatchServer, News, PowerRate, Settings, SharedSecret, SqlStore,
};
use ipwatch_mqtt::{CommandName, Publication, Status, Topic};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tower_service::Service;

use crate::support::{START, ip, new_device, request, store, time};

/// Everything on the network, in one place.
#[derive(Debug)]
struct Network {
    controller: ControllerSession,
    agents: HashMap<IpAddr, AgentSession>,
    waiting: HashMap<Ticket, oneshot::Sender<Outcome>>,
    tickets: u64,
    power: Vec<(IpAddr, PowerAction)>,
    heard: mpsc::UnboundedSender<Heard>,
}

const NOW: fn() -> Moment = || Moment { elapsed: Duration::from_secs(1), wall: time(START) };

impl Network {
    fn agent(&mut self, device: IpAddr, input: agent::Input) {
        let Some(agent) = self.agents.get_mut(&device) else { return };
        agent.handle(input, NOW());
        while let Some(output) = self.agents.get_mut(&device).and_then(AgentSession::poll_output) {
            match output {
                agent::Output::Publish(key, publication) => {
                    self.controller(controller::Input::Received(Publication {
                        retain: false,
                        ..publication
                    }));
                    self.agent(device, agent::Input::Acknowledged(key));
                }
                agent::Output::Sample => {
                    let status = Status { cpu_percent: Some(12.5), uptime: Some(7), ..Status::default() };
                    self.agent(device, agent::Input::Sampled(Box::new(status)));
                }
                agent::Output::Store(_) => self.agent(device, agent::Input::Stored(true)),
                agent::Output::Power(action) => self.power.push((device, action)),
                _ => {}
            }
        }
    }

    fn controller(&mut self, input: controller::Input) {
        self.controller.handle(input, NOW());
        while let Some(output) = self.controller.poll_output() {
            match output {
                controller::Output::Publish(publication) => {
                    if let Ok(Topic::Device(device, _)) = Topic::parse(&publication.topic) {
                        self.agent(device, agent::Input::Received(publication));
                    }
                }
                controller::Output::Done(ticket, outcome) => {
                    if let Some(waiting) = self.waiting.remove(&ticket) {
                        let _ = waiting.send(outcome);
                    }
                }
                controller::Output::Availability(device, availability) => {
                    self.tell(device, News::Availability(availability));
                }
                controller::Output::Status(device, status) => self.tell(device, News::Status(status)),
                _ => {}
            }
        }
    }

    fn tell(&self, device: IpAddr, news: News) {
        let _ = self.heard.send(Heard { device, user: None, at: time(START), news });
    }

    fn order(
        &mut self,
        device: IpAddr,
        command: CommandName,
        within: Duration,
    ) -> (Order, oneshot::Receiver<Outcome>) {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let (done, outcome) = oneshot::channel();
        self.waiting.insert(ticket, done);
        (Order { ticket, device, command, within }, outcome)
    }
}

#[derive(Debug, Clone)]
struct Reach(Arc<Mutex<Network>>);

async fn answer(outcome: oneshot::Receiver<Outcome>, within: Duration) -> Answer {
    match tokio::time::timeout(within, outcome).await {
        Ok(Ok(Outcome::Answered(response))) => Answer::Answered(response),
        Ok(Ok(Outcome::NotConnected | Outcome::Lost)) => Answer::Unsent("the broker is away".to_owned()),
        _ => Answer::NoAnswer,
    }
}

impl Fleet for Reach {
    async fn command(&self, device: IpAddr, command: CommandName, within: Duration) -> Answer {
        let outcome = {
            let mut network = self.0.lock().unwrap();
            let (order, outcome) = network.order(device, command, within);
            network.controller(controller::Input::Command(order));
            outcome
        };
        answer(outcome, within).await
    }

    async fn broadcast(&self, devices: Vec<IpAddr>, command: CommandName, within: Duration) -> Vec<Answer> {
        let outcomes: Vec<_> = {
            let mut network = self.0.lock().unwrap();
            let made: Vec<_> = devices.iter().map(|device| network.order(*device, command, within)).collect();
            let (orders, outcomes): (Vec<_>, Vec<_>) = made.into_iter().unzip();
            network.controller(controller::Input::Broadcast { orders, spread: Duration::ZERO });
            outcomes
        };
        let mut answers = Vec::new();
        for outcome in outcomes {
            answers.push(answer(outcome, Duration::from_millis(20)).await);
        }
        answers
    }
}

struct World {
    server: IpWatchServer<SqlStore, Reach>,
    heard: mpsc::UnboundedReceiver<Heard>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new(registered: &[&str], running: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        for address in registered {
            store.put_device(new_device(address, &["lab"]), time(START)).await.unwrap();
        }
        let (sender, heard) = mpsc::unbounded_channel();
        let network = Network {
            controller: ControllerSession::new(ControllerSettings::new("test", 1)),
            agents: HashMap::new(),
            waiting: HashMap::new(),
            tickets: 0,
            power: Vec::new(),
            heard: sender,
        };
        let reach = Reach(Arc::new(Mutex::new(network)));
        let mut settings = Settings::default();
        settings.secret = Some(SharedSecret::new("k", "test", Role::Administer));
        settings.power_rate = PowerRate { burst: 1000, per_minute: 1000 };
        settings.answer_within = Duration::from_millis(20);
        let server = IpWatchServer::open(store, reach.clone(), settings).await.unwrap();
        let mut world = Self { server, heard, _folder: folder };
        {
            let mut network = reach.0.lock().unwrap();
            network.controller(controller::Input::Connected);
            for address in running {
                let agent = AgentSession::new(AgentSettings::new(ip(address), 7), Memory::default());
                network.agents.insert(ip(address), agent);
                network.agent(ip(address), agent::Input::Connected);
            }
        }
        world.listen();
        world
    }

    /// Hands over what was heard.
    fn listen(&mut self) {
        while let Ok(heard) = self.heard.try_recv() {
            self.server.heard(heard);
        }
    }

    async fn ask(&mut self, method: &str, path: &str) -> (u16, Value) {
        let request = request(method, path, &[("authorization", "Bearer k")], "");
        let Ok(response) = self.server.clone().call(request).await;
        self.listen();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn power(&self) -> Vec<(IpAddr, PowerAction)> {
        self.server.fleet().0.lock().unwrap().power.clone()
    }
}

#[tokio::test]
async fn a_machine_is_seen_asked_and_switched_off_through_the_routes() {
    let mut world = World::new(&["192.0.2.7"], &["192.0.2.7"]).await;
    let (_, device) = world.ask("GET", "/v1/ipwatch/devices/192.0.2.7").await;
    assert_eq!((&device["availability"], &device["status"]["cpu_percent"]), (&json!("online"), &json!(12.5)));
    let (status, answer) = world.ask("POST", "/api/tracking/status/192.0.2.7").await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)));
    let (status, answer) = world.ask("POST", "/api/tracking/shutdown/192.0.2.7").await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)));
    assert_eq!(world.power(), [(ip("192.0.2.7"), PowerAction::PowerOff)]);
    // While it goes down it does nothing else, and says so in a word of its own.
    let (status, refusal) = world.ask("POST", "/api/tracking/reboot/192.0.2.7").await;
    assert_eq!((status, &refusal["code"]), (409, &json!("busy")));
    let (_, log) = world.ask("GET", "/v1/ipwatch/log").await;
    let outcomes: Vec<_> = log["entries"].as_array().unwrap().iter().map(|entry| &entry["outcome"]).collect();
    assert_eq!(outcomes, ["refused", "done"]);
    assert_eq!(world.power().len(), 1);
}

#[tokio::test]
async fn a_group_of_sessions_answers_and_a_machine_that_is_off_does_not() {
    let mut world = World::new(&["192.0.2.7", "192.0.2.8", "192.0.2.9"], &["192.0.2.7", "192.0.2.9"]).await;
    let (_, answers) = world.ask("POST", "/v1/ipwatch/groups/lab/reboot").await;
    let outcomes: Vec<_> =
        answers["answers"].as_array().unwrap().iter().map(|answer| &answer["outcome"]).collect();
    assert_eq!(outcomes, ["done", "no_answer", "done"]);
    assert_eq!((&answers["done"], &answers["failed"]), (&json!(2), &json!(1)));
    let mut power = world.power();
    power.sort_by_key(|(device, _)| *device);
    assert_eq!(power, [(ip("192.0.2.7"), PowerAction::Reboot), (ip("192.0.2.9"), PowerAction::Reboot)]);
}

#[tokio::test]
async fn an_agent_that_nobody_registered_is_a_stranger_and_is_told_nothing() {
    let mut world = World::new(&["192.0.2.7"], &["192.0.2.7", "192.0.2.66"]).await;
    let (_, list) = world.ask("GET", "/v1/ipwatch/devices").await;
    assert_eq!(
        (list["devices"].as_array().unwrap().len(), &list["strangers"][0]["ip"]),
        (1, &json!("192.0.2.66"))
    );
    let (status, refusal) = world.ask("POST", "/api/tracking/shutdown/192.0.2.66").await;
    assert_eq!((status, &refusal["code"]), (404, &json!("unknown_device")));
    world.ask("POST", "/v1/ipwatch/all/shutdown").await;
    assert_eq!(world.power(), [(ip("192.0.2.7"), PowerAction::PowerOff)]);
}

#[tokio::test]
async fn without_a_broker_nothing_is_sent() {
    let mut world = World::new(&["192.0.2.7"], &["192.0.2.7"]).await;
    world.server.fleet().0.lock().unwrap().controller(controller::Input::Disconnected);
    let (status, refusal) = world.ask("POST", "/api/tracking/shutdown/192.0.2.7").await;
    assert_eq!((status, &refusal["code"], world.power()), (503, &json!("no_broker"), vec![]));
}
