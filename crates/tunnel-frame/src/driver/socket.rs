//! Settings of a tunnel's TCP connection, for whoever owns the socket.

use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;

/// Time without traffic before the first keepalive probe.
const KEEPALIVE_TIME: Duration = Duration::from_secs(20);
/// Time between keepalive probes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// Unanswered keepalive probes before the connection is dead.
#[cfg(not(windows))]
const KEEPALIVE_RETRIES: u32 = 3;
/// How long sent bytes may stay unacknowledged.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes that the kernel may hold unsent: bulk data in front of a keystroke.
#[cfg(target_os = "linux")]
const NOT_SENT_BYTES: u32 = 128 * 1024;

/// Sets a tunnel's socket up so that small frames leave at once and a dead peer is found (threat T10): no Nagle delay,
/// keepalive after 20 s every 5 s three times, and on Linux 30 s for unacknowledged bytes and at most 128 KiB unsent.
///
/// # Errors
/// Whatever the operating system says to one of the settings.
///
/// Choice: TF-11.
pub fn tune(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let socket = SockRef::from(socket);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_TIME).with_interval(KEEPALIVE_INTERVAL);
    #[cfg(not(windows))]
    let keepalive = keepalive.with_retries(KEEPALIVE_RETRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
        socket.set_tcp_notsent_lowat(NOT_SENT_BYTES)?;
    }
    Ok(())
}
