#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod availability;
mod command;
mod group_name;
mod response;
mod status;
mod wake_on_lan;

#[cfg(feature = "schedule")]
#[cfg_attr(docsrs, doc(cfg(feature = "schedule")))]
pub mod schedule;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub mod server;

pub use availability::{Availability, UnknownAvailability};
pub use command::{CommandName, UnknownCommand};
pub use group_name::{GroupName, InvalidGroupName};
pub use response::Response;
pub use status::Status;
pub use wake_on_lan::{InvalidMacAddress, MacAddress, magic_packet};
