//! R6: whose word about an address is believed.

use meeting_api::server::{PeerAddress, Settings};

use crate::support::{Bench, DEVICE, request};

#[tokio::test]
async fn r6_the_right_most_hop_that_is_not_trusted_counts() {
    let mut settings = Settings::default();
    settings.trusted_proxies = ["192.0.2.0/24", "10.0.0.1", "2001:db8:aaaa::/48"]
        .map(|range| range.parse().expect("a range"))
        .to_vec();
    let bench = Bench::new(settings).await;
    bench.add_device(DEVICE).await;
    // peer, X-Forwarded-For lines, the address on record
    let table: &[(&str, &[&str], &str)] = &[
        ("198.51.100.7:1", &[], "198.51.100.7"),
        ("198.51.100.7:1", &["203.0.113.5"], "198.51.100.7"),
        ("192.0.2.9:1", &[], "192.0.2.9"),
        ("192.0.2.9:1", &["203.0.113.5"], "203.0.113.5"),
        ("192.0.2.9:1", &["127.0.0.1, 203.0.113.5"], "203.0.113.5"),
        ("192.0.2.9:1", &["203.0.113.5, 10.0.0.1"], "203.0.113.5"),
        ("192.0.2.9:1", &["6.6.6.6, 203.0.113.5, 10.0.0.1, 192.0.2.77"], "203.0.113.5"),
        ("192.0.2.9:1", &["6.6.6.6", "203.0.113.5"], "203.0.113.5"),
        ("192.0.2.9:1", &["10.0.0.1, 192.0.2.1"], "10.0.0.1"),
        ("192.0.2.9:1", &["203.0.113.5:4711"], "203.0.113.5"),
        ("192.0.2.9:1", &["[2001:db8::5]:4711"], "2001:db8::5"),
        ("192.0.2.9:1", &["[2001:db8::5]"], "2001:db8::5"),
        ("192.0.2.9:1", &["::ffff:203.0.113.5"], "203.0.113.5"),
        ("192.0.2.9:1", &["203.0.113.5, unknown"], "192.0.2.9"),
        ("192.0.2.9:1", &["203.0.113.5, unknown, 10.0.0.1"], "10.0.0.1"),
        ("192.0.2.9:1", &[""], "192.0.2.9"),
        ("192.0.2.9:1", &["203.0.113.5,"], "192.0.2.9"),
        ("[::ffff:192.0.2.9]:1", &["203.0.113.5"], "203.0.113.5"),
        ("[2001:db8:aaaa::1]:1", &["203.0.113.5"], "203.0.113.5"),
        ("[2001:db8:aaab::1]:1", &["203.0.113.5"], "2001:db8:aaab::1"),
    ];
    for (peer, lines, expected) in table {
        let mut beat = request("POST", &format!("/api/devices/{DEVICE}/online"), "");
        beat.extensions_mut().insert(PeerAddress(peer.parse().expect("an address")));
        for line in *lines {
            beat.headers_mut().append("x-forwarded-for", line.parse().expect("a header"));
        }
        let answer = bench.send(beat).await.json();
        assert_eq!(answer["ip_address"], *expected, "{peer} {lines:?}");
    }
    // A device's own word is taken before the peer's address, and without either the old one stays.
    let own = r#"{"ip_address":"203.0.113.99"}"#;
    let answer = bench.call("POST", &format!("/api/devices/{DEVICE}/online"), own, None).await.json();
    assert_eq!(answer["ip_address"], "203.0.113.99");
    let mut beat = request("POST", &format!("/api/devices/{DEVICE}/online"), "");
    beat.extensions_mut().clear();
    assert_eq!(bench.send(beat).await.json()["ip_address"], "203.0.113.99");
}
