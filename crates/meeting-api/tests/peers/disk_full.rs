//! A disk without space, and its return. A file system of 1 MiB is mounted for it, which needs root.

use std::path::Path;
use std::process::Command;

use meeting_api::server::store::{Devices, NewDevice, Store};
use meeting_api::server::{SqliteOptions, SqliteStore};
use meeting_api::{DeviceKey, UtcTimestamp};

/// A file system in memory, unmounted when it is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .status()
            .expect("mount runs");
        assert!(mounted.success(), "mounting needs root");
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

fn device(number: usize) -> NewDevice {
    NewDevice {
        device_key: format!("d{number:05}").parse().expect("a key"),
        device_name: None,
        product_serial: None,
        device_type: None,
        distribution: None,
        authorized: false,
        token_code: None,
        token_count: 0,
        note: Some("x".repeat(1500)),
        services: vec![],
        registered_at: UtcTimestamp::from_unix(1_770_000_000).expect("a time"),
    }
}

#[tokio::test]
#[ignore = "needs root for a small file system; run by .ci/run"]
async fn a_full_disk_refuses_writes_loses_nothing_and_recovers_when_space_returns() {
    let disk = SmallDisk::mount("1m");
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![0_u8; 300 * 1024]).expect("ballast fits");
    let store = SqliteStore::open(SqliteOptions::new(disk.path().join("meeting.db"))).expect("a store");
    let mut stored = 0;
    let full = loop {
        match store.create_device(device(stored)).await {
            Ok(made) => assert!(made),
            Err(error) => break error,
        }
        stored += 1;
        assert!(stored < 10_000, "the disk never fills");
    };
    assert!(full.is_retryable(), "{full}");
    assert!(store.create_device(device(stored)).await.is_err(), "the disk is still full");
    let known = async |number: usize| {
        let key: DeviceKey = format!("d{number:05}").parse().expect("a key");
        store.device(&key).await.expect("reading goes on").is_some()
    };
    for number in 0..stored {
        assert!(known(number).await, "device {number} of {stored} was acknowledged and is lost");
    }
    assert!(!known(stored).await, "a refused device is there");
    std::fs::remove_file(&ballast).expect("removed");
    assert_eq!(store.create_device(device(stored)).await, Ok(true), "space is back");
    assert_eq!(store.check().await, Ok(()));
    eprintln!("{stored} devices fitted; the next one was refused, and stored when space was back: {full}");
    // The file is unmounted after the store is closed.
    drop(store);
}
