#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod availability;
mod command;
mod group_name;
mod message;
mod random;
mod response;
mod status;
mod timestamp;
mod topic;
mod wake_on_lan;

pub mod safety;

#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod mqtt;

pub mod agent;
pub mod controller;

#[cfg(feature = "power")]
#[cfg_attr(docsrs, doc(cfg(feature = "power")))]
pub mod power;
#[cfg(feature = "schedule")]
#[cfg_attr(docsrs, doc(cfg(feature = "schedule")))]
pub mod schedule;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub mod server;

#[cfg(feature = "system")]
#[cfg_attr(docsrs, doc(cfg(feature = "system")))]
pub mod system;

pub use availability::{Availability, InvalidAvailability};
pub use command::{Command, CommandId, CommandName, InvalidCommandId, MalformedCommand, UnknownCommand};
pub use group_name::{GroupName, InvalidGroupName};
pub use message::{MAX_PACKET_BYTES, Properties, Publication, Qos};
pub use response::{MalformedResponse, Response};
pub use status::{MalformedStatus, Status};
pub use topic::{InvalidTopic, Leaf, ROOT, Topic};
pub use wake_on_lan::{InvalidMacAddress, MacAddress, magic_packet};
