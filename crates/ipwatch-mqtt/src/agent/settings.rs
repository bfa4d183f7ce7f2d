use std::net::IpAddr;
use std::time::Duration;

use crate::safety::Rules;
use crate::{Availability, GroupName, Leaf, Publication, Qos, Topic};

/// What an agent is told before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSettings {
    /// The machine's address, as it stands in its topics.
    pub device: IpAddr,
    /// The groups whose commands it takes.
    pub groups: Vec<GroupName>,
    /// How often a status goes out. Default: 30 s.
    pub status_every: Duration,
    /// How surely a status goes out. Default: at least once; the document allows at most once.
    pub status_qos: Qos,
    /// The longest random wait before a group's command is carried out, so that a group does not answer, and draw power, in the same moment.
    /// Default: 2 s.
    pub group_jitter: Duration,
    /// How long an acknowledgement is waited for before the machine goes down without it. Default: 5 s.
    pub patience: Duration,
    /// How long a machine that was told to go down may still be up, before it counts as failed. Default: 3 minutes.
    pub power_deadline: Duration,
    /// What is carried out.
    pub rules: Rules,
    /// Where the random waits begin: any number, another one for each machine and start.
    pub seed: u64,
}

impl AgentSettings {
    /// The defaults, for this machine.
    #[must_use]
    pub fn new(device: IpAddr, seed: u64) -> Self {
        Self {
            device,
            groups: Vec::new(),
            status_every: Duration::from_secs(30),
            status_qos: Qos::AtLeastOnce,
            group_jitter: Duration::from_secs(2),
            patience: Duration::from_secs(5),
            power_deadline: Duration::from_secs(180),
            rules: Rules::default(),
            seed,
        }
    }

    /// What the broker publishes when it loses the agent.
    ///
    /// Source: ipwatch §4.1.
    #[must_use]
    pub fn will(&self) -> Publication {
        Publication::new(&self.topic(Leaf::Availability), Availability::Offline.as_str())
    }

    /// One of the machine's topics.
    #[must_use]
    pub const fn topic(&self, leaf: Leaf) -> Topic {
        Topic::Device(self.device, leaf)
    }

    /// What is subscribed to on each connection: the machine's commands, and those of its groups.
    #[must_use]
    pub fn filters(&self) -> Vec<(String, Qos)> {
        let groups = self.groups.iter().cloned().map(Topic::Group);
        let topics = std::iter::once(self.topic(Leaf::Command)).chain(groups);
        topics.map(|topic| (topic.to_string(), Qos::AtLeastOnce)).collect()
    }
}
