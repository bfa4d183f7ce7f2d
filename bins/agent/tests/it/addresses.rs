//! Changes of the machine's addresses: a heartbeat at once, and a new tunnel when the old one's address is gone.

use std::net::IpAddr;
use std::time::Duration;

use agent::Event;

use crate::fake_meeting::Meeting;
use crate::fake_proxy::Proxy;
use crate::harness::{
    FrozenClock, OneAddress, Running, accepted, config, tunnel_gone, tunnel_up, with_tunnel,
};

const POLL: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn a_new_address_brings_a_heartbeat_within_a_poll() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start().await;
    let network = OneAddress::default();
    let mut agent = Running::start_on(config(&home, &meeting.url()), network.clone());
    agent.wait_for(accepted).await;
    let new = IpAddr::from([198, 51, 100, 7]);
    *network.lan.lock().unwrap() = new;
    clock.advance(POLL).await;
    let told = agent.wait_for(|event| match event {
        Event::AddressesChanged { lan } => Some(*lan),
        _ => None,
    });
    assert_eq!(told.await, Some(new));
    agent.wait_for(accepted).await;
    assert_eq!(meeting.last_heartbeat()["ip_lan"], "198.51.100.7");
    assert_eq!(meeting.heartbeats(), 2);
    agent.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_whose_address_is_gone_is_made_anew() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let (meeting, mut proxy) = (Meeting::start().await, Proxy::start().await);
    let network = OneAddress::default();
    let config = with_tunnel(config(&home, &meeting.url()), proxy.address, &[]);
    let mut agent = Running::start_on(config, network.clone());
    agent.wait_for(tunnel_up).await;
    let first = proxy.tunnel().await;
    clock.advance(POLL).await;
    assert!(first.is_open());

    *network.has_loopback.lock().unwrap() = false;
    clock.advance(POLL).await;
    let wait = agent.wait_for(tunnel_gone).await;
    assert!(wait <= Duration::from_secs(1), "{wait:?}");
    assert!(agent.heard.iter().any(|event| event.contains("no longer has the address 127.0.0.1")));
    *network.has_loopback.lock().unwrap() = true;
    clock.advance(wait).await;
    agent.wait_for(tunnel_up).await;
    first.closed().await;
    agent.stop().await.unwrap();
}

/// The network was away when the tunnel was tried; its return is reason enough to try at once.
#[tokio::test(start_paused = true)]
async fn a_new_address_ends_the_wait_for_a_proxy_that_was_out_of_reach() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let (meeting, mut proxy) = (Meeting::start().await, Proxy::start().await);
    proxy.go_away().await;
    let network = OneAddress::default();
    let config = with_tunnel(config(&home, &meeting.url()), proxy.address, &[]);
    let mut agent = Running::start_on(config, network.clone());
    let mut wait = agent.wait_for(tunnel_gone).await;
    while wait < 3 * POLL {
        clock.advance(wait).await;
        wait = agent.wait_for(tunnel_gone).await;
    }
    proxy.come_back().await;
    *network.lan.lock().unwrap() = IpAddr::from([198, 51, 100, 7]);
    clock.advance(POLL).await;
    agent.wait_for(tunnel_up).await;
    agent.stop().await.unwrap();
}
