//! An agent under test: settings for this machine, a clock that stands still, and its events in order.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::addresses::{Interface, Network};
use agent::{Agent, Config, Event};
use daemon::exit::Failure;
use daemon::lifecycle::Stop;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

pub(crate) const DEVICE_KEY: &str = "0123456789abcdef0123456789abcdef";

/// Time stands still until the test moves it. Tokio's paused clock by itself jumps to the next timer whenever
/// everybody waits, also for a socket; a blocking task that never ends keeps it from that.
pub(crate) struct FrozenClock {
    _release: std::sync::mpsc::Sender<()>,
}

impl FrozenClock {
    pub(crate) fn new() -> Self {
        let (release, held) = std::sync::mpsc::channel::<()>();
        drop(tokio::task::spawn_blocking(move || held.recv()));
        Self { _release: release }
    }

    /// Moves time, and a little more: timers have a resolution of a millisecond and never fire early.
    pub(crate) async fn advance(&self, time: Duration) {
        tokio::time::advance(time + Duration::from_millis(2)).await;
    }
}

/// A network with one address, which a test can change.
#[derive(Clone)]
pub(crate) struct OneAddress {
    pub(crate) lan: Arc<Mutex<IpAddr>>,
    /// Whether connections from loopback count as being from an address that is there.
    pub(crate) has_loopback: Arc<Mutex<bool>>,
}

impl Default for OneAddress {
    fn default() -> Self {
        let lan = Arc::new(Mutex::new(IpAddr::from([192, 0, 2, 10])));
        Self { lan, has_loopback: Arc::new(Mutex::new(true)) }
    }
}

impl Network for OneAddress {
    fn interfaces(&self) -> io::Result<Vec<Interface>> {
        let mac = Some(meeting_api::MacAddress::new([2, 0, 0, 0, 0, 1]));
        Ok(vec![Interface { name: "eth0".to_owned(), mac, addresses: vec![*self.lan.lock().unwrap()] }])
    }

    fn source_towards(&self, _: SocketAddr) -> io::Result<IpAddr> {
        Ok(*self.lan.lock().unwrap())
    }

    fn still_has(&self, _: IpAddr) -> bool {
        *self.has_loopback.lock().unwrap()
    }
}

/// Settings for tests: everything below `home`, nothing of this machine's own.
pub(crate) fn config(home: &TempDir, meeting: &str) -> Config {
    let device_key = Some(DEVICE_KEY.parse().unwrap());
    let mut config = Config { device_key, state_directory: home.path().join("state"), ..Config::default() };
    config.meeting.url = Some(meeting.to_owned());
    config.official_files.device_info = home.path().join("device_info.json");
    config.services.clear();
    config
}

/// Adds a tunnel to `config`.
pub(crate) fn with_tunnel(mut config: Config, proxy: SocketAddr, services: &[(&str, u16)]) -> Config {
    config.token = Some(daemon::config::SecretSource::Inline("a1b2c3".into()));
    config.tunnel.host = Some(proxy.ip().to_string());
    config.tunnel.port = proxy.port().try_into().ok();
    config.services =
        services.iter().map(|(name, port)| (name.parse().unwrap(), (*port).try_into().unwrap())).collect();
    config
}

/// An agent that runs.
pub(crate) struct Running {
    events: mpsc::UnboundedReceiver<Event>,
    stop: Stop,
    task: tokio::task::JoinHandle<Result<(), Failure>>,
    pub(crate) settings: watch::Sender<Config>,
    /// All events so far, as text.
    pub(crate) heard: Vec<String>,
}

impl Running {
    pub(crate) fn start(config: Config) -> Self {
        Self::start_on(config, OneAddress::default())
    }

    pub(crate) fn start_on(config: Config, network: OneAddress) -> Self {
        let (tell, events) = mpsc::unbounded_channel();
        let stop = Stop::default();
        let (settings, reloads) = watch::channel(config.clone());
        let agent = Agent::new(config).network(network).reloads(reloads);
        let task = tokio::spawn(agent.run(stop.clone(), move |event: &Event| {
            let _ = tell.send(event.clone());
        }));
        Self { events, stop, task, settings, heard: Vec::new() }
    }

    /// The next event of which `pick` makes something; others pass.
    pub(crate) async fn wait_for<T>(&mut self, pick: impl Fn(&Event) -> Option<T>) -> T {
        loop {
            let Some(event) = self.events.recv().await else {
                panic!("the agent ended; heard: {:#?}", self.heard);
            };
            self.heard.push(event.to_string());
            if let Some(picked) = pick(&event) {
                return picked;
            }
        }
    }

    /// The wait that the next event of this kind announces.
    pub(crate) async fn retry_in(&mut self, is: impl Fn(&Event) -> Option<Duration>) -> Duration {
        self.wait_for(is).await
    }

    pub(crate) async fn stop(self) -> Result<(), Failure> {
        self.stop.gently.cancel();
        self.task.await.unwrap()
    }
}

pub(crate) fn accepted(event: &Event) -> Option<()> {
    matches!(event, Event::HeartbeatAccepted { .. }).then_some(())
}

pub(crate) fn not_provisioned(event: &Event) -> Option<Duration> {
    if let Event::NotProvisioned { retry_in } = event { Some(*retry_in) } else { None }
}

pub(crate) fn heartbeat_failed(event: &Event) -> Option<Duration> {
    if let Event::HeartbeatFailed { retry_in, .. } = event { Some(*retry_in) } else { None }
}

pub(crate) fn tunnel_up(event: &Event) -> Option<()> {
    matches!(event, Event::TunnelUp { .. }).then_some(())
}

/// The wait after a tunnel's end, however it ended.
pub(crate) fn tunnel_gone(event: &Event) -> Option<Duration> {
    match event {
        Event::TunnelDown { retry_in: Some(retry_in), .. }
        | Event::TunnelRefused { retry_in, .. }
        | Event::TunnelContested { retry_in } => Some(*retry_in),
        _ => None,
    }
}
