//! One HTTP/1.1 listener for any tower service, with the limits that an open port needs.
//!
//! What hyper leaves open is closed here: a request with both Content-Length and Transfer-Encoding is 400 (R3), an idle
//! connection and a slow header have limits of their own, a panic in a service is 500 for that request only.

mod connection;
mod framing;
mod mount;
mod server;
mod service;

pub use mount::{BoxBody, BoxError, Mount, full, text};
pub use server::{HttpLimits, Server};

use crate::tls::PeerCertificate;
use std::net::SocketAddr;
use std::sync::Arc;

/// Who is at the other end of a request's connection; found in the request's extensions.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Address and port that the connection came from. Behind a reverse proxy this is the proxy's.
    pub address: SocketAddr,
    /// Our own address and port.
    pub local: SocketAddr,
    /// Whether the connection is encrypted up to us.
    pub tls: bool,
    /// The verified client certificate.
    pub certificate: Option<Arc<PeerCertificate>>,
}
