//! The agent as a mesh-radio bot's hand: it brings check-ins to their receiver.
//!
//! Bots leave them in a spool folder ([`spool`]) or hand them over one by one (`agent checkin submit`); an outbox keeps them until the receiver
//! has them. All of it is off until `checkin.url` is set, and none of it needs a Meeting server.

pub(crate) mod commands;
mod draft;
mod events;
mod forward;
mod plan;
pub mod settings;
pub mod spool;

pub use events::CheckInEvent;
pub(crate) use forward::Forwarder;
pub use forward::forward;
pub(crate) use plan::CheckInPlan;
pub use settings::CheckInSettings;
