//! Magic packets, as they leave the machine.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::UdpSocket;

use crate::{MacAddress, magic_packet};

/// A datagram may get lost, and three do no harm.
const COPIES: usize = 3;

/// Sends the magic packet of this machine to every destination.
///
/// # Errors
/// When none of them could be sent; the last failure.
///
/// Source: ipwatch §3.2. Choice: IM-88.
pub(super) async fn send(mac: MacAddress, destinations: &[SocketAddr]) -> io::Result<()> {
    let packet = magic_packet(mac);
    let mut sent = Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "no destination is configured"));
    for destination in destinations {
        let one = send_to(&packet, *destination).await;
        if one.is_ok() || sent.is_err() {
            sent = sent.or(one);
        }
    }
    sent
}

async fn send_to(packet: &[u8], destination: SocketAddr) -> io::Result<()> {
    let here = match destination {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(here).await?;
    socket.set_broadcast(destination.is_ipv4())?;
    for _ in 0..COPIES {
        socket.send_to(packet, destination).await?;
    }
    Ok(())
}
