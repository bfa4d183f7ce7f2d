use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;

use super::flight::{Flights, Recipient, answers};
use super::io::{ControllerSettings, Input, Now, Order, Outcome, Output, Ticket};
use super::presence::Presence;
use crate::{Availability, Command, Leaf, Properties, Publication, Qos, Response, Status, Topic};

/// A controller without IO.
///
/// Source: ipwatch §3, §4.2.
/// Choice: IM-14, IM-15, IM-16.
#[derive(Debug)]
pub struct ControllerSession {
    settings: ControllerSettings,
    connected: bool,
    flights: Flights,
    presence: Presence,
    /// Commands of broadcasts that wait for their moment; the number keeps those of the same moment apart.
    waiting: BTreeMap<(Duration, u64), Order>,
    counted: u64,
    random: u64,
    out: VecDeque<Output>,
}

impl ControllerSession {
    /// What is heard of: what machines say. The answers of one machine are on its own topic.
    ///
    /// Source: ipwatch §2.2.
    pub const HEARD: [Leaf; 3] = [Leaf::Status, Leaf::Availability, Leaf::Response];

    /// How long after its status an agent that knows no ids may take to send a response too.
    const RESPONSE_AFTER_STATUS: Duration = Duration::from_secs(5);

    /// A controller, not connected yet.
    #[must_use]
    pub fn new(settings: ControllerSettings) -> Self {
        let random = settings.seed;
        Self {
            settings,
            connected: false,
            flights: Flights::default(),
            presence: Presence::default(),
            waiting: BTreeMap::new(),
            counted: 0,
            random,
            out: VecDeque::new(),
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let waiting = self.waiting.keys().next().map(|(at, _)| *at);
        [waiting, self.flights.deadline(), self.presence.deadline()].into_iter().flatten().min()
    }

    /// Takes what happened.
    pub fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Connected => {
                self.connected = true;
                let filters = Self::HEARD.into_iter().map(|leaf| (leaf.filter(), Qos::AtLeastOnce)).collect();
                self.out.push_back(Output::Subscribe(filters));
            }
            Input::Disconnected => self.disconnected(),
            Input::Received(publication) => self.received(&publication, now),
            Input::Command(order) => self.send(order, now),
            Input::Broadcast { orders, spread } => {
                for order in orders {
                    let at = now.elapsed + spread.mul_f64(self.share());
                    self.counted += 1;
                    self.waiting.insert((at, self.counted), order);
                }
                self.send_due(now);
            }
            Input::Forget(ticket) => {
                self.waiting.retain(|_, order| order.ticket != ticket);
                self.flights.forget(ticket, now.elapsed + self.settings.late);
            }
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        self.send_due(now);
        for ticket in self.flights.overdue(now.elapsed, self.settings.late) {
            self.done(ticket, Outcome::NoAnswer);
        }
        for device in self.presence.gone(now.elapsed) {
            self.out.push_back(Output::Availability(device, Availability::Offline));
        }
    }

    fn disconnected(&mut self) {
        self.connected = false;
        self.out.retain(|output| !matches!(output, Output::Publish(_) | Output::Subscribe(_)));
        for ticket in self.flights.lost() {
            self.done(ticket, Outcome::Lost);
        }
    }

    fn send_due(&mut self, now: Now) {
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now.elapsed) {
            let order = first.remove();
            self.send(order, now);
        }
    }

    /// Source: ipwatch §2.2, §3.1.
    fn send(&mut self, order: Order, now: Now) {
        if !self.connected {
            return self.done(order.ticket, Outcome::NotConnected);
        }
        self.counted += 1;
        let id = format!("{}-{}", self.settings.prefix, self.counted);
        // An id that is none of the wire's would make the command unreadable; the prefix is the caller's.
        let command = Command { command: order.command, timestamp: Some(now.wall), id: id.parse().ok() };
        let properties = Properties {
            response_topic: Some(Topic::Device(order.device, Leaf::Response).to_string()),
            correlation: Some(Bytes::from(id.clone())),
            // Whoever is away so long is not to find it when it comes back.
            expiry: Some(Duration::from_secs(order.within.as_secs().max(1))),
            content_type: None,
        };
        let topic = Topic::Device(order.device, Leaf::Command);
        self.out.push_back(Output::Publish(Publication::new(&topic, command.encode()).with(properties)));
        self.flights.add(order.device, id, order.command, order.ticket, now.elapsed + order.within);
    }

    fn received(&mut self, publication: &Publication, now: Now) {
        let Ok(Topic::Device(device, leaf)) = Topic::parse(&publication.topic) else { return };
        // Cleared, not said.
        if publication.payload.is_empty() {
            return;
        }
        let read = match leaf {
            Leaf::Availability => self.availability(device, publication, now),
            // Old news of nobody knows when: only the availability is meant to be retained.
            Leaf::Status | Leaf::Response if publication.retain => Some(()),
            Leaf::Status => self.status(device, publication, now),
            Leaf::Response => self.response(device, publication),
            Leaf::Command => Some(()),
        };
        if read.is_none() {
            self.out.push_back(Output::Malformed(device));
        }
    }

    fn availability(&mut self, device: IpAddr, publication: &Publication, now: Now) -> Option<()> {
        let availability = Availability::decode(&publication.payload).ok()?;
        if availability == Availability::Online && !publication.retain {
            self.flights.returned(device);
        }
        let tell_at = now.elapsed + self.settings.offline_after;
        if let Some(told) = self.presence.heard(device, availability, publication.retain, tell_at) {
            self.out.push_back(Output::Availability(device, told));
        }
        Some(())
    }

    fn status(&mut self, device: IpAddr, publication: &Publication, now: Now) -> Option<()> {
        let status = Status::decode(&publication.payload).ok()?;
        let response_until = now.elapsed + Self::RESPONSE_AFTER_STATUS;
        if let Some(ticket) = self.flights.status(device, response_until) {
            let message = "the machine published its status".to_owned();
            let response =
                Response { success: true, message, timestamp: status.timestamp, id: None, code: None };
            self.done(ticket, Outcome::Answered(response));
        }
        self.out.push_back(Output::Status(device, Box::new(status)));
        Some(())
    }

    fn response(&mut self, device: IpAddr, publication: &Publication) -> Option<()> {
        let response = Response::decode(&publication.payload).ok()?;
        let id = answers(&response, publication.properties.correlation.as_deref());
        match self.flights.answered(device, id.as_deref()) {
            Recipient::Waiting(ticket) => self.done(ticket, Outcome::Answered(response)),
            Recipient::Served => {}
            Recipient::None => self.out.push_back(Output::Unmatched(device, response)),
        }
        Some(())
    }

    fn done(&mut self, ticket: Ticket, outcome: Outcome) {
        self.out.push_back(Output::Done(ticket, outcome));
    }

    /// A share of one, at random: the next number of `SplitMix64`.
    fn share(&mut self) -> f64 {
        f64::from(crate::random::next(&mut self.random) % 1000) / 1000.0
    }
}
