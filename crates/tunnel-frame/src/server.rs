//! The proxy's side of a tunnel, over any byte stream.
//!
//! [`receive`] reads an agent's hello within a deadline and a cap; the caller checks it and answers with
//! [`PendingAgent::accept`] or [`PendingAgent::refuse`]. An accepted agent is a [`Tunnel`], on which streams are opened,
//! and a [`TunnelDriver`], which the caller runs in a task of his own. [`Registry`] holds one tunnel a device.
//!
//! Source: meeting §4.

mod accept;
mod registry;
mod tunnel;

pub use crate::driver::{LocalStream, RelayEnd, RelayReport, SessionEnd, TunnelStream, relay, tune};
pub use accept::{HelloError, PendingAgent, ServerConfig, receive};
pub use registry::{Claim, ClaimError, Evict, Registry};
pub use tunnel::{Tunnel, TunnelDriver};

/// The locks of the registry, by a name under which a model checker can put its own.
mod sync {
    pub(super) use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
}
