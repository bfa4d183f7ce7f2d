//! What moves bytes between a session and a transport. Both ends use it; what differs is in `client` and `server`.

mod connection;
mod inbox;
mod relay;
mod shared;
mod socket;
mod stream;

pub(crate) use connection::Connection;
#[cfg(feature = "client")]
pub(crate) use connection::Gate;
pub use relay::{LocalStream, RelayEnd, RelayReport, relay};
pub use shared::SessionEnd;
pub(crate) use shared::Shared;
pub use socket::tune;
pub use stream::TunnelStream;

use std::time::Instant;

/// The time as the runtime has it, so that tests may stop it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
