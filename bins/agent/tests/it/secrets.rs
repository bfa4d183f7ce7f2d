//! T11: no secret in logs, metrics, events or printed settings.

use agent::config::CredentialKind;
use daemon::config::{SecretSource, Settings};
use daemon::logging::LogFormat;
use daemon::logging::testing::{assert_no_secret, capture};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::fake_meeting::Meeting;
use crate::fake_proxy::Proxy;
use crate::harness::{Running, config, tunnel_gone, tunnel_up, with_tunnel};

const TOKEN: &str = "canary-token-5f1c9e";
const SECRET: &str = "canary-secret-77aa01";

/// T11: a whole life (accepted, refused, reloaded, stopped) at the log level that says most.
#[tokio::test]
async fn t11_a_whole_life_at_trace_level_shows_no_secret() {
    let logs = capture("trace", LogFormat::Text);
    let home = tempfile::tempdir().unwrap();
    let (meeting, mut proxy) = (Meeting::start().await, Proxy::start().await);
    let mut config = with_tunnel(config(&home, &meeting.url()), proxy.address, &[]);
    config.token = Some(SecretSource::Inline(TOKEN.into()));
    config.meeting.credential = CredentialKind::Bearer;
    config.meeting.secret = Some(SecretSource::Inline(SECRET.into()));
    let admin = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = admin.local_addr().unwrap();
    drop(admin);
    config.admin.listen = Some(address.into());
    let shown = format!("{config:?}");

    let mut agent = Running::start(config.clone());
    agent.wait_for(tunnel_up).await;
    let tunnel = proxy.tunnel().await;
    assert_eq!(proxy.tokens(), [TOKEN]);
    assert_eq!(meeting.asked()[0].headers["authorization"], format!("Bearer {SECRET}"));
    let metrics = fetch(address, "/metrics").await;
    assert!(metrics.contains("agent_tunnel_up 1"), "{metrics}");
    let ready = fetch(address, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");

    proxy.refuse(Some("invalid_token"));
    config.services.insert("http".parse().unwrap(), 80.try_into().unwrap());
    agent.settings.send_replace(config);
    agent.wait_for(tunnel_gone).await;
    agent.wait_for(tunnel_gone).await;
    tunnel.closed().await;
    let heard = agent.heard.join("\n");
    agent.stop().await.unwrap();

    let key = std::fs::read_to_string(home.path().join("state/id_ed25519")).unwrap();
    let text = logs.text();
    // The log was on: the agent's own lines are in it.
    assert!(text.contains(" agent: "), "{text}");
    for output in [&text, &metrics, &heard, &shown] {
        assert_no_secret(output, TOKEN);
        assert_no_secret(output, SECRET);
        for line in key.lines().filter(|line| !line.starts_with('-')) {
            assert_no_secret(output, line);
        }
    }
}

async fn fetch(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// T11: `--print-config`.
#[test]
fn t11_printed_settings_show_no_secret() {
    let loaded = Settings::new("AGENT")
        .set("--set", &format!("token={TOKEN}"))
        .set("--set", &format!("meeting.secret={SECRET}"))
        .load::<agent::Config>()
        .unwrap();
    let shown = loaded.print().unwrap();
    assert!(shown.contains("token = \"(hidden)\""), "{shown}");
    assert_no_secret(&shown, TOKEN);
    assert_no_secret(&shown, SECRET);
}
