use std::mem;
use std::time::Duration;

use super::going_down::{Asked, Order, Reason, Stage};
use super::io::{AgentEvent, Input, Moment, Output, PowerAction, PublishKey};
use super::outbox::Outbox;
use super::settings::AgentSettings;
use crate::safety::{Gate, Memory, Refusal};
use crate::{Availability, Command, Leaf, Properties, Publication, Response, Status, Topic};

/// An agent without IO.
///
/// Source: ipwatch §3.1, §3.3, §4, §9.1.
/// Choice: IM-11, IM-12, IM-13.
#[derive(Debug)]
pub struct AgentSession {
    settings: AgentSettings,
    gate: Gate,
    stage: Stage,
    connected: bool,
    /// When the next status is due.
    status_at: Option<Duration>,
    /// Whether figures were asked for and not given yet.
    sampling: bool,
    /// Who waits for the figures.
    asking: Vec<Asked>,
    random: u64,
    out: Outbox,
}

impl AgentSession {
    /// The most status commands that one sample answers.
    const MAX_ASKING: usize = 64;

    /// An agent that remembers this, not connected yet.
    #[must_use]
    pub fn new(settings: AgentSettings, memory: Memory) -> Self {
        let gate = Gate::new(settings.rules.clone(), memory);
        let random = settings.seed;
        Self {
            settings,
            gate,
            stage: Stage::Up,
            connected: false,
            status_at: None,
            sampling: false,
            asking: Vec::new(),
            random,
            out: Outbox::default(),
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop()
    }

    /// When [`Self::handle_timeout`] wants to be called, on the clock of [`Moment::elapsed`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let status = self.status_at.filter(|_| self.connected);
        status.into_iter().chain(self.stage.deadline()).min()
    }

    /// Takes what happened.
    pub fn handle(&mut self, input: Input, now: Moment) {
        match input {
            Input::Connected => self.connected(now),
            Input::Disconnected => {
                self.connected = false;
                self.out.drop_publications();
            }
            Input::Received(publication) => self.received(publication, now),
            Input::Acknowledged(key) => self.acknowledged(key, now),
            Input::Sampled(status) => self.sampled(*status, now),
            Input::Stored(stored) => self.stored(stored, now),
            Input::Power(Ok(())) => {}
            Input::Power(Err(why)) => self.power_failed(why, now),
            Input::GoingDown => self.going_down(now),
            Input::StayingUp => self.staying_up(now),
            Input::Stop => self.leave(Reason::Stop, now),
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Moment) {
        if self.connected && self.status_at.is_some_and(|at| at <= now.elapsed) {
            self.status_at = Some(now.elapsed + self.settings.status_every);
            self.sample();
        }
        if self.stage.deadline().is_none_or(|at| at > now.elapsed) {
            return;
        }
        match mem::replace(&mut self.stage, Stage::Up) {
            Stage::Waiting { order, .. } => self.store(order),
            Stage::Answering { order, .. } => {
                self.out.tell(AgentEvent::Unacknowledged);
                self.leave(Reason::Order(order), now);
            }
            Stage::Leaving { reason, .. } => {
                self.out.tell(AgentEvent::Unacknowledged);
                self.left(reason, now);
            }
            Stage::Told { order, .. } => {
                self.stage = Stage::Told { order, until: now.elapsed };
                self.power_failed("the machine is still up".to_owned(), now);
            }
            stage @ (Stage::Up | Stage::Storing { .. } | Stage::Gone) => self.stage = stage,
        }
    }

    /// Source: ipwatch §9.1: subscribe, then `online`, then a status.
    fn connected(&mut self, now: Moment) {
        self.connected = true;
        self.out.push(Output::Subscribe(self.settings.filters()));
        if self.stage.is_present() {
            self.say(Availability::Online);
            self.status_at = Some(now.elapsed + self.settings.status_every);
            self.sample();
        } else {
            let key = self.say(Availability::Offline);
            if let Stage::Leaving { offline, .. } = &mut self.stage {
                *offline = Some(key);
            }
        }
    }

    fn received(&mut self, publication: Publication, now: Moment) {
        let is_ours = match Topic::parse(&publication.topic) {
            Ok(Topic::Device(device, Leaf::Command)) => device == self.settings.device,
            Ok(Topic::Group(name)) => self.settings.groups.contains(&name),
            _ => false,
        };
        // An empty payload is what clears a retained message, ours included.
        if !is_ours || publication.payload.is_empty() {
            return;
        }
        if publication.retain {
            return self.drop_retained(publication);
        }
        let is_group = publication.topic != self.settings.topic(Leaf::Command).to_string();
        let properties = publication.properties;
        let command = match Command::decode(&publication.payload) {
            Ok(command) => command,
            Err(_) => return self.refuse(Refusal::Malformed, &Asked::from(properties, None), now),
        };
        let asked = Asked::from(properties, command.id.clone());
        let is_busy = command.command.is_power() && self.stage != Stage::Up;
        let admitted = if is_busy { Err(Refusal::Busy) } else { self.gate.admit(&command, now.wall) };
        if let Err(refusal) = admitted {
            return self.refuse(refusal, &asked, now);
        }
        self.out.tell(AgentEvent::Accepted(command.command));
        match PowerAction::of(command.command) {
            None => {
                self.asking.push(asked);
                // The oldest gives way: its sender is about to give up.
                if self.asking.len() > Self::MAX_ASKING {
                    self.asking.remove(0);
                }
                self.sample();
            }
            Some(action) => {
                let order = Order { command: command.command, action, asked };
                if is_group {
                    self.stage = Stage::Waiting { order, until: now.elapsed + self.jitter() };
                } else {
                    self.store(order);
                }
            }
        }
    }

    /// Choice: IM-12. Clears it for those who come after, where the broker lets a machine do that.
    fn drop_retained(&mut self, publication: Publication) {
        self.out.tell(AgentEvent::Refused(Refusal::Retained));
        self.out.publish(Publication {
            payload: bytes::Bytes::new(),
            retain: true,
            properties: Properties::default(),
            ..publication
        });
    }

    fn store(&mut self, order: Order) {
        self.stage = Stage::Storing { order };
        self.out.push(Output::Store(self.gate.memory().encode()));
    }

    fn stored(&mut self, stored: bool, now: Moment) {
        let Stage::Storing { order } = mem::replace(&mut self.stage, Stage::Up) else { return };
        if !stored {
            return self.refuse(Refusal::NotRemembered, &order.asked, now);
        }
        let message = match order.action {
            PowerAction::PowerOff => "the machine is shutting down",
            PowerAction::Reboot => "the machine is restarting",
        };
        let response = self.answer(true, message.to_owned(), None, &order.asked, now);
        self.stage = Stage::Answering { order, response, until: now.elapsed + self.settings.patience };
    }

    fn acknowledged(&mut self, key: PublishKey, now: Moment) {
        match mem::replace(&mut self.stage, Stage::Up) {
            Stage::Answering { order, response, .. } if response == key => {
                self.leave(Reason::Order(order), now)
            }
            Stage::Leaving { reason, offline: Some(offline), .. } if offline == key => self.left(reason, now),
            stage => self.stage = stage,
        }
    }

    /// Tells everybody that the machine, or its agent, goes away.
    fn leave(&mut self, reason: Reason, now: Moment) {
        let offline = self.connected.then(|| self.say(Availability::Offline));
        // Nobody waits for a broker that is away: it says `offline` by itself.
        let patience = if self.connected { self.settings.patience } else { Duration::ZERO };
        self.stage = Stage::Leaving { reason, offline, until: now.elapsed + patience };
    }

    /// Everybody was told.
    fn left(&mut self, reason: Reason, now: Moment) {
        match reason {
            Reason::Order(order) => {
                self.out.push(Output::Power(order.action));
                self.stage = Stage::Told { order, until: now.elapsed + self.settings.power_deadline };
            }
            Reason::Elsewhere => {
                self.out.push(Output::LetGo);
                self.stage = Stage::Gone;
            }
            Reason::Stop => {
                self.out.push(Output::Disconnect);
                self.stage = Stage::Gone;
            }
        }
    }

    /// Source: ipwatch §4.3.
    fn power_failed(&mut self, why: String, now: Moment) {
        let Stage::Told { order, .. } = mem::replace(&mut self.stage, Stage::Up) else { return };
        self.out.tell(AgentEvent::PowerFailed(why.clone()));
        self.say_if_connected(Availability::Online);
        self.answer(
            false,
            format!("{} failed: {why}", order.command),
            Some("power_failed"),
            &order.asked,
            now,
        );
    }

    /// Somebody at the machine told it to go down; perhaps that somebody is this agent, which has said everything then.
    fn going_down(&mut self, now: Moment) {
        match self.stage {
            Stage::Told { .. } | Stage::Gone => self.out.push(Output::LetGo),
            _ => self.leave(Reason::Elsewhere, now),
        }
    }

    fn staying_up(&mut self, now: Moment) {
        if matches!(self.stage, Stage::Leaving { reason: Reason::Stop, .. }) {
            return;
        }
        if !self.stage.is_present() {
            self.stage = Stage::Up;
            self.say_if_connected(Availability::Online);
            self.status_at = Some(now.elapsed + self.settings.status_every);
        }
    }

    fn sample(&mut self) {
        if !mem::replace(&mut self.sampling, true) {
            self.out.push(Output::Sample);
        }
    }

    fn sampled(&mut self, status: Status, now: Moment) {
        self.sampling = false;
        if !self.connected || !self.stage.is_present() {
            return self.asking.clear();
        }
        let status =
            Status { ip: Some(self.settings.device.to_string()), timestamp: Some(now.wall), ..status };
        let topic = self.settings.topic(Leaf::Status);
        // Asked for, it goes as surely as any answer.
        let qos = if self.asking.is_empty() { self.settings.status_qos } else { Leaf::Status.qos() };
        self.out.publish(Publication::new(&topic, status.encode()).at(qos));
        for asked in mem::take(&mut self.asking) {
            self.answer(true, "the status is published".to_owned(), None, &asked, now);
        }
    }

    fn refuse(&mut self, refusal: Refusal, asked: &Asked, now: Moment) {
        self.out.tell(AgentEvent::Refused(refusal));
        self.answer(false, refusal.to_string(), Some(refusal.code()), asked, now);
    }

    /// Publishes a response: on the machine's own topic, whatever else was asked for, because that is where the document's backend and the
    /// broker's rules expect it; and on the topic that an MQTT 5 sender named. The key is that of the first.
    ///
    /// Choice: IM-11.
    fn answer(
        &mut self,
        success: bool,
        message: String,
        code: Option<&str>,
        asked: &Asked,
        now: Moment,
    ) -> PublishKey {
        let id = asked.id.as_ref().map(ToString::to_string);
        let code = code.map(str::to_owned);
        let payload = Response { success, message, timestamp: Some(now.wall), id, code }.encode();
        let properties = Properties { correlation: asked.correlation.clone(), ..Properties::default() };
        let own = self.settings.topic(Leaf::Response);
        let key = self.out.publish(Publication::new(&own, payload.clone()).with(properties.clone()));
        if let Some(topic) = asked.response_topic.as_ref().filter(|topic| **topic != own.to_string()) {
            let other = Publication { topic: topic.clone(), ..Publication::new(&own, payload) };
            self.out.publish(other.with(properties));
        }
        key
    }

    fn say(&mut self, availability: Availability) -> PublishKey {
        let topic = self.settings.topic(Leaf::Availability);
        self.out.publish(Publication::new(&topic, availability.as_str()))
    }

    fn say_if_connected(&mut self, availability: Availability) {
        if self.connected {
            self.say(availability);
        }
    }

    /// A wait of up to the group's jitter.
    fn jitter(&mut self) -> Duration {
        self.settings.group_jitter * (crate::random::next(&mut self.random) % 1000) / 1000
    }
}

impl Asked {
    /// A response topic with a wildcard, or one that is a machine's, is none: a command must not make an agent speak for others.
    fn from(properties: Properties, id: Option<crate::CommandId>) -> Self {
        let is_fine = |topic: &String| {
            !topic.is_empty()
                && !topic.contains(['+', '#', '\0'])
                && !topic.starts_with('$')
                && Topic::parse(topic).is_err()
        };
        Self {
            id,
            response_topic: properties.response_topic.filter(is_fine),
            correlation: properties.correlation,
        }
    }
}
