//! TLS on both sides: rustls 0.23 on ring, chosen per configuration and never through process-wide state.
//!
//! Certificates and keys are PEM files. A changed file is taken over by [`Acceptor::reload`] without touching
//! connections that stand. [`Acceptor::accept_either`] serves TLS and plain peers on one port by their first byte.

mod certificates;
mod client;
mod peer;
mod pem;
mod server;
mod stream;

pub use certificates::Certificates;
pub use client::{ClientTls, Connector};
pub use peer::PeerCertificate;
pub use server::{Acceptor, ClientCertificates, ServerTls};
pub use stream::{Stream, TLS_FIRST_BYTE, first_byte};

use rustls::crypto::CryptoProvider;
use std::sync::Arc;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
