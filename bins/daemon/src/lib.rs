//! What the programs of this workspace share, so that each of them holds only what is its own.
//!
//! In reading order: how a program is told what to do ([`config`], [`cli`], [`secret`]), what it says ([`logging`],
//! [`exit`], [`human`]), how it lives and ends ([`program`],
//! [`lifecycle`], [`signals`], [`service_manager`]), how it is reached
//! ([`net`], [`tls`], [`http`], [`admin`]), and all of it put together ([`serving`]).

pub mod admin;
pub mod cli;
pub mod config;
pub mod exit;
pub mod http;
pub mod human;
pub mod lifecycle;
pub mod logging;
pub mod net;
pub mod program;
pub mod secret;
pub mod service_manager;
pub mod serving;
pub mod signals;
pub mod tls;
