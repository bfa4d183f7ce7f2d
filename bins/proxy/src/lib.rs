//! The public edge of Meeting's reverse tunnels.
//!
//! Agents of devices connect to the control port and prove themselves by what the Meeting server says about
//! them; the public ports that Meeting lists for a device are open exactly as long as its agent is here, and lead visitors to
//! the device's local services.
//!
//! [`Proxy`] runs all of it and tells an [`Observer`] what happens. The decisions are modules without IO, in reading order: whether a
//! connection may wait ([`admission`]), whether a token is looked at ([`lockout`]), what a device's record means ([`verdict`]),
//! which ports are open ([`plan`]).

pub mod admission;
mod assembly;
mod check;
pub mod cli;
pub mod config;
mod control;
mod edge;
pub mod event;
mod follow;
mod housekeeping;
pub mod known;
pub mod lockout;
mod meeting;
mod metrics;
pub mod places;
pub mod plan;
mod ports;
mod prove;
pub mod reason;
mod run;
mod sessions;
pub mod source;
mod sparing;
mod transport;
pub mod verdict;
mod visitor;

pub use config::Config;
pub use event::{Event, Observer};
pub use plan::Route;
pub use ports::{PublicPorts, SystemPorts};
pub use reason::{Ended, Reason};
pub use run::{Listeners, Proxy, run};
