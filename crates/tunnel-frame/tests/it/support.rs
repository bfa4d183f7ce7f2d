//! A tunnel over memory, with services that a test plays itself.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tunnel_frame::client::{self, AgentConfig, AllowedPorts, Connector, LocalEvent};
use tunnel_frame::handshake::{DeviceKey, Hello, Token};
use tunnel_frame::server::{self, ServerConfig, SessionEnd, Tunnel};

/// The hello of every test.
pub(crate) fn hello() -> Hello {
    Hello::new(Token::new("c0ffee").unwrap(), DeviceKey::new("device-1").unwrap())
}

/// A device whose local connections arrive at the test.
#[derive(Clone)]
pub(crate) struct Device {
    accepted: Arc<Mutex<HashMap<u16, mpsc::UnboundedSender<DuplexStream>>>>,
    pub(crate) events: Arc<Mutex<Vec<LocalEvent>>>,
    buffer: usize,
}

impl Device {
    pub(crate) fn new(buffer: usize) -> Self {
        Self { accepted: Arc::default(), events: Arc::default(), buffer }
    }

    /// Listens on a port of the device.
    pub(crate) fn listen(&self, port: u16) -> mpsc::UnboundedReceiver<DuplexStream> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.accepted.lock().unwrap().insert(port, sender);
        receiver
    }
}

impl Connector for Device {
    type Stream = DuplexStream;

    async fn connect(&self, port: u16) -> io::Result<DuplexStream> {
        let (ours, theirs) = duplex(self.buffer);
        let accepted = self.accepted.lock().unwrap();
        let listener = accepted.get(&port).ok_or(io::ErrorKind::ConnectionRefused)?;
        listener.send(theirs).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(ours)
    }

    fn observe(&self, event: LocalEvent) {
        self.events.lock().unwrap().push(event);
    }
}

/// Both ends of a tunnel over memory.
pub(crate) struct Pair {
    pub(crate) tunnel: Tunnel,
    pub(crate) monitor: client::Monitor,
    pub(crate) agent: JoinHandle<SessionEnd>,
    pub(crate) driver: JoinHandle<SessionEnd>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
}

pub(crate) async fn pair(device: Device, ports: &[u16], agent: AgentConfig, proxy: ServerConfig) -> Pair {
    let (agent_io, proxy_io) = duplex(64 * 1024);
    let accepting = async {
        let pending = server::receive(proxy_io, proxy).await.unwrap();
        assert!(pending.hello().token().matches("c0ffee"));
        let (tunnel, driver) = pending.accept();
        (tunnel, tokio::spawn(driver.run()))
    };
    let hello = hello();
    let (established, (tunnel, driver)) = tokio::join!(client::connect(agent_io, &hello, agent), accepting);
    let established = established.unwrap();
    let monitor = established.monitor();
    let ports: AllowedPorts = ports.iter().copied().collect();
    let (stop, stopped) = oneshot::channel::<()>();
    let agent = tokio::spawn(async move {
        established
            .serve(ports, device, async {
                if stopped.await.is_err() {
                    std::future::pending().await
                }
            })
            .await
    });
    Pair { tunnel, monitor, agent, driver, stop: Some(stop) }
}

/// Random numbers that a seed repeats (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> usize {
        (self.roll() % bound) as usize
    }
}

/// A number from the environment, for longer runs than a test suite has time for.
pub(crate) fn from_env(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
