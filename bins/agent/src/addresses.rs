//! The device's real addresses: what the heartbeat's `ip_lan` and `mac` say (§3.1), and when they change.
//!
//! The LAN address is the one the system would send from towards the server. A UDP socket that is connected tells it
//! without a packet being sent. When the server is on this very machine that address is a loopback one and says nothing,
//! so the address of the default route is taken instead.
//!
//! Choice: AG-3.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use meeting_api::MacAddress;

/// Addresses of the blocks kept for documentation: nobody has them, so they lead to the default route. Nothing is sent.
const DEFAULT_ROUTE_PROBES: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9),
];

/// One network interface of the machine, as far as a heartbeat is interested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The system's name of it, for instance `eth0`.
    pub name: String,
    /// The hardware address; absent for interfaces which have none, such as loopback and tunnels.
    pub mac: Option<MacAddress>,
    /// The addresses it has.
    pub addresses: Vec<IpAddr>,
}

/// What the agent asks of the machine's network. The real one is [`SystemNetwork`]; tests bring their own.
pub trait Network: Send + Sync + 'static {
    /// Every interface with its addresses.
    ///
    /// # Errors
    /// The system does not say.
    fn interfaces(&self) -> io::Result<Vec<Interface>>;

    /// The address that the system would send from towards `destination`.
    ///
    /// # Errors
    /// The system's refusal, as a rule "network unreachable".
    fn source_towards(&self, destination: SocketAddr) -> io::Result<IpAddr>;

    /// Whether the machine still has `address`. A connection from an address that is gone is dead, though TCP takes minutes
    /// to say so. A system that does not say counts as having it.
    fn still_has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let has = |interfaces: Vec<Interface>| interfaces.iter().any(|it| it.addresses.contains(&address));
        address.is_loopback() || self.interfaces().map_or(true, has)
    }
}

/// The network of the machine the program runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNetwork;

impl Network for SystemNetwork {
    fn interfaces(&self) -> io::Result<Vec<Interface>> {
        let networks = sysinfo::Networks::new_with_refreshed_list()
            .map_err(|error| io::Error::other(error.to_string()))?;
        let mut interfaces: Vec<Interface> = networks
            .iter()
            .map(|(name, network)| Interface {
                name: name.to_string_lossy().into_owned(),
                mac: Some(network.mac_address().0).filter(|mac| *mac != [0; 6]).map(MacAddress::new),
                addresses: network.ip_networks().iter().map(|network| network.addr).collect(),
            })
            .collect();
        interfaces.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(interfaces)
    }

    fn source_towards(&self, destination: SocketAddr) -> io::Result<IpAddr> {
        let any: IpAddr = match destination {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(destination)?;
        Ok(socket.local_addr()?.ip())
    }
}

/// The addresses of the device at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// The address on the local network.
    pub lan: Option<IpAddr>,
    /// The name of the interface that has it.
    pub interface: Option<String>,
    /// The hardware address of that interface.
    pub mac: Option<MacAddress>,
}

impl Addresses {
    /// Looks which address leads to `server` (its resolved addresses, in any order; empty when the name did not resolve).
    #[must_use]
    pub fn observe(network: &dyn Network, server: &[SocketAddr]) -> Self {
        let interfaces = network.interfaces().unwrap_or_default();
        let lan = server
            .iter()
            .chain(&DEFAULT_ROUTE_PROBES)
            .filter_map(|destination| network.source_towards(*destination).ok())
            .find(|address| is_worth_reporting(*address))
            .or_else(|| first_worth_reporting(&interfaces));
        let holder = lan.and_then(|lan| interfaces.into_iter().find(|it| it.addresses.contains(&lan)));
        let (interface, mac) = holder.map_or((None, None), |it| (Some(it.name), it.mac));
        Self { lan, interface, mac }
    }
}

fn first_worth_reporting(interfaces: &[Interface]) -> Option<IpAddr> {
    let mut all = interfaces.iter().flat_map(|it| it.addresses.iter().copied());
    let v4 = all.clone().find(|address| address.is_ipv4() && is_worth_reporting(*address));
    v4.or_else(|| all.find(|address| is_worth_reporting(*address)))
}

/// Loopback and link-local addresses lead nowhere from another machine.
fn is_worth_reporting(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(address.is_loopback() || address.is_unspecified() || link_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed {
        interfaces: Vec<Interface>,
        routes: Vec<(SocketAddr, IpAddr)>,
    }

    impl Network for Fixed {
        fn interfaces(&self) -> io::Result<Vec<Interface>> {
            Ok(self.interfaces.clone())
        }

        fn source_towards(&self, destination: SocketAddr) -> io::Result<IpAddr> {
            let route = self.routes.iter().find(|(to, _)| *to == destination);
            route.map(|(_, from)| *from).ok_or_else(|| io::ErrorKind::NetworkUnreachable.into())
        }
    }

    fn interface(name: &str, mac: Option<[u8; 6]>, addresses: &[&str]) -> Interface {
        Interface {
            name: name.to_owned(),
            mac: mac.map(MacAddress::new),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        }
    }

    fn machine(routes: &[(&str, &str)]) -> Fixed {
        Fixed {
            interfaces: vec![
                interface("lo", None, &["127.0.0.1", "::1"]),
                interface("eth0", Some([2, 0, 0, 0, 0, 1]), &["fe80::1", "192.0.2.10"]),
                interface("wlan0", Some([2, 0, 0, 0, 0, 2]), &["198.51.100.7", "2001:db8::7"]),
            ],
            routes: routes.iter().map(|(to, from)| (to.parse().unwrap(), from.parse().unwrap())).collect(),
        }
    }

    #[test]
    fn the_address_towards_the_server_is_the_one_reported_with_its_interface() {
        let server = ["203.0.113.1:443".parse().unwrap()];
        let machine = machine(&[("203.0.113.1:443", "198.51.100.7"), ("192.0.2.1:9", "192.0.2.10")]);
        let seen = Addresses::observe(&machine, &server);
        assert_eq!(seen.lan, Some("198.51.100.7".parse().unwrap()));
        assert_eq!(seen.interface.as_deref(), Some("wlan0"));
        assert_eq!(seen.mac, Some(MacAddress::new([2, 0, 0, 0, 0, 2])));
    }

    #[test]
    fn a_server_on_this_machine_leads_to_the_default_route_instead_of_loopback() {
        let server = ["127.0.0.1:8080".parse().unwrap()];
        let machine = machine(&[("127.0.0.1:8080", "127.0.0.1"), ("192.0.2.1:9", "192.0.2.10")]);
        assert_eq!(Addresses::observe(&machine, &server).lan, Some("192.0.2.10".parse().unwrap()));
    }

    #[test]
    fn without_any_route_the_first_real_address_is_reported_and_without_any_address_none() {
        assert_eq!(Addresses::observe(&machine(&[]), &[]).lan, Some("192.0.2.10".parse().unwrap()));
        let bare = Fixed { interfaces: vec![interface("lo", None, &["127.0.0.1"])], routes: Vec::new() };
        assert_eq!(Addresses::observe(&bare, &[]), Addresses::default());
    }

    #[test]
    fn a_vanished_address_is_noticed_and_loopback_never_vanishes() {
        let machine = machine(&[]);
        for (address, expected) in
            [("192.0.2.10", true), ("::ffff:192.0.2.10", true), ("192.0.2.11", false), ("127.0.0.1", true)]
        {
            assert_eq!(machine.still_has(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn the_system_answers_without_a_packet_and_knows_loopback() {
        let source = SystemNetwork.source_towards("127.0.0.1:9".parse().unwrap()).unwrap();
        assert_eq!(source, IpAddr::from([127, 0, 0, 1]));
        let interfaces = SystemNetwork.interfaces().unwrap();
        assert!(interfaces.iter().any(|it| it.addresses.contains(&source)), "{interfaces:?}");
    }
}
