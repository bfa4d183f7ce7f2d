//! Whether a command may be carried out: the gate that each command passes before anything happens.
//!
//! A command on MQTT can be old (retained by the broker, queued while the machine was away, sent once more because an
//! acknowledgement was lost, recorded and replayed) and must then do nothing. The gate lets a command through once, within a
//! moment of when it was given, and keeps a machine from restarting in a circle.
//!
//! Choice: IM-8, IM-9, IM-10.

mod gate;
mod memory;
mod refusal;

pub use gate::{Brake, Gate, Rules};
pub use memory::{MAX_REMEMBERED, MalformedMemory, Memory};
pub use refusal::Refusal;
