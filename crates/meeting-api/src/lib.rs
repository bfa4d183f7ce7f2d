#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod decode_error;
mod device_key;
mod flag;
mod loose;
mod mac_address;
mod note;
mod refusal;
mod secret;
mod service;
mod token_code;
mod utc_timestamp;

pub mod endpoint;
pub mod retry;

#[cfg(feature = "ssh-keys")]
mod public_key;
#[cfg(feature = "ssh-keys")]
mod signing_key;

#[cfg(feature = "ssh-keys")]
#[cfg_attr(docsrs, doc(cfg(feature = "ssh-keys")))]
pub mod http_signature;
#[cfg(feature = "ssh-keys")]
#[cfg_attr(docsrs, doc(cfg(feature = "ssh-keys")))]
pub mod known_hosts;

#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod client;
#[cfg(feature = "client")]
mod known_hosts_file;

#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub mod server;

pub use decode_error::DecodeError;
pub use device_key::{DeviceKey, InvalidDeviceKey};
pub use mac_address::{InvalidMacAddress, MacAddress};
pub use note::{ClusterIp, Note, TextRefused};
pub use refusal::Refusal;
pub use secret::Secret;
pub use service::{InvalidServiceName, ServiceName, ServiceSet};
pub use token_code::{InvalidTokenCode, TokenCode};
pub use utc_timestamp::{InvalidTimestamp, UtcTimestamp};

#[cfg(feature = "ssh-keys")]
pub use public_key::{PublicKey, PublicKeyRefused};
#[cfg(feature = "ssh-keys")]
pub use signing_key::{SigningKey, SigningKeyRefused};

#[cfg(feature = "client")]
pub use known_hosts_file::{KnownHostsFile, KnownHostsFileError};
