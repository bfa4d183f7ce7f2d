//! A small proxy: accepts agents as a test says and hands their tunnels over.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tunnel_frame::handshake::Refusal;
use tunnel_frame::server::{ServerConfig, Tunnel, receive};

/// The proxy; a new session of a device ends the old one, as the real one does.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    refuse: Arc<Mutex<Option<String>>>,
    tokens: Arc<Mutex<Vec<String>>>,
    tunnels: mpsc::UnboundedReceiver<Tunnel>,
    handed_over: mpsc::UnboundedSender<Tunnel>,
    serving: Option<tokio::task::JoinHandle<()>>,
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (handed_over, tunnels) = mpsc::unbounded_channel();
        let (refuse, tokens) = (Arc::default(), Arc::default());
        let mut proxy = Self { address, refuse, tokens, tunnels, handed_over, serving: None };
        proxy.serve(listener);
        proxy
    }

    fn serve(&mut self, listener: TcpListener) {
        let serving = serve(listener, self.refuse.clone(), self.tokens.clone(), self.handed_over.clone());
        self.serving = Some(tokio::spawn(serving));
    }

    /// From now on agents are refused for this reason; `None` lets them in again.
    pub(crate) fn refuse(&self, reason: Option<&str>) {
        *self.refuse.lock().unwrap() = reason.map(str::to_owned);
    }

    /// The next tunnel that was accepted.
    pub(crate) async fn tunnel(&mut self) -> Tunnel {
        self.tunnels.recv().await.unwrap()
    }

    /// The tokens that agents have presented.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.tokens.lock().unwrap().clone()
    }

    pub(crate) async fn go_away(&mut self) {
        let serving = self.serving.take().unwrap();
        serving.abort();
        let _ = serving.await;
    }

    pub(crate) async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }
}

async fn serve(
    listener: TcpListener,
    refuse: Arc<Mutex<Option<String>>>,
    tokens: Arc<Mutex<Vec<String>>>,
    handed_over: mpsc::UnboundedSender<Tunnel>,
) {
    let mut drivers = JoinSet::new();
    let mut owners: HashMap<String, Tunnel> = HashMap::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let Ok(pending) = receive(stream, ServerConfig::default()).await else { continue };
        tokens.lock().unwrap().push(pending.hello().token().expose().to_owned());
        let reason = refuse.lock().unwrap().clone();
        if let Some(reason) = reason {
            let _ = pending.refuse(Refusal::auth_failed(reason)).await;
            continue;
        }
        let name = pending.hello().name().as_str().to_owned();
        let (tunnel, driver) = pending.accept();
        if let Some(old) = owners.insert(name, tunnel.clone()) {
            old.shutdown();
        }
        drivers.spawn(driver.run());
        handed_over.send(tunnel).unwrap();
    }
}
