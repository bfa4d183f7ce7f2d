//! The receiver through `run()`: first start, service, reload, health, TLS, restart.

use daemon::config::SecretSource;
use daemon::logging::LogFormat;
use daemon::logging::testing::{assert_no_secret, capture};
use daemon::tls::ServerTls;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use meeting_api::endpoint::devices::{CreateDevice, ListQuery};
use meeting_api::endpoint::heartbeat::Heartbeat;
use receiver::config::DeviceCredentials;

use crate::stage::{Stage, config_in, run_command};

/// A page of the admin listener: status and text.
async fn page(base: &str, path: &str) -> (u16, String) {
    let address = base.strip_prefix("http://").unwrap();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request =
        http::Request::get(path).header("host", address).body(Empty::<bytes::Bytes>::new()).unwrap();
    let response = send.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    connection.abort();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_first_start_makes_one_operator_and_further_starts_none() {
    let stage = Stage::start().await;
    let secret = stage.operator_secret();
    assert!(secret.starts_with("mop_"), "a secret of an operator");
    assert_eq!(stage.operator().devices(&ListQuery::default()).await.unwrap().total, 0);
    let refused = stage.client(None).devices(&ListQuery::default()).await.unwrap_err();
    assert_eq!(refused.to_string(), "the server refused: 401 Credential required");
    let folder = stage.end().await;
    std::fs::remove_file(folder.path().join("operator.secret")).unwrap();
    let config = config_in(folder.path());
    let stage = Stage::with(folder, config).await;
    assert!(!stage.folder.path().join("operator.secret").exists());
    assert_eq!(stage.client(Some(&secret)).devices(&ListQuery::default()).await.unwrap().total, 0);
    stage.end().await;
}

#[tokio::test]
async fn a_device_lives_through_a_restart() {
    let stage = Stage::start().await;
    let new = CreateDevice { authorized: Some(true), token_count: Some(1), ..CreateDevice::default() };
    let key = stage.operator().create_device(&new).await.unwrap().device_key;
    let reply = stage.client(None).heartbeat(&key, &Heartbeat::default()).await.unwrap();
    assert_eq!(reply.ip_address, Some("127.0.0.1".parse().unwrap()));
    let folder = stage.end().await;
    let config = config_in(folder.path());
    let stage = Stage::with(folder, config).await;
    let seen = stage.client(None).last_seen(&key).await.unwrap();
    assert_eq!(seen.last_seen, reply.last_seen);
    stage.end().await;
}

#[tokio::test]
async fn health_and_metrics_tell_what_happens() {
    let stage = Stage::start().await;
    assert_eq!(page(&stage.admin, "/healthz").await.0, 200);
    // The first round of housekeeping asks the database; until then the receiver is not ready.
    while page(&stage.admin, "/readyz").await.0 != 200 {
        tokio::task::yield_now().await;
    }
    let metrics = page(&stage.admin, "/metrics").await.1;
    let answers = "receiver_meeting_answers_total{operation=\"ApiStatus\",status=\"200\"} 1";
    assert!(metrics.contains(answers), "{metrics}");
    stage.end().await;
}

#[tokio::test]
async fn new_settings_are_applied_and_unusable_ones_are_not() {
    let stage = Stage::start().await;
    let mut config = stage.config.clone();
    config.meeting.device_credentials = DeviceCredentials::Required;
    let key = "unknown-device".parse().unwrap();
    let status = async || {
        let error = stage.client(None).heartbeat(&key, &Heartbeat::default()).await.unwrap_err();
        error.to_string()
    };
    assert_eq!(status().await, "the server refused: 404 Device not found");
    stage.reload.send(config.clone()).await.unwrap();
    while status().await != "the server refused: 401 Credential required" {
        tokio::task::yield_now().await;
    }
    config.meeting.device_credentials = DeviceCredentials::Compatible;
    config.meeting.trusted_proxies = vec!["nonsense".into()];
    // The channel holds one: when the third has been sent, the first has been looked at.
    for _ in 0..3 {
        stage.reload.send(config.clone()).await.unwrap();
    }
    assert_eq!(status().await, "the server refused: 401 Credential required");
    stage.end().await;
}

#[tokio::test]
async fn two_lengths_for_one_body_are_refused_on_the_wire() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let stage = Stage::start().await;
    let address = stage.http.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = "POST /api/devices/a/online HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\
                   Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "R3: {answer}");
    stage.end().await;
}

#[tokio::test]
async fn tls_is_all_that_a_listener_with_a_certificate_takes() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut config = config_in(folder.path());
    config.http.tls = Some(ServerTls {
        certificate,
        key,
        client_ca: None,
        client_certificates: daemon::tls::ClientCertificates::default(),
    });
    let stage = Stage::with(folder, config).await;
    let address = stage.http.strip_prefix("https://").unwrap().to_owned();
    let stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get("/api").header("host", "x").body(Empty::<bytes::Bytes>::new()).unwrap();
    assert!(send.send_request(request).await.is_err(), "plain HTTP is not answered");
    connection.abort();
    stage.end().await;
}

#[tokio::test]
async fn t11_no_secret_is_ever_logged() {
    let captured = capture("trace", LogFormat::Json);
    let stage = Stage::start().await;
    let operator = stage.operator_secret();
    let added =
        stage.command(&["device", "add", "canary", "--token-code", "c4n4ry-c0de", "--authorize"]).await;
    assert!(added.unwrap().contains("c4n4ry-c0de"));
    let secret = stage.command(&["device", "secret", "canary"]).await.unwrap();
    let key = "canary".parse().unwrap();
    stage.client(Some(secret.trim())).heartbeat(&key, &Heartbeat::default()).await.unwrap();
    stage.operator().device(&key).await.unwrap();
    let mut wrong = operator.clone();
    wrong.replace_range(wrong.len() - 4.., "0000");
    assert!(stage.client(Some(&wrong)).device(&key).await.is_err());
    stage.end().await;
    let log = captured.text();
    assert!(log.contains("a credential was refused"), "the log is heard: {log}");
    for secret in [operator.as_str(), wrong.as_str(), secret.trim(), "c4n4ry-c0de"] {
        assert_no_secret(&log, secret);
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_used_ends_with_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config_in(folder.path());
    config.database.path = folder.path().join("absent/receiver.db");
    let failure = run_command(&config, &["device", "list"]).await.unwrap_err();
    assert_eq!(failure.exit().code(), 74, "{failure}");
    let poem = folder.path().join("poem.db");
    std::fs::write(
        &poem,
        "no database, and longer than the header of one is, by some way indeed. ".repeat(9),
    )
    .unwrap();
    config.database.path = poem;
    let failure = run_command(&config, &["device", "list"]).await.unwrap_err();
    assert_eq!(failure.exit().code(), 65, "{failure}");
    #[cfg(not(feature = "postgres"))]
    {
        config.database.postgres = Some(SecretSource::File("/nowhere".into()));
        let failure = run_command(&config, &["device", "list"]).await.unwrap_err();
        assert_eq!(failure.exit().code(), 78, "{failure}");
    }
    #[cfg(feature = "postgres")]
    {
        config.database.postgres = Some(SecretSource::File("/nowhere".into()));
        assert!(run_command(&config, &["device", "list"]).await.is_err());
    }
}

#[tokio::test]
async fn the_database_is_for_the_receivers_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::start().await;
    for file in ["receiver.db", "receiver.db-wal", "receiver.db-shm"] {
        let mode = std::fs::metadata(stage.folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    stage.end().await;
}
