//! The tunnel: what passes, what is refused, and how it comes back.

use std::collections::BTreeSet;
use std::time::Duration;

use agent::Event;
use daemon::lifecycle::Stop;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::fake_meeting::Meeting;
use crate::fake_proxy::Proxy;
use crate::harness::{FrozenClock, Running, accepted, config, tunnel_gone, tunnel_up, with_tunnel};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A local service that sends back what it gets, and its port.
async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    port
}

#[tokio::test(start_paused = true)]
async fn a_connection_passes_is_told_of_and_counted() {
    let _clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let (meeting, mut proxy) = (Meeting::start().await, Proxy::start().await);
    let port = echo().await;
    let config = with_tunnel(config(&home, &meeting.url()), proxy.address, &[("http", port)]);
    let mut agent = Running::start(config);
    let address = proxy.address;
    let up = agent.wait_for(|event| match event {
        Event::TunnelUp { proxy, tls } => Some((*proxy, *tls)),
        _ => None,
    });
    assert_eq!(up.await, (address, false));
    let tunnel = proxy.tunnel().await;
    assert_eq!(
        (tunnel.device_key().as_str(), proxy.tokens().as_slice()),
        (crate::harness::DEVICE_KEY, &["a1b2c3".to_owned()][..])
    );

    let mut stream = tunnel.open(port).unwrap();
    stream.write_all(b"hello through the tunnel").await.unwrap();
    let mut back = [0; 24];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"hello through the tunnel");
    let opened = agent.wait_for(|event| match event {
        Event::ConnectionOpened { service, port } => Some((service.clone(), *port)),
        _ => None,
    });
    assert_eq!(opened.await, ("http".to_owned(), port));
    drop(stream);
    let closed = agent.wait_for(|event| match event {
        Event::ConnectionClosed { received, sent, .. } => Some((*received, *sent)),
        _ => None,
    });
    assert_eq!(closed.await, (24, 24));
    agent.stop().await.unwrap();
    tunnel.closed().await;
}

/// T7: all 65,536 ports are asked for, and exactly the one of the allow-list is connected to.
#[tokio::test(start_paused = true)]
async fn t7_of_all_ports_only_the_allowed_one_is_connected_to() {
    let _clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let (meeting, mut proxy) = (Meeting::start().await, Proxy::start().await);
    let allowed = echo().await;
    let config = with_tunnel(config(&home, &meeting.url()), proxy.address, &[("http", allowed)]);
    let mut agent = Running::start(config);
    agent.wait_for(tunnel_up).await;
    let tunnel = proxy.tunnel().await;
    let (mut connected, mut refused) = (Vec::new(), BTreeSet::new());
    for chunk in (0..=u16::MAX).collect::<Vec<_>>().chunks(128) {
        let streams: Vec<_> = chunk.iter().map(|port| tunnel.open(*port).unwrap()).collect();
        for _ in chunk {
            let (port, was_connected) = agent
                .wait_for(|event| match event {
                    Event::PortRefused { port } => Some((*port, false)),
                    Event::ConnectionOpened { port, .. } => Some((*port, true)),
                    Event::ServiceUnreachable { port, .. } => Some((*port, true)),
                    _ => None,
                })
                .await;
            if was_connected {
                connected.push(port);
            } else {
                refused.insert(port);
            }
        }
        drop(streams);
        agent.heard.clear();
    }
    assert_eq!((connected, refused.len()), (vec![allowed], 65_535));
    assert!(tunnel.is_open());
    agent.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_down_is_told_and_the_tunnel_stays() {
    let _clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let (meeting, mut proxy) = (Meeting::start().await, Proxy::start().await);
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = gone.local_addr().unwrap().port();
    drop(gone);
    let config = with_tunnel(config(&home, &meeting.url()), proxy.address, &[("ssh", port)]);
    let mut agent = Running::start(config);
    let tunnel = proxy.tunnel().await;
    let mut stream = tunnel.open(port).unwrap();
    let told = agent.wait_for(|event| match event {
        Event::ServiceUnreachable { port, .. } => Some(*port),
        _ => None,
    });
    assert_eq!(told.await, port);
    assert!(stream.read(&mut [0]).await.is_err());
    assert!(tunnel.is_open());
    agent.stop().await.unwrap();
}

/// T10, T12: after a stable session the tunnel is back within 20 s; a proxy that stays away is asked every 2.5 to 90 s.
#[tokio::test(start_paused = true)]
async fn a_lost_tunnel_comes_back_and_a_missing_proxy_is_asked_less_and_less() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let (meeting, mut proxy) = (Meeting::start().await, Proxy::start().await);
    let config = with_tunnel(config(&home, &meeting.url()), proxy.address, &[]);
    let mut agent = Running::start(config);
    agent.wait_for(tunnel_up).await;
    let tunnel = proxy.tunnel().await;
    clock.advance(3 * MINUTE).await;
    tunnel.shutdown();
    let wait = agent.wait_for(tunnel_gone).await;
    assert!(wait <= Duration::from_secs(20), "{wait:?}");
    clock.advance(wait).await;
    agent.wait_for(tunnel_up).await;

    proxy.go_away().await;
    let mut wait = agent.wait_for(tunnel_gone).await;
    for nominal in [10, 20, 40, 60, 60] {
        clock.advance(wait).await;
        wait = agent.wait_for(tunnel_gone).await;
        let range = Duration::from_secs(nominal / 2)..=Duration::from_secs(nominal * 3 / 2);
        assert!(range.contains(&wait), "{nominal}: {wait:?}");
    }
    proxy.come_back().await;
    clock.advance(wait).await;
    agent.wait_for(tunnel_up).await;
    agent.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refused_tunnel_is_asked_for_rarely_and_a_passing_trouble_soon() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let (meeting, proxy) = (Meeting::start().await, Proxy::start().await);
    proxy.refuse(Some("invalid_token"));
    let config = with_tunnel(config(&home, &meeting.url()), proxy.address, &[]);
    let mut agent = Running::start(config);
    for shortest in [60, 300, 600, 900, 900] {
        let (reason, wait) = agent
            .wait_for(|event| match event {
                Event::TunnelRefused { reason, retry_in } => Some((reason.clone(), *retry_in)),
                _ => None,
            })
            .await;
        assert_eq!(reason, "auth_failed: invalid_token");
        let range = Duration::from_secs(shortest)..=Duration::from_secs(shortest * 3 / 2);
        assert!(range.contains(&wait), "{shortest}: {wait:?}");
        clock.advance(wait).await;
    }
    proxy.refuse(Some("meeting_unavailable"));
    let wait = agent.wait_for(tunnel_gone).await;
    clock.advance(wait).await;
    let wait = agent.wait_for(tunnel_gone).await;
    assert!(wait <= Duration::from_secs(15), "{wait:?}");
    proxy.refuse(None);
    clock.advance(wait).await;
    agent.wait_for(tunnel_up).await;
    agent.stop().await.unwrap();
}

/// T4, the agents' side: two agents with one name take over from each other a few times, then one steps back.
#[tokio::test(start_paused = true)]
async fn two_agents_with_one_name_do_not_fight() {
    let clock = FrozenClock::new();
    let home = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (meeting, proxy) = (Meeting::start().await, Proxy::start().await);
    let start = |home| Running::start(with_tunnel(config(home, &meeting.url()), proxy.address, &[]));
    let mut first = start(&home[0]);
    first.wait_for(tunnel_up).await;
    let mut second = start(&home[1]);
    second.wait_for(tunnel_up).await;
    let mut agents = [first, second];
    // The first was evicted by the second; from here on whoever was evicted comes back after its wait.
    let mut loser = 0;
    let (mut now, mut swaps) = (Duration::ZERO, Vec::new());
    while now < 3 * HOUR {
        let wait = agents[loser].wait_for(tunnel_gone).await;
        clock.advance(wait).await;
        now += wait;
        agents[loser].wait_for(tunnel_up).await;
        swaps.push(now);
        loser = 1 - loser;
    }
    let first_minute = swaps.iter().filter(|at| **at <= MINUTE).count();
    let last_hour = swaps.iter().filter(|at| **at > 2 * HOUR).count();
    assert!(first_minute <= 8, "{swaps:?}");
    assert!(last_hour <= 6, "{swaps:?}");
    let contested = |event: &str| event.contains("another agent seems to use this device_key");
    assert!(agents.iter().any(|agent| agent.heard.iter().any(|event| contested(event))));
    for agent in agents {
        agent.stop().await.unwrap();
    }
}

/// Lets everything that can run do so, sockets included.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn new_settings_make_a_new_tunnel_only_when_they_are_about_it() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let (meeting, mut proxy) = (Meeting::start().await, Proxy::start().await);
    let port = echo().await;
    let mut config = with_tunnel(config(&home, &meeting.url()), proxy.address, &[("http", port)]);
    let mut agent = Running::start(config.clone());
    let first = proxy.tunnel().await;
    agent.wait_for(tunnel_up).await;

    config.addresses.note = Some(meeting_api::Note::new("second shelf").unwrap());
    agent.settings.send_replace(config.clone());
    agent.wait_for(|event| (*event == Event::Reloaded).then_some(())).await;
    agent.wait_for(accepted).await;
    assert_eq!(meeting.last_heartbeat()["note"], "second shelf");
    assert!(first.is_open());

    config.services.clear();
    agent.settings.send_replace(config.clone());
    let wait = agent.wait_for(tunnel_gone).await;
    assert!(wait <= Duration::from_secs(1));
    first.closed().await;
    clock.advance(wait).await;
    agent.wait_for(tunnel_up).await;
    let second = proxy.tunnel().await;
    let mut stream = second.open(port).unwrap();
    let refused = agent.wait_for(|event| match event {
        Event::PortRefused { port } => Some(*port),
        _ => None,
    });
    assert_eq!(refused.await, port);
    assert!(stream.read(&mut [0]).await.is_err());

    config.tunnel.enabled = false;
    agent.settings.send_replace(config);
    second.closed().await;
    agent.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_closes_the_tunnel_in_order() {
    let _clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let (meeting, mut proxy) = (Meeting::start().await, Proxy::start().await);
    let config = with_tunnel(config(&home, &meeting.url()), proxy.address, &[]);
    let mut agent = Running::start(config);
    agent.wait_for(tunnel_up).await;
    let tunnel = proxy.tunnel().await;
    agent.stop().await.unwrap();
    let end = tunnel.closed().await;
    assert!(matches!(end, tunnel_frame::server::SessionEnd::Peer), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn the_tunnel_waits_for_the_first_heartbeat_because_proxies_ask_for_one() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let (meeting, proxy) = (Meeting::start().await, Proxy::start().await);
    meeting.set(|state| state.provisioned = false);
    let config = with_tunnel(config(&home, &meeting.url()), proxy.address, &[]);
    let mut agent = Running::start(config);
    let wait = agent.wait_for(crate::harness::not_provisioned).await;
    settle().await;
    assert_eq!(proxy.tokens(), [""; 0]);
    meeting.set(|state| state.provisioned = true);
    clock.advance(wait).await;
    agent.wait_for(tunnel_up).await;
    assert_eq!(proxy.tokens().len(), 1);
    agent.stop().await.unwrap();
}

/// The library runs without the observer, too: `run` with nobody listening.
#[tokio::test]
async fn run_takes_nobody_as_observer() {
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start().await;
    let stop = Stop::default();
    stop.gently.cancel();
    agent::run(config(&home, &meeting.url()), stop, ()).await.unwrap();
}
