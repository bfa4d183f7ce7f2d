//! The agent through `run()`, against a Meeting server and a proxy in this process.

mod addresses;
mod check;
mod credentials;
mod example;
mod fake_meeting;
mod fake_proxy;
mod harness;
mod keys;
mod reporting;
mod secrets;
mod settings;
mod tunnel;
