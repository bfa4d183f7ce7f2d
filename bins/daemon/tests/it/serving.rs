//! A program that serves, put together: health over TLS, renewed certificates, new settings, the end.

use crate::world::{Authority, LONG, read_to_end};
use daemon::admin::AdminSettings;
use daemon::exit::{Exit, Failure};
use daemon::lifecycle::Stop;
use daemon::serving::Serving;
use daemon::tls::{ClientCertificates, ClientTls, Connector, ServerTls};
use prometheus_client::registry::Registry;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

fn settings(authority: &Authority) -> AdminSettings {
    let (certificate, key) = authority.issue("server", "server.example.org");
    AdminSettings {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        tls: Some(ServerTls {
            certificate,
            key,
            client_ca: None,
            client_certificates: ClientCertificates::Required,
        }),
    }
}

/// The fingerprint of the certificate that is shown, and the answer of `/healthz`.
async fn healthz(address: SocketAddr, authority: &Authority) -> ([u8; 32], String) {
    let client = ClientTls { ca: Some(authority.ca()), certificate: None, key: None, server_name: None };
    let connector = Connector::new(&client, &["http/1.1"]).unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = connector.connect("server.example.org", stream, LONG).await.unwrap();
    let shown = *stream.peer_certificate().unwrap().fingerprint();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    (shown, read_to_end(&mut stream).await)
}

#[tokio::test]
async fn health_is_served_over_tls_with_the_certificate_that_a_tool_has_renewed() {
    let authority = Authority::new();
    let stop = Stop::default();
    let mut serving = Serving::new(stop.clone());
    let admin = serving.admin(None, &settings(&authority), Registry::default()).await.unwrap();
    let address = admin.expect("an address");
    let certificates = serving.certificates().clone();
    let running = tokio::spawn(serving.run(Duration::from_secs(5)));

    let (before, answer) = healthz(address, &authority).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"), "{answer}");
    certificates.renew();
    assert_eq!(healthz(address, &authority).await.0, before);
    authority.issue("server", "server.example.org");
    certificates.renew();
    assert_ne!(healthz(address, &authority).await.0, before);

    stop.gently.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn without_an_address_there_is_no_health_page() {
    let mut serving = Serving::new(Stop::default());
    let admin = serving.admin(None, &AdminSettings::default(), Registry::default()).await.unwrap();
    assert_eq!(admin, None);
}

#[tokio::test]
async fn settings_that_cannot_be_used_do_not_end_the_reloading() {
    let stop = Stop::default();
    let mut serving = Serving::new(stop.clone());
    let (send, reloads) = mpsc::channel(1);
    let applied = Arc::new(Mutex::new(Vec::new()));
    let seen = applied.clone();
    serving.reloads(Some(reloads), move |value: u32| {
        seen.lock().unwrap().push(value);
        ready(if value == 1 { Err(Failure::new(Exit::Configuration, "no")) } else { Ok(()) })
    });
    let running = tokio::spawn(serving.run(Duration::from_secs(5)));
    for value in [1, 2, 3] {
        send.send(value).await.unwrap();
    }
    // Nobody reloads any more; that ends nothing.
    drop(send);
    while applied.lock().unwrap().len() < 3 {
        tokio::task::yield_now().await;
    }
    assert!(!running.is_finished());
    stop.gently.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(*applied.lock().unwrap(), [1, 2, 3]);
}
