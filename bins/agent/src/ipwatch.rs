//! The agent as a machine of IPWatch: it says over MQTT how the machine is, and switches it off or restarts it when told to.
//!
//! All of it is off until `ipwatch.broker` is set, and none of it needs a Meeting server: `agent ipwatch run` does this alone.

mod events;
mod keeper;
mod machine;
mod plan;
pub mod settings;

pub use events::IpWatchEvent;
pub(crate) use keeper::Keeper;
pub use keeper::run;
pub(crate) use plan::{IpWatchPlan, needed};
pub use settings::{IpWatchSettings, MqttVersion, PowerKind};
