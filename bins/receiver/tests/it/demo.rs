//! README's first command, in this process.

use daemon::lifecycle::Stop;
use receiver::demo::{self, Options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_brings_a_device_online_and_leaves_nothing_behind() {
    let mut out = Vec::new();
    demo::run(Options::once(), &mut out, false, Stop::default()).await.unwrap();
    let said = String::from_utf8(out).unwrap();
    for text in [
        "first heartbeat accepted",
        "key published: SHA256:",
        "tunnel up: 127.0.0.1:",
        "You have reached the device",
        "connection 1 opened",
        "ended; nothing is left behind",
    ] {
        assert!(said.contains(text), "{text:?} is not in\n{said}");
    }
    let folder = said.lines().find_map(|line| line.split_once("everything is kept in ")).unwrap().1;
    assert!(!std::path::Path::new(folder).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_demo_goes_on_with_the_same_device() {
    let folder = tempfile::tempdir().unwrap();
    let mut devices = Vec::new();
    for _ in 0..2 {
        let mut out = Vec::new();
        let options = Options::once().keep(folder.path());
        demo::run(options, &mut out, false, Stop::default()).await.unwrap();
        let said = String::from_utf8(out).unwrap();
        let page = said.lines().find_map(|line| line.strip_prefix("You have reached the device ")).unwrap();
        devices.push(page.split(' ').next().unwrap().to_owned());
    }
    assert_eq!(devices[0], devices[1]);
}
