//! The page in a real Chromium. What it does there is in `page.mjs`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::Room;
use crate::check_ins::page::playwright;
use crate::program::{Program, peer};

/// All checks together. They take a minute or so.
const PATIENCE: Duration = Duration::from_secs(400);

/// Names that somebody may give a machine, or a machine itself.
const HOSTILE: [&str; 4] = [
    "<img src=x onerror=\"hacked=1\">",
    "</script><script>hacked=1</script>",
    "{{ 7 * 7 }} ${hacked=1}",
    "مرحبا machine",
];

fn ip(number: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, u8::try_from(number + 11).unwrap()))
}

#[test]
#[ignore = "needs mosquitto, paho-mqtt, chromium, node and playwright-core; run by .ci/run"]
fn the_page_of_machines_shows_asks_and_tells_in_chromium() {
    let names: Vec<&str> = ["lab-01", "lab-02", "stubborn"].into_iter().chain(HOSTILE).collect();
    let macs: Vec<String> = (0..names.len()).map(|number| format!("00:00:5e:00:53:{number:02x}")).collect();
    let flags: Vec<Vec<&str>> = names
        .iter()
        .zip(&macs)
        .map(|(name, mac)| match name.starts_with("lab") {
            true => vec!["--mac", mac, "--group", "lab"],
            false => vec!["--mac", mac],
        })
        .collect();
    let machines: Vec<_> = names
        .iter()
        .zip(&flags)
        .enumerate()
        .map(|(n, (name, flags))| (ip(n), *name, flags.as_slice()))
        .collect();
    let room = Room::open(&machines);
    let keys = json!({ "administer": room.key("olga", "administer"), "read": room.key("reader", "read") });
    let mut agents = Vec::new();
    let (mut ips, mut pids, mut hostnames) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (number, name) in names.iter().enumerate() {
        let hostname = format!("host of {name}");
        let refuses: &[&str] = if *name == "stubborn" { &["refuse"] } else { &[] };
        let agent = room.agent(ip(number), &hostname, refuses);
        ips.insert(*name, ip(number));
        pids.insert(*name, agent.pid());
        hostnames.insert(*name, hostname);
        agents.push(agent);
    }
    let facts = json!({
        "base": room.url, "keys": keys, "shots": std::env::var("PAGE_SHOTS").ok(), "machines": names, "hostile": HOSTILE,
        "ips": ips, "pids": pids, "hostnames": hostnames,
    });
    let facts_file = room.folder.path().join("facts.json");
    std::fs::write(&facts_file, facts.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/ipwatch/page.mjs");
    let mut command = Command::new(peer("node"));
    command.arg(script).arg(playwright()).arg(&facts_file).env("CHROMIUM", peer("chromium"));
    let mut browser = Program::start("page.mjs", &mut command);
    browser.wait_for("all checks are through", PATIENCE);
    let ended = browser.stop_finished();
    eprintln!("{}", browser.output());
    assert!(ended.success(), "the page failed a check; see above");
}
