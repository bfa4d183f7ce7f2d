//! How much of a direct connection is left when its bytes go through a tunnel?
//!
//! Three ways to the same service, in turn, round after round: direct, through `tunnel-frame`, through rathole if it is
//! installed. The service and both ends of each tunnel are processes of their own. Printed are the medians and their ratio to
//! direct. Every figure is what comes out on loopback, where the ways share the processors with the visitors and the service.
//!
//! `cargo bench --bench tunnel`; with `-- --test` each way is tried once with little.

use std::env;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use benches::rathole::Rathole;
use benches::{median, tunnel_load as load};
use tunnel_frame::client::{self, AgentConfig, AllowedPorts, Loopback};
use tunnel_frame::handshake::{DeviceKey, Hello, Token};
use tunnel_frame::mux::HalfClose;
use tunnel_frame::server::{self, ServerConfig};

/// Which process this is; unset in the one that measures.
const ROLE: &str = "TUNNEL_BENCH_ROLE";

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    match env::var(ROLE).as_deref() {
        Ok("service") => {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            announce(listener.local_addr()?);
            load::serve(&listener);
            Ok(())
        }
        Ok("proxy") => run(proxy(argument(1)?.port())),
        Ok("agent") => run(agent(argument(1)?, argument(2)?.port())),
        _ => measure(env::args().any(|argument| argument == "--test")),
    }
}

struct Way {
    name: &'static str,
    to: SocketAddr,
    figures: [Vec<f64>; 4],
}

const ASKED: [(&str, f64, &str); 4] = [
    ("download, one connection", 1e-9, "GB/s"),
    ("upload, one connection", 1e-9, "GB/s"),
    ("requests on 32 open connections", 1e-3, "k/s"),
    ("connections of one request, 8 at once", 1e-3, "k/s"),
];

fn measure(test: bool) -> Outcome<()> {
    let (rounds, bytes, each) = if test { (1, 8 << 20, 20) } else { (7, 1 << 30, 2000) };
    let service = Role::start("service", &[])?;
    let proxy = Role::start("proxy", &[service.address])?;
    let control = proxy.address;
    let agent = Role::start("agent", &[control, service.address])?;
    let folder = tempfile::tempdir()?;
    let rathole = Rathole::start(folder.path(), service.address)?;

    let way = |name, to| Way { name, to, figures: Default::default() };
    let mut ways = vec![way("direct", service.address), way("tunnel-frame", agent.address)];
    match &rathole {
        Some(rathole) => ways.push(way("rathole", rathole.public)),
        None => println!("rathole is not installed (cargo install rathole): measured without it"),
    }
    for _ in 0..rounds {
        for Way { to, figures: [down, up, requests, connections], .. } in &mut ways {
            down.push(load::download(*to, bytes)?);
            up.push(load::upload(*to, bytes)?);
            requests.push(load::requests(*to, 32, each)?);
            connections.push(load::connections(*to, 8, each / 4)?);
        }
    }
    report(&ways);
    Ok(())
}

fn report(ways: &[Way]) {
    for (asked, (question, scale, unit)) in ASKED.iter().enumerate() {
        println!("{question}");
        let mut direct = None;
        for way in ways {
            let Some(figures) = way.figures.get(asked) else { continue };
            let figure = median(figures);
            let base = *direct.get_or_insert(figure);
            println!(
                "  {:<14}{:>9.2} {unit:<5} ratio to direct {:.3}",
                way.name,
                figure * scale,
                figure / base
            );
        }
    }
}

/// Another process of this program, which says an address when it is ready and ends with its standard input.
struct Role {
    address: SocketAddr,
    child: Child,
}

impl Role {
    fn start(role: &str, arguments: &[SocketAddr]) -> Outcome<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(arguments.iter().map(ToString::to_string))
            .env(ROLE, role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        let output = child.stdout.as_mut().ok_or("no output")?;
        while !said.ends_with('\n') {
            let mut byte = [0];
            output.read_exact(&mut byte)?;
            said.push(char::from(byte[0]));
        }
        Ok(Self { address: said.trim().parse()?, child })
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn announce(address: SocketAddr) {
    println!("{address}");
    let _ = io::stdout().flush();
}

fn argument(number: usize) -> Outcome<SocketAddr> {
    Ok(env::args().nth(number).ok_or("an address is missing")?.parse()?)
}

fn run(task: impl Future<Output = Outcome<()>>) -> Outcome<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(task)
}

/// Takes one agent; the public port is the control port too: the first connection is the agent's.
async fn proxy(local: u16) -> Outcome<()> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    announce(listener.local_addr()?);
    let (control, _) = listener.accept().await?;
    control.set_nodelay(true)?;
    let (tunnel, driver) = server::receive(control, ServerConfig::default()).await?.accept();
    tokio::spawn(driver.run());
    loop {
        let (visitor, _) = listener.accept().await?;
        visitor.set_nodelay(true)?;
        // A visitor who leaves here is gone: none of them waits for an answer after his last byte.
        let stream = tunnel.open_with(local, HalfClose::Close)?;
        tokio::spawn(server::relay(stream, visitor));
    }
}

async fn agent(control: SocketAddr, local: u16) -> Outcome<()> {
    let stream = tokio::net::TcpStream::connect(control).await?;
    stream.set_nodelay(true)?;
    let hello = Hello::new(Token::new("bench")?, DeviceKey::new("bench")?);
    let established = client::connect(stream, &hello, AgentConfig::default()).await?;
    announce(control);
    let ports: AllowedPorts = [local].into_iter().collect();
    let end = established.serve(ports, Loopback, std::future::pending()).await;
    Err(end.to_string().into())
}
