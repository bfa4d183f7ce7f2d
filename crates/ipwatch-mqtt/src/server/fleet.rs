//! Between the routes and the machines.

use std::fmt::Debug;
use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;

use crate::{Availability, CommandName, Response, Status};

/// Whoever reaches the machines: the controller on a broker.
pub trait Fleet: Debug + Send + Sync + 'static {
    /// Sends one command to one machine and waits for its answer, at most so long.
    ///
    /// Source: ipwatch §3.1, §4.2.
    fn command(
        &self,
        device: IpAddr,
        command: CommandName,
        within: Duration,
    ) -> impl Future<Output = Answer> + Send;

    /// Sends a command to many machines, spread over a moment, and waits for the answer of each, at most so long; the answers in the order of
    /// the machines.
    ///
    /// Source: ipwatch §11.
    fn broadcast(
        &self,
        devices: Vec<IpAddr>,
        command: CommandName,
        within: Duration,
    ) -> impl Future<Output = Vec<Answer>> + Send;

    /// Is told that a machine is retired: what is retained in its name is to be cleared. Nothing by default.
    fn retired(&self, device: IpAddr) -> impl Future<Output = ()> + Send {
        let _ = device;
        std::future::ready(())
    }
}

/// What a machine said to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Its answer, yes or no.
    Answered(Response),
    /// None came in time.
    NoAnswer,
    /// The command could not be sent; why.
    Unsent(String),
}

/// What was heard from a machine, or in its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// The address in the topic.
    pub device: IpAddr,
    /// The broker's user that said it, where the broker tells: the embedded one does.
    pub user: Option<String>,
    /// When it came in.
    pub at: Timestamp,
    /// What it was.
    pub news: News,
}

/// What machines say without being asked.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Whether it is there.
    Availability(Availability),
    /// How it is.
    Status(Box<Status>),
}

/// What became of what was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Heed {
    /// It was taken.
    Taken,
    /// The address is no registered machine's.
    Unregistered,
    /// The user may not speak for this machine.
    WrongUser,
}
