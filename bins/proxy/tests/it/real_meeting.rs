//! The proxy with this workspace's own Meeting server and its SQLite store.

use std::net::{Ipv4Addr, SocketAddr};

use daemon::config::Period;
use daemon::http::{HttpLimits, Server};
use daemon::lifecycle::Stop;
use meeting_api::client::{Client, Credential};
use meeting_api::endpoint::devices::CreateDevice;
use meeting_api::endpoint::heartbeat::Heartbeat;
use meeting_api::endpoint::service_request::ServiceRequest;
use meeting_api::server::store::{Credentials, Role};
use meeting_api::server::{
    MeetingServer, Settings, SqliteOptions, SqliteStore, SystemClock, SystemRandom, mint_secret,
};
use meeting_api::{DeviceKey, Secret, TokenCode};
use proxy::{Ended, Event, Reason};
use tokio::net::TcpListener;

use crate::stage::{Stage, echo, visit};

struct Real {
    url: String,
    operator: Client,
    proxy_secret: String,
    stop: Stop,
    _folder: tempfile::TempDir,
}

impl Drop for Real {
    fn drop(&mut self) {
        self.stop.gently.cancel();
    }
}

async fn mint(server: &MeetingServer<SqliteStore>, role: Role) -> String {
    let now = meeting_api::server::Clock::now(&SystemClock);
    let minted = mint_secret(role, "test", now, &SystemRandom).unwrap();
    assert!(server.store().create_credential(minted.credential).await.unwrap());
    minted.secret.expose().to_owned()
}

async fn start() -> Real {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(SqliteOptions::new(folder.path().join("meeting.db"))).unwrap();
    let server = MeetingServer::new(store, Settings::default());
    let (operator, proxy_secret) = (mint(&server, Role::Operator).await, mint(&server, Role::Proxy).await);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = Stop::default();
    tokio::spawn(Server::new(HttpLimits::default()).serve(listener, server, stop.clone()));
    let client = Client::builder(&url).unwrap().build().unwrap();
    let operator = client.with_credential(Credential::Bearer(Secret::new(operator))).unwrap();
    Real { url, operator, proxy_secret, stop, _folder: folder }
}

#[tokio::test]
async fn from_the_first_heartbeat_to_the_visitor_and_back_to_a_closed_port() {
    let real = start().await;
    let mut stage = Stage::with(|config| {
        config.meeting.url.clone_from(&real.url);
        config.meeting.secret = Some(daemon::secret::SecretString::from(&*real.proxy_secret).into());
        config.admin.listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into());
        config.tunnels.linger = Period::from_secs(1);
    })
    .await;
    let key = DeviceKey::new("0123456789abcdef0123456789abcdef").unwrap();
    let device = Client::builder(&real.url).unwrap().build().unwrap();
    assert_eq!(stage.refusal(key.as_str(), "c0ffee").await, Reason::DeviceNotFound);

    let token = TokenCode::new("c0ffee").unwrap();
    let new = CreateDevice {
        device_key: Some(key.clone()),
        token_code: Some(token),
        token_count: Some(1),
        ..Default::default()
    };
    real.operator.create_device(&new).await.unwrap();
    assert_eq!(stage.refusal(key.as_str(), "decade").await, Reason::InvalidToken);
    assert_eq!(stage.refusal(key.as_str(), "c0ffee").await, Reason::NotAuthorized);
    real.operator.set_authorized(&key, true).await.unwrap();
    assert_eq!(stage.refusal(key.as_str(), "c0ffee").await, Reason::NoRecentHeartbeat);
    device.heartbeat(&key, &Heartbeat::default()).await.unwrap();

    let service = echo().await;
    let agent = stage.agent(key.as_str(), "c0ffee", &[service]).await.unwrap();
    let grant = device.request_service(&key, &ServiceRequest::relay(service).unwrap()).await.unwrap();
    let address = stage.tunnel_up(grant.port).await;
    assert_eq!(visit(address, b"through it all").await.unwrap(), b"through it all");

    real.operator.set_authorized(&key, false).await.unwrap();
    assert_eq!(stage.disconnected().await, Ended::Revoked);
    stage.tunnel_down(grant.port).await;
    agent.ended().await;
    assert!(!stage.untaken().iter().any(|event| matches!(event, Event::MeetingUnreachable { .. })));
}
