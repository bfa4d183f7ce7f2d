//! A full disk under the program (threat C4). A file system of 1 MiB is mounted for it, which needs root.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::wire::Wire;
use super::{DropIn, check_in};

/// A file system in memory, unmounted when it is dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(folder: &'a Path) -> Self {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(folder)
            .status()
            .unwrap();
        assert!(mounted.success(), "mounting needs root");
        Self(folder)
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
#[ignore = "needs root for a small file system, and python3; run by .ci/run"]
fn c4_a_full_disk_is_503_loses_nothing_and_needs_no_restart() {
    let place = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(place.path());
    let ballast = place.path().join("ballast");
    std::fs::write(&ballast, vec![0_u8; 300 * 1024]).unwrap();
    let mut receiver = DropIn::with(tempfile::tempdir().unwrap(), place.path().join("checkins.db"), &[]);
    let mut wire = Wire::connect(receiver.port);
    let mut acknowledged = BTreeSet::new();
    let refused = loop {
        let hash = format!("A{:015X}", acknowledged.len());
        match wire.post(&check_in(&hash, &"x".repeat(900), "north")).unwrap() {
            201 => acknowledged.insert(hash),
            other => break (hash, other),
        };
        assert!(acknowledged.len() < 10_000, "the disk never fills");
    };
    assert_eq!(refused.1, 503);
    std::fs::remove_file(&ballast).unwrap();
    let mut wire = Wire::connect(receiver.port);
    assert_eq!(wire.post(&check_in(&refused.0, &"x".repeat(900), "north")).unwrap(), 201);
    acknowledged.insert(refused.0);
    assert_eq!(receiver.hashes(), acknowledged);
    assert!(receiver.program.stop().success());
    drop(receiver);
    drop(disk);
}
