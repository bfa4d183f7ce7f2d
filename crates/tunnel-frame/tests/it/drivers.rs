//! Both drivers against each other over memory.

use crate::support::{Device, hello, pair};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tunnel_frame::client::{self, AgentConfig, ConnectError, Greeting, LocalEvent, SessionEnd};
use tunnel_frame::handshake::Refusal;
use tunnel_frame::mux::{HalfClose, MuxConfig};
use tunnel_frame::server::{self, HelloError, ServerConfig};

#[tokio::test(start_paused = true)]
async fn bytes_pass_both_ways_and_a_visitors_fin_does_not_cost_him_the_reply() {
    let device = Device::new(4096);
    let mut listener = device.listen(22);
    let pair = pair(device, &[22], AgentConfig::default(), ServerConfig::default()).await;
    let mut visitor = pair.tunnel.open(22).unwrap();
    visitor.write_all(b"request").await.unwrap();
    visitor.shutdown().await.unwrap();
    let mut service = listener.recv().await.unwrap();
    let mut request = [0; 7];
    service.read_exact(&mut request).await.unwrap();
    assert_eq!(&request, b"request");
    let reply = vec![0x5A; 300_000];
    service.write_all(&reply).await.unwrap();
    drop(service);
    let mut got = Vec::new();
    visitor.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, reply);
    drop(visitor);
    assert_eq!(pair.tunnel.counters().received_bytes, 300_000);
    assert_eq!(pair.tunnel.counters().streams, 0);
    pair.tunnel.shutdown();
    assert!(matches!(pair.driver.await.unwrap(), SessionEnd::ShutDown));
    assert!(matches!(pair.agent.await.unwrap(), SessionEnd::Peer));
    assert_eq!(pair.monitor.counters().streams, 0);
}

#[tokio::test(start_paused = true)]
async fn a_visitor_who_closes_ends_the_service_behind_his_last_byte() {
    let device = Device::new(64);
    let mut listener = device.listen(80);
    let pair = pair(device, &[80], AgentConfig::default(), ServerConfig::default()).await;
    let mut visitor = pair.tunnel.open_with(80, HalfClose::Close).unwrap();
    let sent: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    visitor.write_all(&sent).await.unwrap();
    drop(visitor);
    let mut got = Vec::new();
    listener.recv().await.unwrap().read_to_end(&mut got).await.unwrap();
    assert_eq!(got, sent);
}

#[tokio::test(start_paused = true)]
async fn a_held_back_close_goes_out_when_nothing_comes_any_more() {
    let device = Device::new(64);
    let mut listener = device.listen(80);
    let pair = pair(device, &[80], AgentConfig::default(), ServerConfig::default()).await;
    let mut visitor = pair.tunnel.open(80).unwrap();
    visitor.shutdown().await.unwrap();
    let mut service = listener.recv().await.unwrap();
    let before = tokio::time::Instant::now();
    assert_eq!(service.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(before.elapsed().as_secs(), 30);
    assert_eq!(visitor.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(pair.tunnel.counters().lingers_elapsed, 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_behind_a_port_is_a_refusal() {
    let device = Device::new(64);
    let pair = pair(device.clone(), &[80], AgentConfig::default(), ServerConfig::default()).await;
    for port in [80, 81] {
        let mut visitor = pair.tunnel.open(port).unwrap();
        let error = visitor.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "port {port}");
    }
    assert_eq!(pair.monitor.connect_failed(), 1);
    assert_eq!(pair.monitor.not_allowed(), 1);
    assert_eq!(pair.tunnel.counters().refused_by_peer, 2);
    assert_eq!(
        *device.events.lock().unwrap(),
        [
            LocalEvent::ConnectFailed { port: 80, kind: ErrorKind::ConnectionRefused },
            LocalEvent::NotAllowed { port: 81 },
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_stops_ends_what_runs_through_it() {
    let device = Device::new(64);
    let mut listener = device.listen(80);
    let mut pair = pair(device, &[80], AgentConfig::default(), ServerConfig::default()).await;
    let mut visitor = pair.tunnel.open(80).unwrap();
    let _service = listener.recv().await.unwrap();
    pair.stop.take().unwrap().send(()).unwrap();
    assert!(matches!(pair.agent.await.unwrap(), SessionEnd::ShutDown));
    assert_eq!(visitor.read(&mut [0; 8]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(matches!(pair.tunnel.closed().await, SessionEnd::Peer));
    assert!(!pair.tunnel.is_open());
}

/// Threat T10: a peer that probes and then falls silent is given up within a minute.
#[tokio::test(start_paused = true)]
async fn t10_a_peer_that_fell_silent_is_given_up_within_a_minute() {
    let (mut agent, io) = duplex(4096);
    let serving = tokio::spawn(async move {
        let (tunnel, driver) = server::receive(io, ServerConfig::default()).await.unwrap().accept();
        (driver.run().await, tunnel)
    });
    agent.write_all(hello().encode().as_bytes()).await.unwrap();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(15)).await;
        agent.write_all(b"C\xff\xff\xff\xff\0\0\0\0").await.unwrap();
    }
    let before = tokio::time::Instant::now();
    let (end, tunnel) = serving.await.unwrap();
    assert_eq!(end.to_string(), "nothing came from the other side for 45 s");
    assert!(before.elapsed() <= Duration::from_secs(46));
    assert_eq!(tunnel.counters().probes_received, 3);
    // The document's peer answers nothing and never probes; it is not given up for that.
}

/// Threat T10: a peer that takes nothing is given up within a minute.
#[tokio::test(start_paused = true)]
async fn t10_a_peer_that_takes_nothing_is_given_up_within_a_minute() {
    let (mut agent, io) = duplex(1024);
    let serving = tokio::spawn(async move {
        let (tunnel, driver) = server::receive(io, ServerConfig::default()).await.unwrap().accept();
        let mut visitor = tunnel.open(1).unwrap();
        visitor.write_all(&[7; 100_000]).await.unwrap();
        driver.run().await
    });
    agent.write_all(hello().encode().as_bytes()).await.unwrap();
    let end = serving.await.unwrap();
    assert_eq!(end.to_string(), "the other side took nothing for 60 s");
}

#[tokio::test(start_paused = true)]
async fn quiet_tunnels_between_our_own_ends_stay_up() {
    let device = Device::new(64);
    let pair = pair(device, &[], AgentConfig::default(), ServerConfig::default()).await;
    tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    assert!(pair.tunnel.is_open());
    assert!(pair.tunnel.counters().probes_received > 1000);
}

#[tokio::test(start_paused = true)]
async fn a_refused_agent_reads_why() {
    let (agent, io) = duplex(1024);
    let refusing = tokio::spawn(async move {
        let pending = server::receive(io, ServerConfig::default()).await.unwrap();
        pending.refuse(Refusal::auth_failed("unknown device")).await.unwrap();
    });
    let error = client::connect(agent, &hello(), AgentConfig::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "the proxy refused this device: auth_failed: unknown device");
    assert!(!error.is_retryable());
    refusing.await.unwrap();
}

/// Threat T2: five seconds and a kilobyte, whatever comes.
#[tokio::test(start_paused = true)]
async fn t2_a_hello_has_a_deadline_and_a_cap() {
    let (mut agent, io) = duplex(4096);
    agent.write_all(b"{").await.unwrap();
    let before = tokio::time::Instant::now();
    let error = server::receive(io, ServerConfig::default()).await.unwrap_err();
    assert!(matches!(error, HelloError::TimedOut));
    assert_eq!(before.elapsed(), Duration::from_secs(5));

    let (mut agent, io) = duplex(4096);
    agent.write_all(&[b'{'; 2000]).await.unwrap();
    let error = server::receive(io, ServerConfig::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "handshake line is longer than 1024 bytes");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_never_answers_is_served() {
    let (agent, mut proxy) = duplex(4096);
    let device = Device::new(64);
    let mut listener = device.listen(22);
    let established = client::connect(agent, &hello(), AgentConfig::default()).await.unwrap();
    assert_eq!(*established.greeting(), Greeting::Silent);
    let serving = tokio::spawn(established.serve([22].into_iter().collect(), device, std::future::pending()));
    tokio::time::sleep(Duration::from_secs(5)).await;
    proxy.write_all(b"N\0\0\0\x01\0\0\0\x02\0\x16D\0\0\0\x01\0\0\0\x02hi").await.unwrap();
    let mut got = [0; 2];
    listener.recv().await.unwrap().read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"hi");
    drop(proxy);
    assert!(matches!(serving.await.unwrap(), SessionEnd::Peer));
}

#[tokio::test(start_paused = true)]
async fn a_late_refusal_is_still_understood() {
    let (agent, mut proxy) = duplex(4096);
    let established = client::connect(agent, &hello(), AgentConfig::default()).await.unwrap();
    let serving =
        tokio::spawn(established.serve([].into_iter().collect(), Device::new(1), std::future::pending()));
    proxy.write_all(b"{\"status\":\"error\",\"message\":\"bad token\"}\n").await.unwrap();
    let end = serving.await.unwrap();
    assert_eq!(end.to_string(), "refused: error: bad token");
}

#[tokio::test(start_paused = true)]
async fn an_old_proxy_that_closes_on_a_wrong_token_is_named_as_such() {
    let (agent, proxy) = duplex(4096);
    drop(proxy);
    let error = client::connect(agent, &hello(), AgentConfig::default()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Io(_) | ConnectError::Closed), "{error:?}");
    let (agent, mut proxy) = duplex(4096);
    let connecting =
        tokio::spawn(async move { client::connect(agent, &hello(), AgentConfig::default()).await });
    let mut line = vec![0; hello().encode().len()];
    proxy.read_exact(&mut line).await.unwrap();
    drop(proxy);
    assert!(matches!(connecting.await.unwrap(), Err(ConnectError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn used_up_ids_end_the_connection_when_the_last_stream_is_done() {
    let device = Device::new(64);
    let _listener = device.listen(80);
    let mux = MuxConfig::default().with_max_stream_id(2);
    let pair = pair(device, &[80], AgentConfig::default(), ServerConfig::default().with_mux(mux)).await;
    let first = pair.tunnel.open(80).unwrap();
    let second = pair.tunnel.open(80).unwrap();
    assert_eq!((first.id().get(), second.id().get()), (1, 2));
    let refused = pair.tunnel.open(80).unwrap_err();
    assert_eq!(refused.to_string(), "the tunnel has used all its stream ids");
    drop(first);
    tokio::task::yield_now().await;
    assert!(pair.tunnel.is_open());
    drop(second);
    assert!(matches!(pair.tunnel.closed().await, SessionEnd::IdsExhausted));
}
