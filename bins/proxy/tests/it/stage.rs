//! A proxy with a fake Meeting server, agents and services around it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use daemon::config::Period;
use daemon::exit::Failure;
use daemon::lifecycle::Stop;
use proxy::{Config, Event, Listeners, Proxy, PublicPorts, Reason};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tunnel_frame::client::{self, AgentConfig, AllowedPorts, ConnectError, Loopback, SessionEnd};
use tunnel_frame::handshake::{DeviceKey, Hello, Token};

use crate::fake_meeting::{FakeMeeting, PROXY_SECRET};

/// Nothing in these tests takes so long unless it hangs.
const HANG: Duration = Duration::from_secs(20);

/// Public ports whose numbers are free on this machine: each is held by a socket that does not listen, so that connecting is refused
/// whenever the proxy does not listen.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeldPorts(Arc<Mutex<HashMap<u16, Held>>>);

#[derive(Debug)]
struct Held {
    _socket: Socket,
    address: SocketAddr,
}

impl HeldPorts {
    /// Where visitors reach the public port `port`.
    pub(crate) fn address(&self, port: u16) -> SocketAddr {
        let mut held = self.0.lock().unwrap();
        let held = held.entry(port).or_insert_with(|| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_reuse_address(true).unwrap();
            socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
            let address = socket.local_addr().unwrap().as_socket().unwrap();
            Held { _socket: socket, address }
        });
        held.address
    }
}

impl PublicPorts for HeldPorts {
    fn bind(&self, address: SocketAddr) -> io::Result<TcpListener> {
        daemon::net::listen(self.address(address.port()))
    }
}

/// A proxy that runs.
pub(crate) struct Stage {
    pub(crate) meeting: FakeMeeting,
    pub(crate) control: SocketAddr,
    pub(crate) ports: HeldPorts,
    pub(crate) stop: Stop,
    pub(crate) reloads: mpsc::Sender<Config>,
    pub(crate) config: Config,
    events: mpsc::UnboundedReceiver<Event>,
    backlog: Vec<Event>,
    proxy: JoinHandle<Result<(), Failure>>,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let meeting = FakeMeeting::start().await;
        let mut config = Config::default();
        config.meeting.url = meeting.url();
        config.meeting.secret = Some(daemon::secret::SecretString::from(PROXY_SECRET).into());
        config.meeting.poll_interval = Period::from(Duration::from_millis(100));
        config.meeting.recheck_interval = Period::from(Duration::from_millis(100));
        config.meeting.cache = Period::from(Duration::ZERO);
        config.meeting.timeout = Period::from_secs(5);
        config.control.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into();
        config.shutdown.grace = Period::from_secs(2);
        change(&mut config);
        let ports = HeldPorts::default();
        let (sender, events) = mpsc::unbounded_channel();
        let (reloads, reload) = mpsc::channel(1);
        let listeners = Listeners { public: Some(Arc::new(ports.clone())), ..Listeners::default() };
        let stop = Stop::default();
        let proxy = Proxy::new(config.clone())
            .listeners(listeners)
            .reloads(reload)
            .observer(move |event: &Event| drop(sender.send(event.clone())))
            .run(stop.clone());
        let proxy = tokio::spawn(proxy);
        let control = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let mut stage =
            Self { meeting, control, ports, stop, reloads, config, events, backlog: Vec::new(), proxy };
        let listening = stage.expect(|event| matches!(event, Event::ControlListening { .. })).await;
        let Event::ControlListening { address } = listening else { unreachable!() };
        stage.control = address;
        stage
    }

    /// The first event, of those that came and are still to come, that fits; it is taken out.
    pub(crate) async fn expect(&mut self, fits: impl Fn(&Event) -> bool) -> Event {
        if let Some(index) = self.backlog.iter().position(&fits) {
            return self.backlog.remove(index);
        }
        loop {
            match tokio::time::timeout(HANG, self.events.recv()).await {
                Ok(Some(event)) if fits(&event) => return event,
                Ok(Some(event)) => self.backlog.push(event),
                Ok(None) => panic!("the proxy ended; it had told {:#?}", self.backlog),
                Err(_) => panic!("the event does not come; so far {:#?}", self.backlog),
            }
        }
    }

    pub(crate) async fn tunnel_up(&mut self, port: u16) -> SocketAddr {
        let up =
            self.expect(|event| matches!(event, Event::TunnelUp { route, .. } if route.port == port)).await;
        let Event::TunnelUp { address, .. } = up else { unreachable!() };
        assert_eq!(address, self.ports.address(port));
        address
    }

    pub(crate) async fn tunnel_down(&mut self, port: u16) -> &'static str {
        let down =
            self.expect(|event| matches!(event, Event::TunnelDown { route, .. } if route.port == port));
        let Event::TunnelDown { reason, .. } = down.await else { unreachable!() };
        reason.as_str()
    }

    pub(crate) async fn disconnected(&mut self) -> proxy::Ended {
        let event = self.expect(|event| matches!(event, Event::DeviceDisconnected { .. })).await;
        let Event::DeviceDisconnected { reason, .. } = event else { unreachable!() };
        reason
    }

    /// All events so far that nobody took.
    pub(crate) fn untaken(&mut self) -> &[Event] {
        while let Ok(event) = self.events.try_recv() {
            self.backlog.push(event);
        }
        &self.backlog
    }

    /// Connects an agent from 127.0.0.1 that may reach `ports`.
    pub(crate) async fn agent(&self, key: &str, token: &str, ports: &[u16]) -> Result<Agent, ConnectError> {
        self.agent_from(Ipv4Addr::LOCALHOST.into(), key, token, ports).await
    }

    pub(crate) async fn agent_from(
        &self,
        source: IpAddr,
        key: &str,
        token: &str,
        ports: &[u16],
    ) -> Result<Agent, ConnectError> {
        let stream = connect_from(source, self.control).await.map_err(ConnectError::Io)?;
        agent_over(stream, key, token, ports).await
    }

    /// Why an agent is refused.
    pub(crate) async fn refusal(&self, key: &str, token: &str) -> Reason {
        self.refusal_from(Ipv4Addr::LOCALHOST.into(), key, token).await
    }

    pub(crate) async fn refusal_from(&self, source: IpAddr, key: &str, token: &str) -> Reason {
        match self.agent_from(source, key, token, &[]).await {
            Err(ConnectError::Refused(refusal)) => reason_of(&refusal),
            Err(error) => panic!("no refusal: {error}"),
            Ok(_) => panic!("the agent was accepted"),
        }
    }

    /// Stops the proxy in order.
    pub(crate) async fn finish(mut self) -> Result<(), Failure> {
        self.stop.gently.cancel();
        tokio::time::timeout(HANG, &mut self.proxy).await.expect("the proxy does not end").unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.proxy.abort();
    }
}

pub(crate) fn reason_of(refusal: &tunnel_frame::handshake::Refusal) -> Reason {
    assert_eq!(refusal.error(), "auth_failed");
    let word = refusal.reason().expect("a refusal has a reason");
    *Reason::ALL.iter().find(|reason| reason.as_str() == word).expect("a reason that is documented")
}

pub(crate) async fn connect_from(source: IpAddr, target: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(target).await
}

pub(crate) fn hello(key: &str, token: &str) -> Hello {
    Hello::new(Token::new(token).unwrap(), DeviceKey::new(key).unwrap())
}

pub(crate) async fn agent_over<S>(
    stream: S,
    key: &str,
    token: &str,
    ports: &[u16],
) -> Result<Agent, ConnectError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let established = client::connect(stream, &hello(key, token), AgentConfig::default()).await?;
    let monitor = established.monitor();
    let ports: AllowedPorts = ports.iter().copied().collect();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(established.serve(ports, Loopback, async {
        let _ = stopped.await;
    }));
    Ok(Agent { monitor, stop: Some(stop), task })
}

/// An agent that serves.
pub(crate) struct Agent {
    pub(crate) monitor: client::Monitor,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<SessionEnd>,
}

impl Agent {
    /// Closes the connection in order.
    pub(crate) async fn leave(mut self) -> SessionEnd {
        drop(self.stop.take());
        self.ended().await
    }

    /// Waits for the end of the session.
    pub(crate) async fn ended(self) -> SessionEnd {
        let Self { stop, task, .. } = self;
        let end = tokio::time::timeout(HANG, task).await.expect("the agent's session does not end").unwrap();
        drop(stop);
        end
    }
}

/// A service of the device that sends back what it gets.
pub(crate) async fn echo() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = write.shutdown().await;
            });
        }
    });
    port
}

/// Sends `text` as a visitor and gives back as many bytes; then he leaves.
pub(crate) async fn visit(address: SocketAddr, text: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(text).await?;
    let mut reply = vec![0; text.len()];
    stream.read_exact(&mut reply).await?;
    Ok(reply)
}
