//! Runs an [`AgentSession`] on a real machine over a real broker.

mod errands;
mod line;
mod machine;
mod memory_file;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

use self::errands::{Errand, Errands};
use self::line::{Line, News};
pub use self::machine::{Announcement, Machine};
use self::memory_file::MemoryFile;
use super::{AgentEvent, AgentSession, AgentSettings, Input, Moment, Output};
use crate::mqtt::{Ended, Settings};
use crate::safety::MalformedMemory;

/// What is worth telling whoever runs an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DriverEvent {
    /// The broker accepted the connection.
    Connected,
    /// There is no connection, why, and when it is tried again.
    Away(Ended, Duration),
    /// What the session tells.
    Session(AgentEvent),
    /// The memory of commands could not be written: nothing is carried out.
    NotStored(String),
}

/// Why an agent cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The file with the memory of commands cannot be read or made.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file holds something else.
    #[error("{}: {error}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        error: MalformedMemory,
    },
}

/// An agent on a machine: connects, stays connected, and does what it is told.
///
/// Source: ipwatch §4.1, §9.1.
/// Choice: IM-42.
#[derive(Debug)]
pub struct Agent<M> {
    session: AgentSession,
    broker: Settings,
    machine: M,
    memory: MemoryFile,
}

impl<M: Machine> Agent<M> {
    /// An agent for this machine at this broker, that remembers in this file which commands were carried out. The broker's will is
    /// the session's.
    ///
    /// # Errors
    /// The file cannot be used: an agent that does not know what was carried out must not begin.
    pub fn new(
        settings: AgentSettings,
        mut broker: Settings,
        machine: M,
        memory: PathBuf,
    ) -> Result<Self, StartError> {
        broker.will = Some(settings.will());
        let (memory, remembered) = MemoryFile::open(memory)?;
        Ok(Self { session: AgentSession::new(settings, remembered), broker, machine, memory })
    }

    /// Runs until `stop` is done, and says `offline` before it ends. A broker that is away is tried again, for ever.
    pub async fn run(self, stop: impl Future<Output = ()>, mut tell: impl FnMut(DriverEvent)) {
        let mut stop = std::pin::pin!(stop);
        let mut is_stopping = false;
        let mut errands = Errands::new(self.machine, self.memory);
        let mut line = Line::new(self.broker);
        let mut session = self.session;
        let clock = Clock::new();
        loop {
            while let Some(output) = session.poll_output() {
                match output {
                    Output::Subscribe(filters) => line.subscribe(&filters),
                    Output::Publish(key, publication) => {
                        if let Some(receipt) = line.publish(publication) {
                            errands.acknowledge(key, receipt);
                        }
                    }
                    Output::Disconnect => return line.close().await,
                    Output::Event(event) => tell(DriverEvent::Session(event)),
                    errand => errands.run(errand),
                }
            }
            let timeout = session.poll_timeout();
            tokio::select! {
                news = line.next() => match news {
                    News::Connected => {
                        tell(DriverEvent::Connected);
                        session.handle(Input::Connected, clock.now());
                    }
                    News::Received(publication) => session.handle(Input::Received(publication), clock.now()),
                    News::Lost(why, pause) => {
                        tell(DriverEvent::Away(why, pause));
                        session.handle(Input::Disconnected, clock.now());
                    }
                },
                done = errands.next() => {
                    if let Errand::NotStored(error) = &done {
                        tell(DriverEvent::NotStored(error.to_string()));
                    }
                    session.handle(done.into(), clock.now());
                }
                () = clock.reaches(timeout) => session.handle_timeout(clock.now()),
                () = &mut stop, if !is_stopping => {
                    is_stopping = true;
                    session.handle(Input::Stop, clock.now());
                }
            }
        }
    }
}

/// The two clocks of a [`Moment`].
#[derive(Debug)]
struct Clock(Instant);

impl Clock {
    fn new() -> Self {
        Self(Instant::now())
    }

    fn now(&self) -> Moment {
        Moment { elapsed: self.0.elapsed(), wall: jiff::Timestamp::now() }
    }

    async fn reaches(&self, at: Option<Duration>) {
        match at {
            Some(at) => tokio::time::sleep_until(self.0 + at).await,
            None => std::future::pending().await,
        }
    }
}
