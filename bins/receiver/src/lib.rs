//! The server side: the Meeting REST API over a database.
//!
//! [`Receiver`] runs it as a library; `main.rs` adds the command line, signals and systemd. In reading order: what it is told
//! ([`config`]), where it keeps things ([`database`]), how it lives ([`Receiver`]), and the whole workspace in one process
//! for those who want to see it work ([`demo`]).

pub mod check_ins;
pub mod cli;
pub mod command;
pub mod config;
mod console;
pub mod database;
pub mod demo;
mod first_operator;
pub mod ipwatch;
mod metrics;
mod run;

pub use config::Config;
pub use run::{Listeners, Receiver, run};
