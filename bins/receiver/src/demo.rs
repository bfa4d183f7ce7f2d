//! The whole of it on one machine: receiver, proxy and an agent in one process, with a device provisioned.
//!
//! Nothing is simulated: the three programs' own `run`s talk to each other over loopback, and a visitor's bytes take the way
//! that they take between machines. What the demo keeps is in one folder, which goes away with it.

mod check_ins;
mod narrator;
mod provision;
mod web;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agent::Event as AgentEvent;
use daemon::config::{PortRange, SecretSource};
use daemon::exit::{Exit, Failure};
use daemon::lifecycle::Stop;
use daemon::secret::SecretString;
use meeting_api::ServiceName;
use proxy::event::Event as ProxyEvent;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use self::check_ins::CheckIns;
use self::narrator::{Happening, Narrator, Speaker};
use self::provision::{Folder, Provisioned};
use crate::config::Config;
use crate::run::{Listeners, Receiver};

/// How long the tunnels may take to come up before the demo says that something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a person can choose.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// Keep database, keys and settings in this folder, and go on with them the next time
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Fetch the device's page through the tunnel once, print it, and end
    #[arg(long)]
    once: bool,
}

impl Options {
    /// Fetch the page once and end, as a test does.
    #[must_use]
    pub fn once() -> Self {
        Self { keep: None, once: true }
    }

    /// Keep database, keys and settings in this folder.
    #[must_use]
    pub fn keep(mut self, folder: impl Into<PathBuf>) -> Self {
        self.keep = Some(folder.into());
        self
    }
}

/// Runs the demo on `out` until `stop`, or with `--once` until the page has come through the tunnel.
///
/// # Errors
/// 74 when the folder or the output cannot be written, 69 when a port cannot be had or the tunnel does not come up.
pub async fn run(options: Options, out: impl Write, coloured: bool, stop: Stop) -> Result<(), Failure> {
    let mut narrator = Narrator::new(out, coloured);
    let folder = Folder::open(options.keep)?;
    let web = bind("the demo's web page").await?;
    let mut services = vec![(ServiceName::HTTP, port_of(&web)?)];
    if speaks_ssh().await {
        services.push((ServiceName::SSH, 22));
    }
    let ports = free_ports(services.len())?;
    let provisioned = Provisioned::make(&folder, ports, &services).await?;
    let device = provisioned.device_key.clone();
    say(&mut narrator, Speaker::Demo, &format!("everything is kept in {}", folder.path().display()))?;
    say(&mut narrator, Speaker::Receiver, &format!("device {device} provisioned and authorised"))?;

    let (tell, mut happenings) = mpsc::unbounded_channel();
    let mut programs = JoinSet::new();
    let web = tokio::spawn(web::serve(web, device));
    let api = bind("the Meeting API").await?;
    let control = bind("the control port").await?;
    let (api_port, control_port) = (port_of(&api)?, port_of(&control)?);
    say(&mut narrator, Speaker::Receiver, &format!("Meeting API on http://127.0.0.1:{api_port}/api"))?;
    let check_ins = CheckIns::new()?;
    programs.spawn(receiver(&folder, ports, &check_ins, api, stop.clone()));
    programs.spawn(proxy(&provisioned, api_port, ports, control, tell.clone(), stop.clone()));
    programs.spawn(agent(&provisioned, &folder, api_port, control_port, &services, tell, stop.clone()));

    let more = if options.once { None } else { Some(check_ins.invitation(api_port)) };
    let watched = watch(&mut narrator, &mut happenings, &mut programs, services.len(), more, &stop).await;
    stop.gently.cancel();
    let ended = end(programs).await;
    while let Ok(happening) = happenings.try_recv() {
        written(narrator.tell(&happening))?;
    }
    web.abort();
    let farewell = folder.farewell();
    drop(folder);
    say(&mut narrator, Speaker::Demo, &farewell)?;
    watched.and(ended)
}

/// Tells what happens, and shows what to try once every tunnel is up; without more to try it fetches the page and ends.
async fn watch<W: Write>(
    narrator: &mut Narrator<W>,
    happenings: &mut mpsc::UnboundedReceiver<Happening>,
    programs: &mut JoinSet<Result<(), Failure>>,
    expected: usize,
    more_to_try: Option<String>,
    stop: &Stop,
) -> Result<(), Failure> {
    let mut up: Vec<(Arc<str>, SocketAddr)> = Vec::new();
    let mut key_is_known = false;
    let mut online = false;
    let patience = tokio::time::sleep(PATIENCE);
    tokio::pin!(patience);
    loop {
        let happening = tokio::select! {
            biased;
            () = stop.gently.cancelled() => return Ok(()),
            happening = happenings.recv() => happening,
            ended = programs.join_next() => return ended.map_or(Ok(()), judged),
            () = &mut patience, if !online => {
                return Err(Failure::new(Exit::Unavailable, "the device did not come online"));
            }
        };
        let Some(happening) = happening else { return Ok(()) };
        written(narrator.tell(&happening))?;
        match happening {
            Happening::Proxy(ProxyEvent::TunnelUp { route, address }) if !online => {
                up.push((route.service, address));
            }
            Happening::Agent(AgentEvent::KeyPublished { .. } | AgentEvent::KeyConfirmed { .. }) => {
                key_is_known = true;
            }
            _ => {}
        }
        if !online && key_is_known && up.len() == expected {
            online = true;
            let Some(more) = &more_to_try else { return fetch(narrator, &up).await };
            invite(narrator, &up, more)?;
        }
    }
}

/// What to try.
fn invite<W: Write>(
    narrator: &mut Narrator<W>,
    up: &[(Arc<str>, SocketAddr)],
    more: &str,
) -> Result<(), Failure> {
    let mut text = String::from("\nThe device is online. In another terminal, try:\n\n");
    for (service, address) in up {
        if **service == *ServiceName::SSH.as_str() {
            let user = std::env::var("USER").unwrap_or_else(|_| "you".into());
            text.push_str(&format!(
                "    ssh -p {} -o HostKeyAlias=localhost {user}@{}\n",
                address.port(),
                address.ip()
            ));
        } else {
            text.push_str(&format!("    curl http://{address}/\n"));
        }
    }
    text.push_str(more);
    text.push_str("\nCtrl-C ends the demo.\n");
    written(narrator.plain(&text))
}

/// Asks for the page as a visitor does, through the public port.
async fn fetch<W: Write>(narrator: &mut Narrator<W>, up: &[(Arc<str>, SocketAddr)]) -> Result<(), Failure> {
    let address =
        up.iter().find(|(service, _)| **service == *ServiceName::HTTP.as_str()).map(|(_, address)| *address);
    let address = address.ok_or_else(|| Failure::new(Exit::Software, "no tunnel for the page"))?;
    say(narrator, Speaker::Demo, &format!("GET http://{address}/"))?;
    let answer = web::get(address)
        .await
        .map_err(|error| Failure::new(Exit::Unavailable, format!("http://{address}/")).because(error))?;
    written(narrator.plain(&format!("\n{answer}")))
}

fn receiver(
    folder: &Folder,
    ports: PortRange,
    check_ins: &CheckIns,
    api: TcpListener,
    stop: Stop,
) -> impl Future<Output = Result<(), Failure>> + use<> {
    let mut config = Config::default();
    config.database.path = folder.database();
    config.checkin = Some(check_ins.settings(folder.path().join("checkins.db")));
    config.meeting.ports = ports;
    config.meeting.tunnel_host = "127.0.0.1".into();
    config.meeting.host_keys.host = "127.0.0.1".into();
    config.meeting.host_keys.files = vec![folder.host_key()];
    let listeners = Listeners { http: Some(api), admin: None };
    Receiver::new(config).listeners(listeners).run(stop)
}

fn proxy(
    provisioned: &Provisioned,
    api_port: u16,
    ports: PortRange,
    control: TcpListener,
    tell: mpsc::UnboundedSender<Happening>,
    stop: Stop,
) -> impl Future<Output = Result<(), Failure>> + use<> {
    let mut config = proxy::Config::default();
    config.meeting.url = format!("http://127.0.0.1:{api_port}");
    let secret = SecretString::new(provisioned.proxy_secret.expose().to_owned());
    config.meeting.secret = Some(SecretSource::Inline(secret));
    config.meeting.poll_interval = Duration::from_secs(1).into();
    config.tunnels.ports = ports;
    config.shutdown.grace = Duration::from_secs(1).into();
    let listeners = proxy::Listeners { control: Some(control), ..proxy::Listeners::default() };
    proxy::Proxy::new(config)
        .listeners(listeners)
        .observer(move |event: &ProxyEvent| {
            // A demo that listens no more is about to end.
            let _ = tell.send(Happening::Proxy(event.clone()));
        })
        .run(stop)
}

fn agent(
    provisioned: &Provisioned,
    folder: &Folder,
    api_port: u16,
    control_port: u16,
    services: &[(ServiceName, u16)],
    tell: mpsc::UnboundedSender<Happening>,
    stop: Stop,
) -> impl Future<Output = Result<(), Failure>> + use<> {
    let token = SecretString::new(provisioned.token_code.expose().to_owned());
    let mut config = agent::Config {
        device_key: Some(provisioned.device_key.clone()),
        token: Some(SecretSource::Inline(token)),
        state_directory: folder.agent(),
        ..agent::Config::default()
    };
    config.meeting.url = Some(format!("http://127.0.0.1:{api_port}"));
    config.tunnel.host = Some(Ipv4Addr::LOCALHOST.to_string());
    config.tunnel.port = control_port.try_into().ok();
    config.services =
        services.iter().filter_map(|(name, port)| Some((name.clone(), (*port).try_into().ok()?))).collect();
    // This machine may be a real device with files of its own.
    config.official_files.device_info = folder.agent().join("device_info.json");
    agent::run(config, stop, move |event: &AgentEvent| {
        let _ = tell.send(Happening::Agent(event.clone()));
    })
}

async fn end(mut programs: JoinSet<Result<(), Failure>>) -> Result<(), Failure> {
    let mut outcome = Ok(());
    while let Some(ended) = programs.join_next().await {
        outcome = outcome.and(judged(ended));
    }
    outcome
}

fn judged(ended: Result<Result<(), Failure>, JoinError>) -> Result<(), Failure> {
    ended.unwrap_or_else(|panic| Err(Failure::new(Exit::Software, "the demo").because(panic)))
}

async fn bind(what: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(|error| Failure::io(format!("no port for {what}"), error))
}

fn port_of(listener: &TcpListener) -> Result<u16, Failure> {
    Ok(listener.local_addr().map_err(|error| Failure::io("a listener has no address", error))?.port())
}

/// So many ports in a row that nobody uses, of the usual range if it has them.
fn free_ports(count: usize) -> Result<PortRange, Failure> {
    let is_free = |port: u16| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let more = u16::try_from(count.saturating_sub(1)).unwrap_or(0);
    let usual = PortRange::TUNNELS.ports();
    usual
        .chain(20_000..30_000)
        .filter_map(|first| PortRange::new(first, first.checked_add(more)?))
        .find(|range| range.ports().all(is_free))
        .ok_or_else(|| Failure::new(Exit::Unavailable, "no free ports on 127.0.0.1"))
}

/// Whether an SSH server answers on this machine's port 22.
async fn speaks_ssh() -> bool {
    use tokio::io::AsyncReadExt;
    let greeting = async {
        let mut stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, 22)).await.ok()?;
        let mut banner = [0; 4];
        stream.read_exact(&mut banner).await.ok()?;
        Some(banner == *b"SSH-")
    };
    tokio::time::timeout(Duration::from_secs(2), greeting).await.ok().flatten().unwrap_or(false)
}

fn say<W: Write>(narrator: &mut Narrator<W>, speaker: Speaker, text: &str) -> Result<(), Failure> {
    written(narrator.say(speaker, text))
}

fn written(result: std::io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| Failure::io("cannot write to standard output", error))
}
