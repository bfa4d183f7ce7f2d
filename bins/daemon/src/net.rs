//! Listening sockets and the options that every TCP connection of these programs carries.

use crate::config::ListenAddress;
use crate::exit::{Exit, Failure};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Silence before the first keepalive probe.
pub const KEEPALIVE_AFTER: Duration = Duration::from_secs(20);
/// Time between keepalive probes.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// Unanswered probes after which a connection is dead: found after 35 s of silence.
pub const KEEPALIVE_PROBES: u32 = 3;
/// How long sent data may stay unacknowledged, or a peer's window closed, before the connection is dead.
pub const USER_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections that the kernel holds for us before we accept them.
const BACKLOG: i32 = 1024;

/// Sets what a connection needs to be quick and to notice a dead peer (T10): `TCP_NODELAY`, keepalive 20 s / 5 s / 3,
/// and on Linux `TCP_USER_TIMEOUT` 30 s, because keepalive does not watch data in flight.
///
/// # Errors
/// The socket is gone.
pub fn tune(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_INTERVAL);
    socket.set_tcp_keepalive(&keepalive.with_retries(KEEPALIVE_PROBES))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(())
}

/// Connects and tunes, trying each address of the name in turn.
///
/// # Errors
/// The name has no address, none accepts, or `limit` is over (`TimedOut`).
pub async fn connect(host: &str, port: u16, limit: Duration) -> io::Result<TcpStream> {
    let connecting = async {
        let stream = TcpStream::connect((host, port)).await?;
        tune(&stream)?;
        Ok(stream)
    };
    tokio::time::timeout(limit, connecting)
        .await
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer within the time limit")))
}

/// Binds a listening socket. The address may be taken again right after a restart, never while another one listens.
///
/// # Errors
/// The name has no address, or the address is taken, not ours, or not permitted.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // `[::]` takes IPv4 too, whatever the system's default is.
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Binds what a setting names, a socket from systemd included.
///
/// # Errors
/// A [`Failure`] that names the address and says what to try.
pub async fn bind(address: &ListenAddress) -> Result<TcpListener, Failure> {
    let result = match address {
        ListenAddress::Host { host, port } => bind_host(host, *port).await,
        ListenAddress::Systemd(name) => from_systemd(name),
    };
    result.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => {
                Some("another port, or stop the program that has it (`ss -ltnp` shows which)")
            }
            io::ErrorKind::PermissionDenied => {
                Some("a port above 1023, or AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit")
            }
            io::ErrorKind::AddrNotAvailable => Some("an address of this machine (`ip address` lists them)"),
            _ => None,
        };
        let failure = Failure::new(listen_exit(&error), format!("cannot listen on {address}")).because(error);
        match advice {
            Some(advice) => failure.advise(advice),
            None => failure,
        }
    })
}

/// A listener that is open already, or else what a setting names.
///
/// # Errors
/// As [`bind`].
pub async fn opened(
    given: Option<TcpListener>,
    configured: Option<&ListenAddress>,
) -> Result<Option<TcpListener>, Failure> {
    match (given, configured) {
        (Some(listener), _) => Ok(Some(listener)),
        (None, Some(address)) => bind(address).await.map(Some),
        (None, None) => Ok(None),
    }
}

fn listen_exit(error: &io::Error) -> Exit {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::InvalidInput => Exit::Configuration,
        _ => Exit::for_io(error),
    }
}

async fn bind_host(host: &str, port: u16) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in tokio::net::lookup_host((host, port)).await? {
        match listen(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Takes a listening socket that systemd opened. `LISTEN_FDNAMES` gives the names, in the order of the descriptors.
fn from_systemd(name: &str) -> io::Result<TcpListener> {
    use std::sync::{Mutex, OnceLock, PoisonError};
    // The environment is read once: after that the descriptors belong to us and may be handed out one by one.
    static SOCKETS: OnceLock<Mutex<listenfd::ListenFd>> = OnceLock::new();
    let sockets = SOCKETS.get_or_init(|| Mutex::new(listenfd::ListenFd::from_env()));
    let missing =
        || io::Error::new(io::ErrorKind::NotFound, format!("systemd passed no socket named `{name}`"));
    let names = std::env::var("LISTEN_FDNAMES").map_err(|_| missing())?;
    let index = names.split(':').position(|given| given == name).ok_or_else(missing)?;
    let mut sockets = sockets.lock().unwrap_or_else(PoisonError::into_inner);
    let listener = sockets.take_tcp_listener(index)?.ok_or_else(missing)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Accepts one connection, and survives what is not the listener's end.
///
/// Out of descriptors or memory, it waits 100 ms and longer, up to 1 s, and says so; a connection that was gone before
/// it was accepted is passed over. The stream is tuned ([`tune`]).
pub async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut pause = Duration::from_millis(100);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match tune(&stream) {
                Ok(()) => return (stream, peer),
                Err(error) => tracing::debug!(%peer, %error, "a connection was gone before it was accepted"),
            },
            Err(error) if is_about_one_connection(&error) => {
                tracing::debug!(%error, "a connection was gone before it was accepted");
            }
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "cannot accept connections; waiting");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted | Kind::ConnectionReset | Kind::ConnectionRefused | Kind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn t10_both_ends_of_a_connection_watch_their_peer() {
        let listener = bind(&"127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (ours, (theirs, peer)) =
            tokio::join!(connect("127.0.0.1", port, USER_TIMEOUT), accept(&listener));
        let ours = ours.unwrap();
        assert_eq!(peer, ours.local_addr().unwrap());
        for stream in [&ours, &theirs] {
            let socket = SockRef::from(stream);
            assert!(socket.tcp_nodelay().unwrap());
            assert!(socket.keepalive().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEPALIVE_AFTER);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), KEEPALIVE_INTERVAL);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), KEEPALIVE_PROBES);
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(USER_TIMEOUT));
        }
    }

    #[tokio::test]
    async fn a_taken_port_says_what_to_try() {
        let first = bind(&"127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = first.local_addr().unwrap();
        let failure = bind(&address.into()).await.unwrap_err();
        assert_eq!(failure.exit(), Exit::Unavailable);
        let text = failure.to_string();
        assert!(text.starts_with(&format!("cannot listen on {address}: ")), "{text}");
        assert!(text.contains("\n  try: another port"), "{text}");
    }

    #[tokio::test]
    async fn a_socket_that_systemd_did_not_pass_is_a_configuration_error() {
        let failure = bind(&"systemd:control".parse().unwrap()).await.unwrap_err();
        assert_eq!(failure.exit(), Exit::Configuration);
        assert_eq!(
            failure.to_string(),
            "cannot listen on systemd:control: systemd passed no socket named `control`"
        );
    }
}
