//! The program on the device: heartbeats, keys, `known_hosts` and the reverse tunnel of the Meeting service.

pub mod addresses;
pub mod authorized_keys;
pub mod config;
pub mod events;
pub mod identity;
pub mod official_files;
pub mod schedule;
pub mod ssh_key_file;
pub mod tunnel;
