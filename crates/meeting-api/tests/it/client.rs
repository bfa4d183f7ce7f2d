//! The client against recorded answers: what it sends, what it makes of what comes back.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use meeting_api::client::{Client, ClientError, Credential};
use meeting_api::endpoint::availability::AvailabilityStatus;
use meeting_api::endpoint::devices::{CreateDevice, ListQuery};
use meeting_api::endpoint::heartbeat::Heartbeat;
use meeting_api::endpoint::service_request::ServiceRequest;
use meeting_api::endpoint::ssh_key::{KeyStatus, PublishKey};
use meeting_api::http_signature::{RequestSignature, SignedRequest};
use meeting_api::retry::Outcome;
use meeting_api::{
    DecodeError, DeviceKey, Note, PublicKey, Secret, ServiceName, ServiceSet, SigningKey, TokenCode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::recorded_server::{Answer, Asked, RecordedServer};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn device() -> DeviceKey {
    KEY.parse().unwrap()
}

fn signing_key() -> SigningKey {
    SigningKey::ed25519_from_seed(&[7; 32], "device@example.org").unwrap()
}

async fn start(status: u16, body: &str) -> (RecordedServer, Client) {
    let server = RecordedServer::start(Answer::new(status, body)).await;
    let client = Client::builder(&server.url()).unwrap().build().unwrap();
    (server, client)
}

fn only(server: &RecordedServer) -> Asked {
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    asked[0].clone()
}

#[tokio::test]
async fn a_heartbeat_is_the_documents_curl_line() {
    let (server, client) =
        start(200, r#"{ "ok": true, "ip_address": "203.0.113.10", "last_seen": "2026-02-02 12:34:56" }"#)
            .await;
    let heartbeat = Heartbeat {
        ip_lan: Some("192.168.1.100".parse().unwrap()),
        ip_public: Some("203.0.113.10".parse().unwrap()),
        mac: Some("AA:BB:CC:DD:EE:FF".parse().unwrap()),
        ..Heartbeat::default()
    };
    let reply = client.heartbeat(&device(), &heartbeat).await.unwrap();
    assert_eq!(reply.ip_address, Some("203.0.113.10".parse().unwrap()));
    assert_eq!(reply.last_seen.unwrap().to_string(), "2026-02-02 12:34:56");

    let asked = only(&server);
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("POST", "/api/devices/0123456789abcdef0123456789abcdef/online")
    );
    assert_eq!(
        asked.body,
        br#"{"ip_lan":"192.168.1.100","ip_public":"203.0.113.10","mac":"AA:BB:CC:DD:EE:FF"}"#
    );
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(asked.header("host"), server.address.to_string());
    assert_eq!(asked.header("authorization"), "");
    assert_eq!(asked.header("signature"), "");
}

#[tokio::test]
async fn calls_share_one_connection() {
    let (server, client) = start(200, r#"{"status":"Meeting API ready","version":"3.3.1"}"#).await;
    for _ in 0..5 {
        assert_eq!(client.clone().api_status().await.unwrap().version, "3.3.1");
    }
    assert_eq!((server.asked().len(), server.connections()), (5, 1));
}

/// R7: a 404 is told apart from every other failure.
#[tokio::test]
async fn r7_a_404_means_not_provisioned() {
    let (_server, client) = start(404, r#"{"error":"Device not found"}"#).await;
    let error = client.heartbeat(&device(), &Heartbeat::default()).await.unwrap_err();
    assert!(error.is_not_provisioned() && !error.is_retryable());
    assert_eq!(error.refusal().unwrap().error, "Device not found");
    assert_eq!(error.to_string(), "the server refused: 404 Device not found");
}

#[tokio::test]
async fn retry_after_is_read_in_both_forms() {
    for (text, date, seconds) in [
        ("17", "Sun, 06 Nov 1994 08:49:37 GMT", 17),
        ("Sun, 06 Nov 1994 08:51:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 120),
    ] {
        let answer = Answer::new(503, r#"{"error":"busy"}"#).header("retry-after", text).header("date", date);
        let server = RecordedServer::start(answer).await;
        let client = Client::builder(&server.url()).unwrap().build().unwrap();
        let error = client.tunnels().await.unwrap_err();
        assert!(error.is_retryable());
        assert_eq!(error.outcome(), Outcome::Failure(Some(Duration::from_secs(seconds))));
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = RecordedServer::start(Answer::new(200, "{}")).await;
    for status in [301, 302, 303, 307, 308] {
        let answer = Answer::new(status, "").header("location", target.url());
        let server = RecordedServer::start(answer).await;
        let client = Client::builder(&server.url()).unwrap().build().unwrap();
        let error = client.api_status().await.unwrap_err();
        let refusal = error.refusal().unwrap();
        assert_eq!(refusal.status, status);
        assert_eq!(refusal.error, format!("redirected to {}, which is not followed", target.url()));
        assert!(!error.is_retryable());
    }
    assert_eq!(target.asked().len(), 0);
}

#[tokio::test]
async fn replies_are_bounded() {
    let (_server, client) = start(200, &format!(r#"{{"status":"{}"}}"#, "x".repeat(1024 * 1024))).await;
    assert!(matches!(
        client.api_status().await,
        Err(ClientError::Protocol("the reply is longer than allowed"))
    ));

    let (_server, client) = start(200, &"x".repeat(64 * 1024 + 1)).await;
    assert!(matches!(
        client.ssh_hostkeys().await,
        Err(ClientError::Protocol("the reply is longer than allowed"))
    ));

    let (_server, client) = start(200, &"x".repeat(64 * 1024)).await;
    assert_eq!(client.ssh_hostkeys().await.unwrap().len(), 64 * 1024);
}

#[tokio::test]
async fn garbage_is_named() {
    let (_server, client) = start(200, "<html>hello</html>").await;
    assert!(matches!(
        client.tunnels().await,
        Err(ClientError::Malformed(DecodeError::Json { reason: "not JSON", .. }))
    ));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 1024];
        let _ = stream.read(&mut buffer).await.unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").await.unwrap();
    });
    let client = Client::builder(&url).unwrap().build().unwrap();
    assert!(matches!(client.tunnels().await, Err(ClientError::Protocol("the answer is not HTTP"))));
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_gone_or_goes_away_is_an_io_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = Client::builder(&format!("http://{address}")).unwrap().build().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 1024];
        let _ = stream.read(&mut buffer).await.unwrap();
    });
    let error = client.tunnels().await.unwrap_err();
    assert!(matches!(&error, ClientError::Io(io) if io.kind() == ErrorKind::UnexpectedEof), "{error:?}");
    server.await.unwrap();
    let error = client.tunnels().await.unwrap_err();
    assert!(matches!(&error, ClientError::Io(io) if io.kind() == ErrorKind::ConnectionRefused), "{error:?}");
    assert!(error.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_costs_ten_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client =
        Client::builder(&format!("http://{}", listener.local_addr().unwrap())).unwrap().build().unwrap();
    let start = tokio::time::Instant::now();
    let (error, stream) = tokio::join!(client.tunnels(), listener.accept());
    let error = error.unwrap_err();
    assert!(matches!(&error, ClientError::Io(io) if io.kind() == ErrorKind::TimedOut), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 10);
    drop(stream);
}

#[tokio::test]
async fn an_answer_about_another_device_is_refused() {
    let (_server, client) =
        start(200, r#"{"device_key":"other","authorized":true,"last_seen":null,"ok":true}"#).await;
    let other = "the answer is about another device";
    assert!(matches!(client.device(&device()).await, Err(ClientError::Protocol(text)) if text == other));
    assert!(matches!(client.last_seen(&device()).await, Err(ClientError::Protocol(text)) if text == other));
    assert!(
        matches!(client.authorize_tunnel(&device()).await, Err(ClientError::Protocol(text)) if text == other)
    );
    assert!(matches!(client.key_record(&device()).await, Err(ClientError::Protocol(text)) if text == other));
}

#[tokio::test]
async fn credentials_are_sent_in_their_header() {
    let (server, client) = start(200, r#"{"tunnels":[]}"#).await;
    client.with_credential(Credential::Bearer(Secret::new("s3cret"))).unwrap().tunnels().await.unwrap();
    let code = Credential::TokenCode(TokenCode::new("a1b2c3").unwrap());
    client.with_credential(code).unwrap().tunnels().await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].header("authorization"), "Bearer s3cret");
    assert_eq!(asked[1].header("x-token-code"), "a1b2c3");
    assert_eq!(asked[1].header("authorization"), "");
}

#[tokio::test]
async fn a_signed_request_verifies_and_each_has_its_own_nonce() {
    let (server, client) = start(200, r#"{"ok":true}"#).await;
    let key = signing_key();
    let client = client.with_credential(Credential::Signed(Arc::new(key.clone()))).unwrap();
    let heartbeat = Heartbeat { note: Some(Note::new("up").unwrap()), ..Heartbeat::default() };
    client.heartbeat(&device(), &heartbeat).await.unwrap();
    client.heartbeat(&device(), &heartbeat).await.unwrap();
    let mut nonces = Vec::new();
    for asked in server.asked() {
        let signature = RequestSignature::parse(
            asked.header("content-digest"),
            asked.header("signature-input"),
            asked.header("signature"),
        )
        .unwrap();
        let request = SignedRequest { method: "POST", path: &asked.target, query: None, body: &asked.body };
        assert_eq!(signature.verify(key.public_key(), &request, signature.created()), Ok(()));
        nonces.push(signature.nonce().to_owned());
    }
    assert_ne!(nonces[0], nonces[1]);
}

/// R4: keys are not taken from a connection that somebody else may have written to.
#[tokio::test]
async fn r4_keys_and_secrets_need_https() {
    let client = Client::builder("http://meeting.example.org").unwrap().build().unwrap();
    assert!(matches!(client.ssh_hostkeys().await, Err(ClientError::Usage(_))));
    assert!(matches!(client.server_pubkey().await, Err(ClientError::Usage(_))));
    let secret = || Credential::Bearer(Secret::new("s3cret"));
    assert!(matches!(client.with_credential(secret()), Err(ClientError::Usage(_))));
    let builder = Client::builder("http://meeting.example.org").unwrap().credential(secret());
    assert!(matches!(builder.build(), Err(ClientError::Usage(_))));
    let builder =
        Client::builder("http://meeting.example.org").unwrap().credential(secret()).allow_insecure(true);
    assert!(builder.build().is_ok());
    for loopback in ["http://127.0.0.1:1", "http://127.8.8.8:1", "http://[::1]:1", "http://localhost:1"] {
        let builder = Client::builder(loopback).unwrap().credential(secret());
        assert!(builder.build().is_ok(), "{loopback}");
    }
    for other in ["http://localhost.example.org", "http://127.0.0.1.example.org", "http://[2001:db8::1]"] {
        let builder = Client::builder(other).unwrap().credential(secret());
        assert!(matches!(builder.build(), Err(ClientError::Usage(_))), "{other}");
    }
}

#[test]
fn base_urls_are_checked() {
    for bad in [
        "",
        "meeting.example.org",
        "ftp://meeting.example.org",
        "http://",
        "http://user@meeting.example.org",
        "http://meeting.example.org/?x",
        "http://meeting.example.org/#x",
        "/api",
        "http://a b",
    ] {
        assert!(matches!(Client::builder(bad), Err(ClientError::Usage(_))), "{bad}");
    }
    let host = |url: &str| Client::builder(url).unwrap().build().unwrap().host().to_owned();
    assert_eq!(host("http://meeting.example.org:8080/"), "meeting.example.org");
    assert_eq!(host("http://[2001:db8::1]:8080"), "2001:db8::1");
}

#[cfg(not(feature = "tls"))]
#[test]
fn https_needs_the_feature() {
    let builder = Client::builder("https://meeting.example.org").unwrap();
    assert!(matches!(builder.build(), Err(ClientError::Usage(_))));
}

#[tokio::test]
async fn a_prefix_is_kept_and_not_signed() {
    let server = RecordedServer::start(Answer::new(200, r#"{"tunnels":[]}"#)).await;
    let key = signing_key();
    let client = Client::builder(&format!("{}/meeting/", server.url()))
        .unwrap()
        .credential(Credential::Signed(Arc::new(key.clone())))
        .build()
        .unwrap();
    client.tunnels().await.unwrap();
    let asked = only(&server);
    assert_eq!(asked.target, "/meeting/api/tunnels");
    let signature = RequestSignature::parse(
        asked.header("content-digest"),
        asked.header("signature-input"),
        asked.header("signature"),
    )
    .unwrap();
    let request = SignedRequest { method: "GET", path: "/api/tunnels", query: None, body: b"" };
    assert_eq!(signature.verify(key.public_key(), &request, signature.created()), Ok(()));
}

/// Calls a method, and returns what the server was asked: method, target, body.
macro_rules! asked {
    ($answer:expr, |$client:ident| $call:expr) => {{
        let (server, $client) = start(200, $answer).await;
        let reply = $call.await.unwrap();
        let asked = only(&server);
        (format!("{} {} {}", asked.method, asked.target, String::from_utf8(asked.body).unwrap()), reply)
    }};
}

#[tokio::test]
async fn a_devices_calls() {
    let key = signing_key();
    let line = key.public_key().to_string();
    let (asked, reply) = asked!(r#"{"success":true,"status":"pending"}"#, |client| client
        .publish_key(&device(), key.public_key()));
    assert_eq!(asked, format!(r#"PUT /api/devices/{KEY}/ssh-key {{"pubkey":"{line}"}}"#));
    assert_eq!(reply.status, Some(KeyStatus::Pending));

    let (asked, reply) = asked!(&format!("{line}\n"), |client| client.device_pubkey(&device()));
    assert_eq!(asked, format!("GET /api/forcecommand/get_device_key?device_key={KEY} "));
    assert_eq!(&reply, key.public_key());

    let pubkey = format!(
        r#"{{"pubkey":"{line}","fingerprint":"{}","host":"meeting.example.org"}}"#,
        reply.fingerprint()
    );
    let (asked, reply) = asked!(&pubkey, |client| client.server_pubkey());
    assert_eq!(asked, "GET /api/ssh/pubkey ");
    assert_eq!(&reply, key.public_key());

    let (asked, reply) = asked!("meeting.example.org ssh-ed25519 AAAA\n", |client| client.ssh_hostkeys());
    assert_eq!(asked, "GET /api/ssh-hostkey ");
    assert_eq!(reply, "meeting.example.org ssh-ed25519 AAAA\n");

    let request = ServiceRequest::new(ServiceName::SSH).unwrap();
    let grant = r#"{"port":9051,"url":"ssh -p 9051 device@meeting.example.org","expires_at":null}"#;
    let (asked, reply) = asked!(grant, |client| client.request_service(&device(), &request));
    assert_eq!(asked, format!(r#"POST /api/devices/{KEY}/service {{"service":"ssh"}}"#));
    assert_eq!((reply.port, reply.expires_at), (9051, None));

    let (asked, reply) = asked!(r#"{"services":["ssh"]}"#, |client| client.services(&device()));
    assert_eq!(asked, format!("GET /api/devices/{KEY}/service "));
    assert!(reply.services.contains(&ServiceName::SSH));

    let body = format!(r#"{{"ok":true,"device_key":"{KEY}","authorized":1,"token_count":2}}"#);
    let (asked, reply) = asked!(&body, |client| client.authorize_tunnel(&device()));
    assert_eq!(asked, format!("POST /api/devices/{KEY}/authorize-tunnel {{}}"));
    assert_eq!((reply.authorized, reply.token_count), (true, 2));

    let body = r#"{"status":"Available","last_heartbeat":"2026-02-02 12:34:56","since":"2026-02-02 12:34:56","uptime":58}"#;
    let (asked, reply) = asked!(body, |client| client.availability(&device()));
    assert_eq!(asked, format!("GET /api/devices/{KEY}/availability "));
    assert_eq!((reply.status, reply.uptime), (AvailabilityStatus::Available, Some(58)));

    let body = format!(r#"{{"device_key":"{KEY}","last_seen":"2026-02-02 12:34:56"}}"#);
    let (asked, reply) = asked!(&body, |client| client.last_seen(&device()));
    assert_eq!(asked, format!("GET /api/status/{KEY}/last-seen "));
    assert_eq!(reply.last_seen.unwrap().unix(), 1_770_035_696);
}

#[tokio::test]
async fn a_wrong_fingerprint_is_noticed() {
    let body = format!(r#"{{"pubkey":"{}","fingerprint":"SHA256:other"}}"#, signing_key().public_key());
    let (_server, client) = start(200, &body).await;
    assert!(matches!(
        client.server_pubkey().await,
        Err(ClientError::Protocol("the fingerprint is not that of the key"))
    ));
    let (_server, client) = start(200, "ssh-ed25519 AAAA no key\n").await;
    let error = client.device_pubkey(&device()).await.unwrap_err();
    assert!(matches!(error, ClientError::Malformed(DecodeError::Invalid { field: "pubkey" })));
}

#[tokio::test]
async fn an_operators_calls() {
    const DONE: &str = r#"{"success":true}"#;
    let (asked, reply) = asked!(
        &format!(
            r#"{{"devices":[{{"device_key":"{KEY}","authorized":1}},7],"total":2,"limit":5,"offset":0}}"#
        ),
        |client| client.devices(&ListQuery::new(5, 0).with_prefix("0123".parse().unwrap()))
    );
    assert_eq!(asked, "GET /api/devices?limit=5&offset=0&prefix=0123 ");
    assert_eq!((reply.devices.len(), reply.unreadable, reply.total), (1, 1, 2));

    let new = format!(r#"{{"devicekey":"{KEY}","token_code":"a1b2c3"}}"#);
    let (asked, reply) = asked!(&new, |client| client.generate_key());
    assert_eq!(asked, "GET /api/devices/generate-key ");
    assert_eq!(reply.token_code.expose(), "a1b2c3");
    let (asked, _) = asked!(&new, |client| client.create_device(&CreateDevice::default()));
    assert_eq!(asked, "POST /api/devices/generate-and-register {}");
    let named =
        CreateDevice { device_key: Some(device()), authorized: Some(true), ..CreateDevice::default() };
    let (asked, _) = asked!(&new, |client| client.create_device(&named));
    assert_eq!(
        asked,
        format!(r#"POST /api/devices/manual-create {{"device_key":"{KEY}","authorized":true}}"#)
    );

    let (asked, _) = asked!(DONE, |client| client.set_authorized(&device(), true));
    assert_eq!(asked, format!(r#"PUT /api/devices/{KEY}/authorize {{"authorized":1}}"#));
    let (asked, _) = asked!(DONE, |client| client.set_token_count(&device(), 3));
    assert_eq!(asked, format!(r#"PUT /api/devices/{KEY}/tokens {{"token_count":3}}"#));
    let (asked, _) = asked!(DONE, |client| client.set_token_code(&device(), TokenCode::new("a1b2c3").ok()));
    assert_eq!(asked, format!(r#"PUT /api/devices/{KEY}/token-code {{"token_code":"a1b2c3"}}"#));
    let (asked, _) = asked!(DONE, |client| client.set_note(&device(), None));
    assert_eq!(asked, format!(r#"PUT /api/devices/{KEY}/note {{"note":null}}"#));
    let services: ServiceSet = [ServiceName::SSH, ServiceName::HTTP].into_iter().collect();
    let (asked, _) = asked!(DONE, |client| client.set_services(&device(), services));
    assert_eq!(asked, format!(r#"PUT /api/devices/{KEY} {{"services":["ssh","http"]}}"#));
    let (asked, _) = asked!(DONE, |client| client.delete_device(&device()));
    assert_eq!(asked, format!("DELETE /api/devices/{KEY} "));
    let (asked, reply) = asked!(r#"{"secret":"s3cret"}"#, |client| client.issue_secret(&device()));
    assert_eq!(asked, format!("POST /api/devices/{KEY}/secret {{}}"));
    assert_eq!(reply.secret.expose(), "s3cret");
    let (asked, _) = asked!(DONE, |client| client.revoke_secret(&device()));
    assert_eq!(asked, format!("DELETE /api/devices/{KEY}/secret "));
    let accept = PublishKey { status: Some(KeyStatus::Authorized), ..PublishKey::new("ssh-ed25519 AAAA") };
    let (asked, _) = asked!(DONE, |client| client.set_key(&device(), &accept));
    assert_eq!(
        asked,
        format!(r#"PUT /api/devices/{KEY}/ssh-key {{"pubkey":"ssh-ed25519 AAAA","status":"authorized"}}"#)
    );
    let (asked, _) = asked!(DONE, |client| client.revoke_key(&device()));
    assert_eq!(asked, format!("DELETE /api/devices/{KEY}/ssh-key "));
    let log =
        r#"[{"timestamp":"2026-02-02 12:34:56","event":"Connected","host":"meeting","remote":"192.0.2.1"}]"#;
    let (asked, reply) = asked!(log, |client| client.device_log(&device()));
    assert_eq!(asked, format!("GET /api/devices/{KEY}/logs "));
    assert_eq!(reply.entries[0].event, "Connected");
    let (asked, _) = asked!(DONE, |client| client.purge_log(&device()));
    assert_eq!(asked, format!("POST /api/devices/{KEY}/purge-logs {{}}"));
}

#[test]
fn secrets_do_not_show_in_debug() {
    let client = Client::builder("http://127.0.0.1:1")
        .unwrap()
        .credential(Credential::Bearer(Secret::new("canary-secret")))
        .build()
        .unwrap();
    assert!(!format!("{client:?}").contains("canary"));
    let _: PublicKey = signing_key().public_key().clone();
}
