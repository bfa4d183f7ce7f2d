use std::collections::VecDeque;

use super::io::{AgentEvent, Output, PublishKey};
use crate::Publication;

/// What waits to be fetched, and the names of publications.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Output>,
    published: u64,
}

impl Outbox {
    pub(super) fn push(&mut self, output: Output) {
        self.waiting.push_back(output);
    }

    pub(super) fn publish(&mut self, publication: Publication) -> PublishKey {
        self.published += 1;
        let key = PublishKey(self.published);
        self.push(Output::Publish(key, publication));
        key
    }

    pub(super) fn tell(&mut self, event: AgentEvent) {
        self.push(Output::Event(event));
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        self.waiting.pop_front()
    }

    /// What was to be published goes with the connection.
    pub(super) fn drop_publications(&mut self) {
        self.waiting.retain(|output| !matches!(output, Output::Publish(..) | Output::Subscribe(_)));
    }
}
