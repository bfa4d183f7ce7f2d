use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::io::Ticket;
use crate::{CommandName, Response};

/// A command that went out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    id: String,
    command: CommandName,
    /// Who waits. `None` once nobody does, and an answer may still come.
    ticket: Option<Ticket>,
    /// Whether it was answered by a status, so that a response that follows is no news.
    is_served: bool,
    /// Until when it is waited for, and then, until when an answer may come late.
    until: Duration,
}

/// For whom an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recipient {
    /// Whoever waits for this outcome.
    Waiting(Ticket),
    /// A command that was answered already.
    Served,
    /// Nobody.
    None,
}

impl From<Sent> for Recipient {
    fn from(sent: Sent) -> Self {
        match sent.ticket {
            Some(ticket) => Self::Waiting(ticket),
            None if sent.is_served => Self::Served,
            None => Self::None,
        }
    }
}

/// All commands under way.
#[derive(Debug, Default)]
pub(super) struct Flights {
    /// What was sent to each machine and is not answered, oldest first.
    lanes: HashMap<IpAddr, VecDeque<Sent>>,
    /// The machines whose agents have given an id back: from them, an answer without one is not this controller's.
    know_ids: HashSet<IpAddr>,
}

impl Flights {
    pub(super) fn add(
        &mut self,
        device: IpAddr,
        id: String,
        command: CommandName,
        ticket: Ticket,
        until: Duration,
    ) {
        let sent = Sent { id, command, ticket: Some(ticket), is_served: false, until };
        self.lanes.entry(device).or_default().push_back(sent);
    }

    /// For whom this answer is. `id` is what the answer says that it answers.
    ///
    /// Choice: IM-14.
    pub(super) fn answered(&mut self, device: IpAddr, id: Option<&str>) -> Recipient {
        let Some(lane) = self.lanes.get_mut(&device) else { return Recipient::None };
        let sent = match id {
            Some(id) => {
                let place = lane.iter().position(|sent| sent.id == id);
                if place.is_some() {
                    self.know_ids.insert(device);
                }
                place.and_then(|place| lane.remove(place))
            }
            None if self.know_ids.contains(&device) => None,
            // The oldest unanswered one, waited for or not: the answers of one agent come in the order of the commands.
            None => lane.pop_front(),
        };
        sent.map_or(Recipient::None, Recipient::from)
    }

    /// A status came in: the answer of an agent that answers a status command with nothing else. A response may follow until then, and is
    /// not the next command's.
    pub(super) fn status(&mut self, device: IpAddr, until: Duration) -> Option<Ticket> {
        if self.know_ids.contains(&device) {
            return None;
        }
        let first = self.lanes.get_mut(&device)?.front_mut()?;
        if first.command != CommandName::Status {
            return None;
        }
        let ticket = first.ticket.take()?;
        (first.is_served, first.until) = (true, until);
        Some(ticket)
    }

    /// The machine was away: what it was sent before, and nobody waits for any more, will not be answered now.
    pub(super) fn returned(&mut self, device: IpAddr) {
        if let Some(lane) = self.lanes.get_mut(&device) {
            lane.retain(|sent| sent.ticket.is_some());
        }
    }

    /// Nobody waits for this one any more; an answer without id may still come until then.
    pub(super) fn forget(&mut self, ticket: Ticket, until: Duration) {
        for sent in self.lanes.values_mut().flatten() {
            if sent.ticket == Some(ticket) {
                (sent.ticket, sent.until) = (None, until);
            }
        }
    }

    /// All who wait, who will not be answered on this connection.
    pub(super) fn lost(&mut self) -> Vec<Ticket> {
        let lanes = self.lanes.drain();
        lanes.flat_map(|(_, lane)| lane).filter_map(|sent| sent.ticket).collect()
    }

    /// When the next command is waited for no longer.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.lanes.values().flatten().map(|sent| sent.until).min()
    }

    /// Those whose time is over. They stay for answers without id that come late.
    pub(super) fn overdue(&mut self, now: Duration, late: Duration) -> Vec<Ticket> {
        let mut tickets = Vec::new();
        for (device, lane) in &mut self.lanes {
            // With ids, nothing late can be taken for something else.
            let stays = !self.know_ids.contains(device);
            lane.retain_mut(|sent| {
                if sent.until > now {
                    return true;
                }
                let Some(ticket) = sent.ticket.take() else { return false };
                tickets.push(ticket);
                sent.until = now + late;
                stays
            });
        }
        self.lanes.retain(|_, lane| !lane.is_empty());
        tickets
    }
}

/// What an answer says that it answers: its `id`, or its correlation data.
pub(super) fn answers(response: &Response, correlation: Option<&[u8]>) -> Option<String> {
    let correlation = || correlation.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    response.id.clone().or_else(correlation)
}
