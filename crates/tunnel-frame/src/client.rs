//! The agent's side of a tunnel, over any byte stream.
//!
//! [`connect`] says hello and reads the answer; [`Established::serve`] then opens local connections as the proxy asks
//! for them, but only to [`AllowedPorts`], until the connection ends. Reconnecting is the caller's affair.
//!
//! Source: meeting §4.

mod agent;
mod allowed_ports;
mod connector;

pub use crate::driver::{LocalStream, RelayEnd, RelayReport, SessionEnd, TunnelStream, relay, tune};
pub use agent::{AgentConfig, ConnectError, Established, Greeting, Monitor, connect};
pub use allowed_ports::AllowedPorts;
pub use connector::{Connector, LocalEvent, Loopback};
