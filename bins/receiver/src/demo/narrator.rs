//! Says what happens, a line each, as it happens.

use std::io::{self, Write};

use agent::events::Event as AgentEvent;
use meeting_api::server::{Clock, SystemClock};
use proxy::event::Event as ProxyEvent;

/// One thing that happened, with who says so.
#[derive(Debug)]
pub(super) enum Happening {
    /// In the agent.
    Agent(AgentEvent),
    /// In the proxy.
    Proxy(ProxyEvent),
}

/// Who speaks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Speaker {
    Receiver,
    Proxy,
    Agent,
    Demo,
}

impl Speaker {
    const fn name(self) -> &'static str {
        match self {
            Self::Receiver => "receiver",
            Self::Proxy => "proxy",
            Self::Agent => "agent",
            Self::Demo => "demo",
        }
    }

    /// The SGR colour of the name on a terminal.
    const fn colour(self) -> &'static str {
        match self {
            Self::Receiver => "36",
            Self::Proxy => "35",
            Self::Agent => "32",
            Self::Demo => "1",
        }
    }
}

/// Prints for a person who watches. When nobody can read any more (a closed pipe), the demo ends.
#[derive(Debug)]
pub(super) struct Narrator<W> {
    out: W,
    coloured: bool,
}

impl<W: Write> Narrator<W> {
    pub(super) const fn new(out: W, coloured: bool) -> Self {
        Self { out, coloured }
    }

    /// A line of somebody, with the time.
    pub(super) fn say(&mut self, speaker: Speaker, text: &str) -> io::Result<()> {
        let now = SystemClock.now().to_string();
        let time = now.split(' ').next_back().unwrap_or_default();
        let name = speaker.name();
        if self.coloured {
            writeln!(self.out, "{time}  \x1b[{}m{name:<8}\x1b[0m  {text}", speaker.colour())?;
        } else {
            writeln!(self.out, "{time}  {name:<8}  {text}")?;
        }
        self.out.flush()
    }

    /// Text as it is, for what a person copies.
    pub(super) fn plain(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    /// What happened, if it is worth a line.
    pub(super) fn tell(&mut self, happening: &Happening) -> io::Result<()> {
        match happening {
            // The proxy tells of visitors, with bytes in both directions: once is enough.
            Happening::Agent(AgentEvent::ConnectionOpened { .. } | AgentEvent::ConnectionClosed { .. }) => {
                Ok(())
            }
            Happening::Agent(event) => self.say(Speaker::Agent, &event.to_string()),
            Happening::Proxy(event) => self.say(Speaker::Proxy, &event.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(happening: &Happening) -> String {
        let mut narrator = Narrator::new(Vec::new(), false);
        narrator.tell(happening).unwrap();
        String::from_utf8(narrator.out).unwrap()
    }

    #[test]
    fn a_visit_is_told_once_with_its_bytes() {
        let opened = AgentEvent::ConnectionOpened { service: "http".into(), port: 80 };
        assert_eq!(told(&Happening::Agent(opened)), "");
        let bytes = ProxyEvent::VisitorBytes { visit: 7, to_device: 10, to_visitor: 20 };
        let line = "proxy     connection 7: 10 bytes to the device, 20 back\n";
        assert!(told(&Happening::Proxy(bytes)).ends_with(line));
    }

    #[test]
    fn colour_only_when_asked_for() {
        let mut narrator = Narrator::new(Vec::new(), true);
        narrator.say(Speaker::Demo, "x").unwrap();
        assert!(String::from_utf8(narrator.out).unwrap().contains("\x1b[1mdemo    \x1b[0m  x"));
    }
}
