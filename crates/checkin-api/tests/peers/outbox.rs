//! The outbox on a disk that fills up, and against the real server.

use std::fs;

use checkin_api::outbox::{Outbox, OutboxError, OutboxOptions};

use crate::disk_full::SmallDisk;
use crate::store_suite::copy;

#[tokio::test]
#[ignore = "needs root for a small file system; run by .ci/run"]
async fn c6_a_full_disk_refuses_new_check_ins_and_keeps_the_others() {
    let disk = SmallDisk::mount("1m");
    let outbox = Outbox::open(disk.path().join("outbox"), OutboxOptions::default()).unwrap();
    let check_in = |number: usize| {
        let mut check_in = copy(&format!("{number:06}"), "HOWL", None, "k").check_in;
        check_in.message = "x".repeat(3000);
        check_in
    };
    let mut kept = 0;
    let full = loop {
        match outbox.put(&check_in(kept)).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 10_000, "the disk never fills");
    };
    assert!(
        matches!(&full, OutboxError::Io(error) if error.kind() == std::io::ErrorKind::StorageFull),
        "{full:?}"
    );
    assert!(kept > 100, "{kept}");
    // Each of them is whole, and nothing of the one that found no room takes any.
    let files: Vec<_> = fs::read_dir(disk.path().join("outbox/queue")).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), kept);
    for file in &files {
        checkin_api::CheckIn::decode(&fs::read(file.path()).unwrap()).unwrap();
    }
    fs::remove_file(files[0].path()).unwrap();
    outbox.put(&check_in(kept)).await.unwrap();
    assert_eq!(outbox.waiting().await.unwrap(), kept);
}
