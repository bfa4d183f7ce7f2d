//! The program on the device: heartbeats, keys, `known_hosts` and the reverse tunnel of the Meeting service.
//!
//! [`run`] is all of it as a library; `main.rs` adds the command line, signals and systemd. In reading order: what it is told
//! ([`config`], [`identity`], [`official_files`]), what it does when ([`schedule`], [`tunnel`]), what it touches on the machine
//! ([`addresses`], [`ssh_key_file`], [`authorized_keys`]), what it says ([`events`], [`metrics`]), and what it does once and
//! not for ever ([`mod@once`], [`check`], [`init`]); beside all that, it forwards a radio bot's check-ins ([`checkin`]) and
//! is a machine of IPWatch ([`ipwatch`]).

pub mod addresses;
pub mod authorized_keys;
pub mod check;
pub mod checkin;
mod chore;
pub mod cli;
pub mod config;
pub mod events;
pub mod identity;
pub mod init;
pub mod ipwatch;
mod journal;
pub mod metrics;
pub mod official_files;
pub mod once;
mod plan;
mod reporter;
mod run;
pub mod schedule;
pub mod ssh_key_file;
mod surroundings;
pub mod tunnel;

pub use config::Config;
pub use events::{Event, Observer};
pub use run::{Agent, STOP_GRACE, run};
