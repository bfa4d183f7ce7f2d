//! TLS in both directions, with client certificates, and while certificates change.

use crate::world::{Authority, LONG, exchange, read_to_end, serve};
use daemon::exit::Exit;
use daemon::http::{HttpLimits, Server};
use daemon::tls::{Acceptor, ClientCertificates, ClientTls, Connector, ServerTls, Stream};
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn server_settings(authority: &Authority) -> ServerTls {
    let (certificate, key) = authority.issue("server", "server.example.org");
    ServerTls { certificate, key, client_ca: None, client_certificates: ClientCertificates::Required }
}

fn trusting(authority: &Authority) -> ClientTls {
    ClientTls { ca: Some(authority.ca()), ..ClientTls::default() }
}

async fn connect(address: SocketAddr, client: &ClientTls, name: &str) -> io::Result<Stream<TcpStream>> {
    let connector = Connector::new(client, &["http/1.1"]).unwrap();
    connector.connect(name, TcpStream::connect(address).await?, LONG).await
}

async fn get(stream: &mut Stream<TcpStream>, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    read_to_end(stream).await
}

#[tokio::test]
async fn a_request_travels_encrypted() {
    let authority = Authority::new();
    let acceptor = Acceptor::new(server_settings(&authority), &["http/1.1"]).unwrap();
    let server = serve(Server::new(HttpLimits::default()).tls(acceptor)).await;
    let mut stream = connect(server.address, &trusting(&authority), "server.example.org").await.unwrap();
    assert!(stream.is_tls());
    assert_eq!(stream.peer_certificate().unwrap().dns_names(), ["server.example.org"]);
    let answer = get(&mut stream, "/a").await;
    assert!(answer.ends_with("/a  tls=true names="), "{answer}");
    // A plain request on a port that requires TLS is not answered by the service.
    let plain = exchange(server.address, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(!plain.contains("HTTP/1.1"), "{plain:?}");
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_authority_are_refused() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let acceptor = Acceptor::new(server_settings(&authority), &[]).unwrap();
    let server = serve(Server::new(HttpLimits::default()).tls(acceptor)).await;
    for (client, name) in
        [(trusting(&authority), "other.example.org"), (trusting(&stranger), "server.example.org")]
    {
        let error = connect(server.address, &client, name).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    }
    let renamed = ClientTls { server_name: Some("server.example.org".into()), ..trusting(&authority) };
    connect(server.address, &renamed, "127.0.0.1").await.unwrap();
}

#[tokio::test]
async fn client_certificates_are_required_or_optional() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (certificate, key) = authority.issue("client", "device-1.example.org");
    let known = ClientTls { certificate: Some(certificate), key: Some(key), ..trusting(&authority) };
    let (certificate, key) = stranger.issue("client", "device-1.example.org");
    let forged = ClientTls { certificate: Some(certificate), key: Some(key), ..trusting(&authority) };
    for (mode, nobody_served) in [(ClientCertificates::Required, false), (ClientCertificates::Optional, true)]
    {
        let settings = ServerTls {
            client_ca: Some(authority.ca()),
            client_certificates: mode,
            ..server_settings(&authority)
        };
        let server =
            serve(Server::new(HttpLimits::default()).tls(Acceptor::new(settings, &[]).unwrap())).await;
        let served = async |client: &ClientTls| match connect(server.address, client, "server.example.org")
            .await
        {
            // TLS 1.3 lets the client finish first; the refusal comes with the first read.
            Ok(mut stream) => {
                let _ = stream.write_all(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
                read_to_end(&mut stream).await
            }
            Err(_) => String::new(),
        };
        assert!(served(&known).await.ends_with("names=device-1.example.org"), "{mode:?}");
        assert_eq!(served(&forged).await, "", "{mode:?}");
        assert_eq!(served(&trusting(&authority)).await.ends_with("names="), nobody_served, "{mode:?}");
    }
}

#[tokio::test]
async fn a_reload_changes_the_certificate_of_new_connections_only() {
    let authority = Authority::new();
    let acceptor = Acceptor::new(server_settings(&authority), &[]).unwrap();
    let server = serve(Server::new(HttpLimits::default()).tls(acceptor.clone())).await;
    let client = trusting(&authority);
    let mut standing = connect(server.address, &client, "server.example.org").await.unwrap();
    assert!(!acceptor.reload_if_changed().unwrap());

    let before = standing.peer_certificate().unwrap();
    authority.issue("server", "server.example.org");
    assert!(acceptor.reload_if_changed().unwrap());
    assert!(!acceptor.reload_if_changed().unwrap());
    let fresh = connect(server.address, &client, "server.example.org").await.unwrap();
    assert_ne!(fresh.peer_certificate().unwrap().fingerprint(), before.fingerprint());
    let answer = get(&mut standing, "/still").await;
    assert!(answer.contains("/still"), "{answer}");
}

#[tokio::test]
async fn a_peer_that_is_killed_is_said_to_have_broken_off() {
    let authority = Authority::new();
    let acceptor = Acceptor::new(server_settings(&authority), &[]).unwrap();
    let connector = Connector::new(&trusting(&authority), &[]).unwrap();
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (ours, theirs) =
        tokio::join!(connector.connect("server.example.org", near, LONG), acceptor.accept(far, LONG));
    // Dropping says nothing, as a process that is killed says nothing.
    drop(theirs.unwrap());
    let error = ours.unwrap().read_u8().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(error.to_string(), "the other side broke off the TLS connection");
}

#[tokio::test]
async fn a_broken_reload_keeps_the_old_certificate() {
    let authority = Authority::new();
    let settings = server_settings(&authority);
    let path = settings.certificate.clone();
    let acceptor = Acceptor::new(settings, &[]).unwrap();
    let server = serve(Server::new(HttpLimits::default()).tls(acceptor.clone())).await;
    std::fs::write(&path, "half a file").unwrap();
    let failure = acceptor.reload().unwrap_err();
    assert_eq!(failure.exit(), Exit::Configuration);
    assert_eq!(
        failure.to_string(),
        format!(
            "TLS certificate {}: holds no `BEGIN CERTIFICATE`\n  try: the certificate as PEM, not DER or PKCS#12",
            path.display()
        )
    );
    let mut stream = connect(server.address, &trusting(&authority), "server.example.org").await.unwrap();
    assert!(get(&mut stream, "/old").await.contains("/old"));
}

#[tokio::test]
async fn one_port_serves_tls_and_plain_peers() {
    let authority = Authority::new();
    let acceptor = Acceptor::new(server_settings(&authority), &[]).unwrap();
    let server = serve(Server::new(HttpLimits::default()).tls_or_plain(acceptor)).await;
    let plain = exchange(server.address, b"GET /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(plain.ends_with("/p  tls=false names="), "{plain}");
    let mut stream = connect(server.address, &trusting(&authority), "server.example.org").await.unwrap();
    assert!(get(&mut stream, "/t").await.ends_with("/t  tls=true names="));
}

#[tokio::test]
async fn the_look_at_the_first_byte_takes_nothing_away() {
    let authority = Authority::new();
    let acceptor = Acceptor::new(server_settings(&authority), &[]).unwrap();
    let listener = daemon::net::bind(&"127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = daemon::net::accept(&listener).await;
    client.write_all(b"{\"token\"").await.unwrap();
    let mut stream = acceptor.accept_either(stream, LONG).await.unwrap();
    assert!(!stream.is_tls());
    let mut bytes = [0; 8];
    stream.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"{\"token\"");
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_has_no_handshake_for_ever() {
    let authority = Authority::new();
    let acceptor = Acceptor::new(server_settings(&authority), &[]).unwrap();
    let (_silent, stream) = tokio::io::duplex(1024);
    let error = acceptor.accept(stream, LONG).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let connector = Connector::new(&trusting(&authority), &[]).unwrap();
    let (_silent, stream) = tokio::io::duplex(1024);
    let error = connector.connect("server.example.org", stream, LONG).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let (_silent, stream) = tokio::io::duplex(1024);
    let error = connector.connect("not a name", stream, LONG).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn wrong_files_are_named() {
    let authority = Authority::new();
    let good = server_settings(&authority);
    let (_, other_key) = authority.issue("other", "other.example.org");
    let refuse = |settings: &ServerTls| Acceptor::new(settings.clone(), &[]).unwrap_err();

    let missing =
        refuse(&ServerTls { certificate: authority.folder.path().join("none.pem"), ..good.clone() });
    assert_eq!(missing.exit(), Exit::Io);
    assert!(
        missing
            .to_string()
            .starts_with(&format!("TLS certificate {}/none.pem: ", authority.folder.path().display()))
    );

    let swapped = refuse(&ServerTls { key: other_key, ..good.clone() }).to_string();
    assert!(swapped.ends_with("try: the key that belongs to the first certificate of the file"), "{swapped}");

    let no_key = refuse(&ServerTls { key: good.certificate.clone(), ..good.clone() }).to_string();
    assert!(no_key.contains("holds no `BEGIN PRIVATE KEY`"), "{no_key}");

    let half = ClientTls { certificate: Some(good.certificate.clone()), ..trusting(&authority) };
    let half = Connector::new(&half, &[]).unwrap_err();
    assert_eq!(
        (half.exit(), half.to_string().as_str()),
        (Exit::Configuration, "TLS client `certificate` is set without `key`")
    );

    let no_name = ClientTls { server_name: Some("not a name".into()), ..trusting(&authority) };
    let no_name = Connector::new(&no_name, &[]).unwrap_err().to_string();
    assert_eq!(no_name, "`not a name` is neither a host name nor an address");
}
