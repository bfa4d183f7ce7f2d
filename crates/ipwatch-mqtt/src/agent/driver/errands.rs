use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::machine::{Announcement, Machine};
use super::memory_file::MemoryFile;
use crate::Status;
use crate::agent::{Input, Output, PublishKey};
use crate::mqtt::Receipt;

/// What came of an errand.
#[derive(Debug)]
pub(super) enum Errand {
    Acknowledged(PublishKey),
    Sampled(Box<Status>),
    Stored,
    NotStored(io::Error),
    Power(Result<(), String>),
    Announced(Announcement),
}

impl From<Errand> for Input {
    fn from(errand: Errand) -> Self {
        match errand {
            Errand::Acknowledged(key) => Self::Acknowledged(key),
            Errand::Sampled(status) => Self::Sampled(status),
            Errand::Stored => Self::Stored(true),
            Errand::NotStored(_) => Self::Stored(false),
            Errand::Power(result) => Self::Power(result),
            Errand::Announced(Announcement::GoingDown) => Self::GoingDown,
            Errand::Announced(Announcement::StayingUp) => Self::StayingUp,
        }
    }
}

/// What takes time, each in a task of its own, so that none holds the connection or another. They end with this.
#[derive(Debug)]
pub(super) struct Errands<M> {
    machine: Arc<M>,
    memory: MemoryFile,
    tasks: JoinSet<()>,
    done: mpsc::UnboundedSender<Errand>,
    /// Not more than the session asks for: one sample, one store and one power command at a time, and the publications under way.
    waiting: mpsc::UnboundedReceiver<Errand>,
}

impl<M: Machine> Errands<M> {
    pub(super) fn new(machine: M, memory: MemoryFile) -> Self {
        let (done, waiting) = mpsc::unbounded_channel();
        let mut errands = Self { machine: Arc::new(machine), memory, tasks: JoinSet::new(), done, waiting };
        let (machine, done) = (errands.machine.clone(), errands.done.clone());
        errands
            .tasks
            .spawn(async move { while done.send(Errand::Announced(machine.announced().await)).is_ok() {} });
        errands
    }

    fn spawn(&mut self, errand: impl Future<Output = Option<Errand>> + Send + 'static) {
        while self.tasks.try_join_next().is_some() {}
        let done = self.done.clone();
        self.tasks.spawn(async move {
            if let Some(came) = errand.await {
                // Nobody listens any more at the end.
                let _ = done.send(came);
            }
        });
    }

    /// A publication that is lost is never acknowledged; the session knows what to do then.
    pub(super) fn acknowledge(&mut self, key: PublishKey, receipt: Receipt) {
        self.spawn(async move { receipt.taken().await.is_ok().then_some(Errand::Acknowledged(key)) });
    }

    pub(super) fn run(&mut self, output: Output) {
        let machine = self.machine.clone();
        match output {
            Output::Sample => {
                self.spawn(async move { Some(Errand::Sampled(Box::new(machine.figures().await))) });
            }
            Output::Store(bytes) => {
                let memory = self.memory.clone();
                self.spawn(async move {
                    Some(memory.store(bytes).await.map_or_else(Errand::NotStored, |()| Errand::Stored))
                });
            }
            Output::Power(action) => {
                self.spawn(async move { Some(Errand::Power(machine.power(action).await)) });
            }
            Output::LetGo => self.spawn(async move {
                machine.let_go().await;
                None
            }),
            Output::Subscribe(_) | Output::Publish(..) | Output::Disconnect | Output::Event(_) => {}
        }
    }

    pub(super) async fn next(&mut self) -> Errand {
        match self.waiting.recv().await {
            Some(errand) => errand,
            // Its other end is in this value.
            None => std::future::pending().await,
        }
    }
}
